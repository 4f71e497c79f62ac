/** What the cases of the state machine suite work with. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../core/entry.ts';
import type { LogIndex, NodeId, Term } from '../../core/ids.ts';
import { logId } from '../../core/ids.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { SerializationError } from '../../errors.ts';
import type { Codec } from '../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../ports/state-machine.ts';
import type { CapabilityOptions } from './capabilities.ts';
import { runInWorld } from './conformance-suite.ts';
import { startedEarly } from './expect.ts';
import type { Place, PlaceFault } from './place.ts';
import { PlaceKeeper } from './place.ts';
import { uniformMembership } from './sample-entries.ts';
import { collect } from './snapshot-store-world.ts';

/** A state machine's home, which can show the state kept in it. */
export interface StateMachinePlace<Request, Response> extends Place<StateMachine<Request, Response>> {
  /** All of the state of the machine made last, as a value that `deepStrictEqual` can compare. */
  readState(): unknown;
}

/**
 * `persistent`: a place keeps the state, without snapshot and log, when its machine is closed and the next one is
 * opened; the machine says so itself (`isDurable`). There is no `damage` for state machines: snapshots and the log are
 * what repairs them.
 */
export interface StateMachineSuiteOptions<Request, Response> extends CapabilityOptions {
  /** Makes an empty place. Called for each case, and for each of several machines in a case. */
  create(): StateMachinePlace<Request, Response> | Promise<StateMachinePlace<Request, Response>>;
  readonly codec: Codec<Request, Response>;
  /** Makes a request; a machine that applied those of 1 to n must differ from one that applied those of 1 to n + 1. */
  makeRequest(number: number): Request;
  /** Makes a request whose apply throws; `null` when there is none. */
  readonly makeFailingRequest: (() => Request) | null;
}

/** One open state machine. */
export class Subject<Request, Response> {
  machine: StateMachine<Request, Response>;
  readonly #place: StateMachinePlace<Request, Response>;
  readonly #keeper: PlaceKeeper<StateMachine<Request, Response>>;
  readonly #codec: Codec<Request, Response>;

  private constructor(
    place: StateMachinePlace<Request, Response>,
    keeper: PlaceKeeper<StateMachine<Request, Response>>,
    machine: StateMachine<Request, Response>,
    codec: Codec<Request, Response>,
  ) {
    this.#place = place;
    this.#keeper = keeper;
    this.machine = machine;
    this.#codec = codec;
  }

  static async open<Request, Response>(
    place: StateMachinePlace<Request, Response>,
    codec: Codec<Request, Response>,
  ): Promise<Subject<Request, Response>> {
    const keeper = new PlaceKeeper<StateMachine<Request, Response>>(place);
    const machine = await keeper.next();
    const subject = new Subject(place, keeper, machine, codec);
    expectApplied(await machine.open(codec), machine.applied());
    return subject;
  }

  /** A failure always rejects; the machine is called at once. */
  apply(entries: readonly Entry[]): Promise<readonly (Response | undefined)[]> {
    return startedEarly((async () => await this.machine.apply(entries))());
  }

  async readState(): Promise<unknown> {
    return structuredClone(await this.#place.readState());
  }

  /** Closes the machine and opens the next one over the same data. */
  async reopen(): Promise<AppliedState> {
    await this.makeNext();
    return await this.open();
  }

  /** Closes the machine, if there is one, and makes the next one, which the case opens. */
  async makeNext(): Promise<void> {
    this.machine = await this.#keeper.next();
  }

  async open(): Promise<AppliedState> {
    return await this.machine.open(this.#codec);
  }

  /** Opens a second machine of the same place, without closing the present one. */
  async openBeside(): Promise<void> {
    const second = await this.#keeper.beside();
    await second.open(this.#codec);
  }

  /** Ends the machine as a power cut does. */
  async crash(seed: number): Promise<void> {
    await this.#keeper.crash(seed);
  }

  async crashAndReopen(seed: number): Promise<AppliedState> {
    await this.crash(seed);
    return await this.reopen();
  }

  freezeAfter(operations: number): Promise<void> {
    return this.#keeper.freezeAfter(operations);
  }

  failNext(fault: PlaceFault): void {
    this.#keeper.failNext(fault);
  }

  relieve(): void {
    this.#keeper.relieve();
  }

  async close(): Promise<void> {
    await this.#keeper.close();
  }
}

/** A first machine, more of them on demand, and entries for all of them. */
export class StateMachineWorld<Request, Response> {
  readonly subject: Subject<Request, Response>;
  readonly #options: StateMachineSuiteOptions<Request, Response>;
  readonly #codec: Codec<Request, Response>;
  readonly #subjects: Subject<Request, Response>[];

  private constructor(options: StateMachineSuiteOptions<Request, Response>, subject: Subject<Request, Response>) {
    this.#options = options;
    this.#codec = refuseUndecodable(options.codec);
    this.subject = subject;
    this.#subjects = [subject];
  }

  static async create<Request, Response>(
    options: StateMachineSuiteOptions<Request, Response>,
  ): Promise<StateMachineWorld<Request, Response>> {
    const subject = await Subject.open(await options.create(), refuseUndecodable(options.codec));
    return new StateMachineWorld(options, subject);
  }

  /** Opens one more machine, in a place of its own. */
  async another(): Promise<Subject<Request, Response>> {
    const subject = await Subject.open(await this.#options.create(), this.#codec);
    this.#subjects.push(subject);
    return subject;
  }

  /** Whether machines say that they keep their state. */
  get isPersistent(): boolean {
    return this.#options.persistent;
  }

  /** Runs a check in one more world, with places of its own. */
  async inAnother(check: (world: StateMachineWorld<Request, Response>) => Promise<void>): Promise<void> {
    await runInWorld(check, () => StateMachineWorld.create(this.#options));
  }

  /** Opens one more machine and applies the entries. */
  async anotherWith(entries: readonly Entry[]): Promise<Subject<Request, Response>> {
    const subject = await this.another();
    await subject.apply(entries);
    return subject;
  }

  request(term: Term, index: LogIndex): Entry {
    return this.#normal(term, index, this.#codec.encodeRequest(this.#options.makeRequest(index)));
  }

  /** Requests at `[fromIndex, toIndex)`. */
  requests(term: Term, fromIndex: LogIndex, toIndex: LogIndex): Entry[] {
    return Array.from({ length: toIndex - fromIndex }, (_, offset) => this.request(term, fromIndex + offset));
  }

  failingRequest(term: Term, index: LogIndex): Entry {
    const { makeFailingRequest } = this.#options;
    assert.ok(makeFailingRequest !== null, 'only for machines that have a failing request');
    return this.#normal(term, index, this.#codec.encodeRequest(makeFailingRequest()));
  }

  undecodableRequest(term: Term, index: LogIndex): Entry {
    return this.#normal(term, index, UNDECODABLE.slice());
  }

  blank(term: Term, index: LogIndex): Entry {
    return blankEntry(logId(term, index), timeOf(index));
  }

  membership(term: Term, index: LogIndex, voters: readonly NodeId[]): Entry {
    return membershipEntry(logId(term, index), timeOf(index), uniformMembership(voters));
  }

  /** Entries 1 to 60 of all kinds. */
  history(): Entry[] {
    return [
      this.membership(1, 1, [1]),
      this.blank(1, 2),
      ...this.requests(1, 3, 30),
      this.membership(1, 30, [1, 2, 3]),
      ...this.requests(2, 31, 60),
      this.blank(2, 60),
    ];
  }

  async close(): Promise<void> {
    for (const subject of this.#subjects) {
      await subject.close();
    }
  }

  #normal(term: Term, index: LogIndex, payload: Uint8Array): Entry {
    return normalEntry(logId(term, index), timeOf(index), payload);
  }
}

function timeOf(index: LogIndex): number {
  return 1_700_000_000_000 + 10 * index;
}

/** Bytes that the codec of a world refuses, whatever the application's codec would make of them. */
const UNDECODABLE: Uint8Array = new TextEncoder().encode('these bytes are no request');

function refuseUndecodable<Request, Response>(codec: Codec<Request, Response>): Codec<Request, Response> {
  return {
    id: codec.id,
    encodeRequest: (request) => codec.encodeRequest(request),
    decodeRequest: (bytes) => {
      if (Buffer.compare(bytes, UNDECODABLE) === 0) {
        throw new SerializationError('the bytes are no request');
      }
      return codec.decodeRequest(bytes);
    },
    encodeResponse: (response) => codec.encodeResponse(response),
    decodeResponse: (bytes) => codec.decodeResponse(bytes),
  };
}

/** A snapshot as it travels between nodes. */
export interface TakenSnapshot {
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  readonly bytes: Uint8Array;
}

/** Builds a snapshot as a node does. */
export async function takeSnapshot(machine: StateMachine<never, unknown>): Promise<TakenSnapshot> {
  const view = await machine.snapshot();
  try {
    return { meta: metaOf(view), codecId: view.codecId, bytes: await collect(view.chunks()) };
  } finally {
    await view.close();
  }
}

export function metaOf({ applied }: StateSnapshot): SnapshotMeta {
  const { lastApplied, lastTimeMs, membership } = applied;
  const id = `${lastApplied.term}:${lastApplied.index}`;
  return { id, lastLogId: lastApplied, lastTimeMs, membership };
}

/** The bytes in pieces of another size than they were made in. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    yield bytes.slice(start, start + pieceBytes);
  }
}

export function expectApplied(actual: AppliedState, expected: AppliedState): void {
  assert.deepEqual(structuredClone(actual), structuredClone(expected));
}

/** What a machine must say that has applied these entries, of which the last is not missing. */
export function appliedOf(entries: readonly Entry[]): AppliedState {
  const last = entries.at(-1);
  const change = entries.findLast(({ membership }) => membership !== null);
  assert.ok(last !== undefined && change !== undefined && change.membership !== null, 'a membership and a last entry');
  return {
    lastApplied: last.logId,
    lastTimeMs: last.timeMs,
    membership: { logId: change.logId, membership: change.membership },
  };
}
