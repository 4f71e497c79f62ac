/** A state machine whose state is a value in memory; snapshots and the log make it durable. */
import type { Entry } from '../../core/entry.ts';
import type { LogId } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import type { StoredMembership } from '../../core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../core/membership/membership.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { ConsensusError, SerializationError, SnapshotError, StorageError } from '../../errors.ts';
import type { Timers } from '../../ports/clock.ts';
import type { Codec } from '../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../ports/state-machine.ts';
import { systemTimers } from '../../system/system-ports.ts';
import { HeldApplies } from './held-applies.ts';
import type { StateReader } from './mem-state-reader.ts';
import { customStateReader, plainStateReader } from './mem-state-reader.ts';
import { MemStateSnapshot } from './mem-state-snapshot.ts';
import type { StateBuilder } from './restore-state.ts';
import { restoreState } from './restore-state.ts';
import { decodeSnapshot } from './snapshot-frames.ts';
import { kindOfState, MEM_STATE_CODEC_ID } from './state-format.ts';

/** What an apply may use besides state and request. The same on every node. */
export interface ApplyContext {
  readonly logId: LogId;
  /** The leader's wall clock in ms when it appended the entry; never decreases along the log. */
  readonly timeMs: number;
  /** The client session that the request belongs to; absent when it belongs to none. */
  readonly sessionId?: string;
}

export interface MemStateMachineOptions<State, Request, Response> {
  /** Makes the state before the first entry: a new object with every call. */
  readonly initialState: () => State;
  /**
   * Applies a request to the state, in place. Synchronous and deterministic: it may use nothing but its arguments, or
   * the nodes drift apart. What it returns must not be an object that later applies change. An exception stops the node.
   */
  apply(state: State, request: Request, context: ApplyContext): Response;
  /**
   * How many levels of `Map`s, `Set`s, plain objects and arrays `apply` changes in place, counted from the state; at
   * least 1. Whatever lies deeper, and dates and binary data anywhere, it replaces and never changes. Then requests are
   * applied while a snapshot is built.
   *
   * - 1: the state itself. `state.set(id, { ...account, balance })` keeps the promise, `account.balance = 0` breaks it.
   * - 2: also what it holds, as in `state.accounts.set(id, { ...account, balance })`.
   *
   * If `apply` breaks the promise, the nodes drift apart; `stateMachineSuite` finds that, given requests that do it.
   * Default: any number of levels. Not together with `snapshot`.
   */
  readonly mutableLevels?: number;
  /**
   * Yields the parts of a snapshot, from which `restore` makes an equal state. Needed for states other than a `Map`,
   * `Set`, plain object, array or primitive. Applies wait until the last part is encoded, unless `isSnapshotDetached`.
   */
  readonly snapshot?: (state: State) => Iterable<unknown> | AsyncIterable<unknown>;
  /**
   * Has `snapshot` taken all that it needs of the state when it returns, because it made a copy or the state is a
   * persistent data structure? Then applies do not wait. It can't be a generator function, which runs only as its parts
   * are read; it may return what one returns. Default `false`.
   */
  readonly isSnapshotDetached?: boolean;
  /** Makes a state from the parts; must read all of them. Goes with `snapshot`. */
  readonly restore?: (parts: AsyncIterable<unknown>) => State | Promise<State>;
  /** Between two pieces of a snapshot the event loop has its turn. Default: the real one. Simulators bring their own. */
  readonly timers?: Timers;
}

/**
 * Applies requests to a value. `open` starts from `initialState`, as a new process would.
 *
 * What a snapshot holds is plain data, nested at will (see `msgpackCodec`); anything else in the state makes it fail. Of
 * a `Map` or `Set` state each entry is encoded by itself: an object that is reachable from two of them comes back as
 * two, so it must be neither changed in place nor told apart from an equal one. The same holds below `mutableLevels`.
 *
 * Building and restoring a snapshot give the event loop its turn every few milliseconds, however large the state is.
 * How long do applies wait while one is built?
 *
 * - With `mutableLevels`, or if the state consists of primitive values in at most 1000 `Map`s, `Set`s, plain objects and
 *   arrays: while references to the values are copied. That takes 10 to 20 ms for 2 ** 20 entries, or some 50 ms for
 *   each 10^6 of a container with more, and 16 bytes of memory for each. The values are encoded later.
 * - With `isSnapshotDetached`: while `snapshot` runs.
 * - Otherwise, until the state is encoded, which takes about a second for 10^6 small objects.
 *
 * Not everything can be done in pieces. A single text or binary value is encoded at once. So is a large object or array
 * in which some object can be reached in two ways, unless it lies below `mutableLevels`. A `Map` or `Set` moves all its
 * entries when it grows, also in an apply: that takes 50 ms at 2 ** 19 of them, and twice as long with each doubling.
 * And a plain object with 10^5 and more fields is slow in all that is done with it: use a `Map`.
 */
export class MemStateMachine<State, Request, Response> implements StateMachine<Request, Response> {
  /** After a restart the state is rebuilt from snapshot and log. */
  readonly isDurable = false;
  readonly #options: MemStateMachineOptions<State, Request, Response>;
  readonly #timers: Timers;
  readonly #reader: StateReader<State>;
  readonly #builder: StateBuilder;
  #codec: Codec<Request, Response> | null = null;
  #state: State;
  #lastApplied: LogId = NO_LOG_ID;
  #lastTimeMs = 0;
  #membership: StoredMembership = NO_MEMBERSHIP;
  /** Set when an apply failed: the state may be half changed. */
  #failure: StorageError | null = null;
  /** Snapshots that still read the state hold them back. */
  readonly #applies = new HeldApplies();

  /** @throws TypeError, RangeError when options contradict each other or lack something */
  constructor(options: MemStateMachineOptions<State, Request, Response>) {
    checkOptions(options);
    const { initialState, snapshot, restore, mutableLevels = null, isSnapshotDetached = false } = options;
    const { timers = systemTimers } = options;
    this.#options = options;
    this.#timers = timers;
    this.#state = initialState();
    if (snapshot !== undefined && restore !== undefined) {
      this.#reader = customStateReader(snapshot, isSnapshotDetached);
      this.#builder = { kind: 'custom', restore };
    } else {
      const kind = kindOfState(this.#state);
      this.#reader = plainStateReader(kind, mutableLevels, timers);
      this.#builder = { kind };
    }
  }

  /** The state, for reads. Never change it, and don't keep it: a restored snapshot puts another in its place. */
  get state(): State {
    return this.#state;
  }

  async open(codec: Codec<Request, Response>): Promise<AppliedState> {
    if (this.#codec !== null) {
      throw new StorageError('this MemStateMachine is open already: each node needs its own');
    }
    this.#codec = codec;
    this.#replaceState(this.#options.initialState(), {
      lastApplied: NO_LOG_ID,
      lastTimeMs: 0,
      membership: NO_MEMBERSHIP,
    });
    return this.applied();
  }

  applied(): AppliedState {
    return { lastApplied: this.#lastApplied, lastTimeMs: this.#lastTimeMs, membership: this.#membership };
  }

  /**
   * Synchronous, unless a snapshot needs the state as it is. When an entry fails, those before it stay applied, it is
   * not, and nothing can be applied any more.
   * @throws SerializationError when a request can't be decoded; otherwise whatever the application throws
   */
  apply(entries: readonly Entry[]): readonly (Response | undefined)[] | Promise<readonly (Response | undefined)[]> {
    return this.#applies.isHeld ? this.#applies.wait(() => this.#applyAll(entries)) : this.#applyAll(entries);
  }

  /** Applies wait until it resolves, and longer if the state could not be copied. */
  async snapshot(): Promise<StateSnapshot> {
    this.#checkUsable('snapshot');
    const applied = this.applied();
    const release = this.#applies.hold();
    try {
      const view = await this.#reader.view(this.#state, release);
      this.#checkOpen('snapshot');
      return new MemStateSnapshot(applied, view, this.#timers);
    } catch (error) {
      release();
      throw ConsensusError.is(error) ? error : new SnapshotError('the state could not be copied', error);
    }
  }

  /** @throws SnapshotError when the bytes are of another format, damaged or incomplete; the state is as before then */
  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#checkOpen('restore');
    if (codecId !== MEM_STATE_CODEC_ID) {
      throw new SnapshotError(`the snapshot is in format '${codecId}', this node reads '${MEM_STATE_CODEC_ID}'`);
    }
    const state = await restoreState(this.#builder, meta, decodeSnapshot(chunks, this.#timers));
    this.#checkOpen('restore');
    // A cast, because the kind of the state was checked, not its type.
    this.#replaceState(state as State, {
      lastApplied: meta.lastLogId,
      lastTimeMs: meta.lastTimeMs,
      membership: meta.membership,
    });
  }

  async close(): Promise<void> {
    this.#codec = null;
    this.#applies.drop('the state machine was closed');
  }

  #applyAll(entries: readonly Entry[]): readonly (Response | undefined)[] {
    const codec = this.#checkUsable('apply');
    const responses: (Response | undefined)[] = [];
    for (const entry of entries) {
      try {
        responses.push(this.#applyOne(entry, codec));
      } catch (error) {
        const { term, index } = entry.logId;
        this.#failure = new StorageError(`the state machine failed at entry ${term}:${index}`, error);
        throw error;
      }
      this.#lastApplied = entry.logId;
      this.#lastTimeMs = entry.timeMs;
      if (entry.membership !== null) {
        this.#membership = { logId: entry.logId, membership: entry.membership };
      }
    }
    return responses;
  }

  #applyOne({ logId, kind, timeMs, payload }: Entry, codec: Codec<Request, Response>): Response | undefined {
    if (logId.index !== this.#lastApplied.index + 1) {
      const { term, index } = this.#lastApplied;
      throw new StorageError(
        `entry ${logId.term}:${logId.index} does not follow the last applied one, ${term}:${index}`,
      );
    }
    if (kind !== 'normal') {
      return undefined;
    }
    const request = decodeRequest(codec, logId, payload);
    const response = this.#options.apply(this.#state, request, { logId, timeMs });
    if (response instanceof Promise) {
      throw new TypeError(`apply returned a promise for entry ${logId.term}:${logId.index}: it must be synchronous`);
    }
    return response;
  }

  #replaceState(state: State, applied: AppliedState): void {
    this.#state = state;
    this.#lastApplied = applied.lastApplied;
    this.#lastTimeMs = applied.lastTimeMs;
    this.#membership = applied.membership;
    this.#failure = null;
    // Open views go on reading the old state, which nothing changes any more.
    this.#applies.end('the state was replaced by that of a snapshot');
  }

  #checkOpen(action: string): Codec<Request, Response> {
    if (this.#codec === null) {
      throw new StorageError(`${action}: the state machine is not open`);
    }
    return this.#codec;
  }

  #checkUsable(action: string): Codec<Request, Response> {
    if (this.#failure !== null) {
      throw new StorageError(`${action}: ${this.#failure.message}`, this.#failure.cause);
    }
    return this.#checkOpen(action);
  }
}

function checkOptions<State, Request, Response>({
  snapshot,
  restore,
  mutableLevels,
  isSnapshotDetached,
}: MemStateMachineOptions<State, Request, Response>): void {
  if ((snapshot === undefined) !== (restore === undefined)) {
    throw new TypeError("pass both 'snapshot' and 'restore', or neither");
  }
  if (mutableLevels !== undefined && (!Number.isSafeInteger(mutableLevels) || mutableLevels < 1)) {
    throw new RangeError(`'mutableLevels' is ${mutableLevels}, it must be a whole number from 1 on`);
  }
  if (mutableLevels !== undefined && snapshot !== undefined) {
    throw new TypeError("'mutableLevels' is for states without 'snapshot'; with it, there is 'isSnapshotDetached'");
  }
  if (isSnapshotDetached === true && (snapshot === undefined || isGenerator(snapshot))) {
    throw new TypeError("'isSnapshotDetached' needs a 'snapshot' that takes what it needs before it returns");
  }
}

/** Such a function does nothing before its first value is asked for. */
function isGenerator(candidate: (...given: never) => unknown): boolean {
  return /Generator/.test(Object.prototype.toString.call(candidate));
}

function decodeRequest<Request>(codec: Codec<Request, unknown>, logId: LogId, payload: Uint8Array): Request {
  try {
    return codec.decodeRequest(payload);
  } catch (error) {
    if (ConsensusError.is(error)) {
      throw error;
    }
    throw new SerializationError(`the request of entry ${logId.term}:${logId.index} can't be decoded`, error);
  }
}
