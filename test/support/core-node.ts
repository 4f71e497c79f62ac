/** One core together with a simple runtime: it executes effects at once, or holds disk writes until told otherwise. */
import type { Effect, InstallSnapshotEffect, PersistEffect, ReplicateEffect } from '../../src/core/effect.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { LogId, LogIndex, NodeId, Term } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import type { MembershipChange } from '../../src/core/membership/change.ts';
import type { Message, SnapshotMeta, SnapshotOffer } from '../../src/core/message.ts';
import type { CoreOptions } from '../../src/core/options.ts';
import { RaftCore } from '../../src/core/raft.ts';
import type { RoleName } from '../../src/core/role/role.ts';
import type { TestSnapshot } from './core-disk.ts';
import { TestDisk, TestLog } from './core-disk.ts';
import type { InitialStateInit } from './core-kit.ts';
import { at, bytesOf, coreOptions, entriesOf, initialState, onlyEffect, textOf } from './core-kit.ts';

/** What travels between nodes: a message, the offer of a snapshot stream, or the stream itself. */
export type Cargo =
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'offer'; readonly offer: SnapshotOffer; readonly snapshot: TestSnapshot }
  | { readonly type: 'snapshot'; readonly offer: SnapshotOffer; readonly snapshot: TestSnapshot };

export interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly cargo: Cargo;
}

/** Time as the nodes of one test see it. */
export interface TestClock {
  nowMs: number;
}

/** The store a node starts with; `entries` instead of `logTerms` when their content matters. */
export interface TestNodeInit extends Omit<InitialStateInit, 'applied' | 'snapshot' | 'logMemberships'> {
  readonly id?: NodeId;
  readonly entries?: readonly Entry[];
  readonly options?: Partial<CoreOptions>;
  readonly clock?: TestClock;
}

type Write = PersistEffect | InstallSnapshotEffect | Extract<Effect, { type: 'commit' | 'purge' }>;

export class TestNode {
  readonly id: NodeId;
  readonly clock: TestClock;
  readonly options: CoreOptions;
  readonly disk: TestDisk;
  /** Everything that was applied since the beginning of the log, what came in snapshots included. */
  applied: Entry[] = [];
  /** All effects so far, of restarts too. */
  readonly history: Effect[] = [];
  /** Everything that was sent so far; the cluster takes envelopes out. */
  outbox: Envelope[] = [];
  isAlive = true;
  /** Sees every effect before it is executed. */
  onEffect: (effect: Effect) => void = () => {};
  core: RaftCore;
  #log: TestLog;
  #isDiskHeld = false;
  #isApplyHeld = false;
  #writes: Write[] = [];
  #commitIndex: LogIndex = 0;
  /** Received streams by snapshot id, until they are installed. */
  readonly #received = new Map<string, TestSnapshot>();

  constructor(init: TestNodeInit = {}) {
    this.id = init.id ?? 1;
    this.clock = init.clock ?? { nowMs: 0 };
    this.options = coreOptions({ nodeId: this.id, ...init.options });
    this.disk = makeDisk(init);
    this.#log = new TestLog(this.disk.log.purged, this.disk.log.entries);
    this.core = this.#start();
  }

  get role(): RoleName {
    return this.core.state.role.name;
  }

  get term(): Term {
    return this.core.state.hardState.term;
  }

  get commitIndex(): LogIndex {
    return this.core.state.commitIndex;
  }

  get lastLogId(): LogId {
    return this.core.state.log.lastLogId();
  }

  /** The log in memory, which may be ahead of the disk. */
  get entries(): readonly Entry[] {
    return this.#log.entries;
  }

  get logTerms(): Term[] {
    return this.#log.entries.map((entry) => entry.logId.term);
  }

  /** Requests that the state machine has seen, as text. */
  get appliedTexts(): string[] {
    return this.applied.filter(({ kind }) => kind === 'normal').map(({ payload }) => textOf(payload));
  }

  get appliedIndex(): LogIndex {
    return this.applied.length;
  }

  step(input: Input): Effect[] {
    return this.stepAll([input]);
  }

  /** Steps one batch, executes its effects and all that follows; returns the effects of all of it. */
  stepAll(inputs: readonly Input[]): Effect[] {
    if (!this.isAlive) throw new Error(`node ${this.id} is down`);
    const start = this.history.length;
    this.#execute(this.core.stepAll(inputs, at(this.clock.nowMs)));
    this.#settle();
    return this.history.slice(start);
  }

  receive(from: NodeId, message: Message): Effect[] {
    return this.step({ type: 'message', from, message, token: 0 });
  }

  tick(): Effect[] {
    return this.step({ type: 'tick' });
  }

  campaign(): Effect[] {
    return this.step({ type: 'elect' });
  }

  /** Proposes one batch; says what became of it. */
  propose(...texts: readonly string[]): Extract<Effect, { type: 'proposed' }> {
    return onlyEffect(this.step({ type: 'propose', payloads: texts.map(bytesOf) }), 'proposed');
  }

  change(id: number, change: MembershipChange, retain = false): Effect[] {
    return this.step({ type: 'change-membership', id, change, retain });
  }

  /** Writes queue up from now on, as before a slow disk. */
  holdDisk(): void {
    this.#isDiskHeld = true;
  }

  /** Executes the oldest held writes; all of them, and from now on at once, when no `count` is given. */
  releaseDisk(count: number = Number.POSITIVE_INFINITY): Effect[] {
    const start = this.history.length;
    if (count === Number.POSITIVE_INFINITY) this.#isDiskHeld = false;
    this.#write(count);
    this.#settle();
    return this.history.slice(start);
  }

  get heldWrites(): readonly Write[] {
    return this.#writes;
  }

  /** Committed entries are not applied from now on, as with a slow state machine. */
  holdApply(): void {
    this.#isApplyHeld = true;
  }

  releaseApply(): Effect[] {
    const start = this.history.length;
    this.#isApplyHeld = false;
    this.#settle();
    return this.history.slice(start);
  }

  /** Stores a snapshot of what is applied. */
  buildSnapshot(): SnapshotMeta {
    const meta = this.#metaOfApplied();
    this.disk.snapshot = { meta, entries: [...this.applied] };
    this.step({ type: 'snapshot-built', meta });
    return meta;
  }

  /** As `releaseDisk(count)`, but leaves the reports to the caller, as inputs of its next batch. */
  writeHeld(count: number): Input[] {
    const reports: Input[] = [];
    for (const write of this.#writes.splice(0, count)) reports.push(...this.#writeOne(write));
    return reports;
  }

  /** A peer offers a snapshot; returns whether it wants to be streamed. A refusal goes to the outbox. */
  receiveOffer(from: NodeId, offer: SnapshotOffer): boolean {
    const { verdict } = onlyEffect(this.step({ type: 'snapshot-offered', from, offer, token: 0 }), 'snapshot-verdict');
    if (!verdict.accept) this.#send(from, { type: 'message', message: verdict.response });
    return verdict.accept;
  }

  receiveSnapshot(from: NodeId, offer: SnapshotOffer, snapshot: TestSnapshot): Effect[] {
    this.#received.set(snapshot.meta.id, snapshot);
    return this.step({ type: 'snapshot-received', from, offer, token: 0 });
  }

  takeOutbox(): Envelope[] {
    const taken = this.outbox;
    this.outbox = [];
    return taken;
  }

  /** Everything but the disk is lost, writes that were held as well. */
  crash(): void {
    this.isAlive = false;
    this.outbox = [];
    this.#writes = [];
    this.#received.clear();
    this.#isDiskHeld = false;
    this.#isApplyHeld = false;
  }

  restart(): void {
    if (this.isAlive) this.crash();
    this.isAlive = true;
    this.disk.recover();
    this.#log = new TestLog(this.disk.log.purged, this.disk.log.entries);
    this.core = this.#start();
  }

  #start(): RaftCore {
    this.applied = [...(this.disk.snapshot?.entries ?? [])];
    const core = new RaftCore(this.options, this.disk.initialState(), at(this.clock.nowMs));
    this.core = core;
    this.#commitIndex = core.state.commitIndex;
    this.#settle();
    return core;
  }

  #execute(effects: readonly Effect[]): void {
    this.history.push(...effects);
    for (const effect of effects) {
      this.onEffect(effect);
      this.#executeOne(effect);
    }
  }

  #executeOne(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        this.#log.write(effect);
        this.#writes.push(effect);
        break;
      case 'install-snapshot':
        if (effect.discardLog) this.#log.discard(effect.meta.lastLogId);
        else this.#log.purge(effect.meta.lastLogId);
        this.#commitIndex = Math.max(this.#commitIndex, effect.meta.lastLogId.index);
        this.#writes.push(effect);
        break;
      case 'commit':
        this.#commitIndex = effect.logId.index;
        this.#writes.push(effect);
        break;
      case 'purge':
        this.#log.purge(effect.upTo);
        this.#writes.push(effect);
        break;
      case 'send':
        this.#send(effect.to, { type: 'message', message: effect.message });
        break;
      case 'replicate':
        this.#send(effect.to, { type: 'message', message: this.#fill(effect) });
        break;
      case 'send-snapshot':
        this.#offerSnapshot(effect);
        break;
      default:
        break;
    }
  }

  /** Writes and applies as long as there is something to do. */
  #settle(): void {
    let before = -1;
    while (before !== this.history.length) {
      before = this.history.length;
      if (!this.#isDiskHeld) this.#write(Number.POSITIVE_INFINITY);
      this.#apply();
    }
  }

  #write(count: number): void {
    for (let done = 0; done < count; done += 1) {
      const write = this.#writes.shift();
      if (write === undefined) return;
      for (const report of this.#writeOne(write)) this.#execute(this.core.step(report, at(this.clock.nowMs)));
    }
  }

  /** Returns the report that the core awaits, if any. */
  #writeOne(write: Write): Input[] {
    if (write.type === 'commit') {
      this.disk.committed = write.logId;
      return [];
    }
    if (write.type === 'purge') {
      this.disk.log.purge(write.upTo);
      return [];
    }
    if (write.type === 'persist') this.disk.persist(write);
    else {
      const snapshot = this.#received.get(write.meta.id);
      if (snapshot === undefined) throw new Error(`snapshot ${write.meta.id} was never received`);
      this.disk.install(write, snapshot);
      this.applied = [...snapshot.entries];
    }
    for (const { to, message } of write.afterDurable) this.#send(to, { type: 'message', message });
    return [{ type: 'persisted', seq: write.seq }];
  }

  #apply(): void {
    const isInstalling = this.#writes.some((write) => write.type === 'install-snapshot');
    if (this.#isApplyHeld || isInstalling || this.#commitIndex <= this.appliedIndex) return;
    this.applied.push(...this.#log.range(this.appliedIndex + 1, this.#commitIndex + 1));
    const last = this.applied.at(-1)?.logId ?? NO_LOG_ID;
    this.#execute(this.core.step({ type: 'applied', logId: last }, at(this.clock.nowMs)));
  }

  #send(to: NodeId, cargo: Cargo): void {
    this.outbox.push({ from: this.id, to, cargo });
  }

  #fill({ term, session, round, prevLogId, fromIndex, toIndex, commitIndex }: ReplicateEffect): Message {
    const entries = this.#log.range(fromIndex, toIndex);
    return { type: 'append-request', term, session, round, prevLogId, entries, commitIndex };
  }

  #offerSnapshot({ to, term, session }: Extract<Effect, { type: 'send-snapshot' }>): void {
    const { snapshot } = this.disk;
    if (snapshot === null) throw new Error(`node ${this.id} has no snapshot to send`);
    this.#send(to, { type: 'offer', offer: { term, session, meta: snapshot.meta }, snapshot });
  }

  #metaOfApplied(): SnapshotMeta {
    const last = this.applied.at(-1);
    if (last === undefined) throw new Error(`node ${this.id} has applied nothing`);
    let membership = this.disk.snapshot?.meta.membership ?? this.disk.membership;
    for (const entry of this.applied) {
      if (entry.membership !== null) membership = { logId: entry.logId, membership: entry.membership };
    }
    const id = `snapshot-${this.id}-${last.logId.term}-${last.logId.index}`;
    return { id, lastLogId: last.logId, lastTimeMs: last.timeMs, membership };
  }
}

function makeDisk(init: TestNodeInit): TestDisk {
  const purged = init.purged ?? NO_LOG_ID;
  const given = init.entries ?? entriesOf(init.logTerms ?? [], purged.index + 1);
  const logTerms = given.map((entry) => entry.logId.term);
  const state = initialState({ ...init, logTerms });
  const disk = new TestDisk(new TestLog(purged, given));
  disk.hardState = state.hardState;
  disk.committed = state.committed;
  disk.membership = state.membership;
  if (purged.index > 0) {
    const meta = {
      id: `snapshot-of-store-${purged.term}-${purged.index}`,
      lastLogId: logId(purged.term, purged.index),
      lastTimeMs: 0,
      membership: state.membership,
    };
    disk.snapshot = { meta, entries: entriesOf(new Array<Term>(purged.index).fill(purged.term)) };
  }
  return disk;
}
