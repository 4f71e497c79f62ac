/** A state machine whose state is a value in memory; snapshots and the log make it durable. */
import type { Entry } from '../../core/entry.ts';
import type { LogId } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import type { StoredMembership } from '../../core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../core/membership/membership.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { ConsensusError, SerializationError, SnapshotError, StorageError } from '../../errors.ts';
import type { Codec } from '../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../ports/state-machine.ts';
import { MemStateSnapshot } from './mem-state-snapshot.ts';
import type { StateBuilder } from './restore-state.ts';
import { restoreState } from './restore-state.ts';
import { kindOfState, MEM_STATE_CODEC_ID, valuesOfState } from './state-format.ts';

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
   * Yields the parts of a snapshot, from which `restore` makes an equal state. Needed for states other than a `Map`,
   * `Set`, plain object, array or primitive. Applies wait until the last part is encoded.
   */
  readonly snapshot?: (state: State) => Iterable<unknown> | AsyncIterable<unknown>;
  /** Makes a state from the parts; must read all of them. Goes with `snapshot`. */
  readonly restore?: (parts: AsyncIterable<unknown>) => State | Promise<State>;
}

/** An apply that came while a snapshot was being read. */
interface WaitingApply<Response> {
  readonly entries: readonly Entry[];
  readonly resolve: (responses: readonly (Response | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Applies requests to a value. `open` starts from `initialState`, as a new process would.
 *
 * Snapshots read the state itself, not a copy: applies wait while one is encoded. What they hold is plain data, nested at
 * will (see `msgpackCodec`); anything else in the state makes the snapshot fail. Of a `Map` or `Set` state each entry is
 * encoded by itself: an object that is reachable from two of them comes back as two, so it must not be changed in place.
 */
export class MemStateMachine<State, Request, Response> implements StateMachine<Request, Response> {
  /** After a restart the state is rebuilt from snapshot and log. */
  readonly isDurable = false;
  readonly #options: MemStateMachineOptions<State, Request, Response>;
  readonly #builder: StateBuilder;
  #codec: Codec<Request, Response> | null = null;
  #state: State;
  #lastApplied: LogId = NO_LOG_ID;
  #lastTimeMs = 0;
  #membership: StoredMembership = NO_MEMBERSHIP;
  /** Set when an apply failed: the state may be half changed. */
  #failure: StorageError | null = null;
  /** Snapshots that still read the state. While there are any, it does not change. */
  readonly #views = new Set<MemStateSnapshot>();
  #waiting: WaitingApply<Response>[] = [];

  /** @throws TypeError when only one of `snapshot` and `restore` is given, or both are missing and needed */
  constructor(options: MemStateMachineOptions<State, Request, Response>) {
    const { snapshot, restore } = options;
    if ((snapshot === undefined) !== (restore === undefined)) {
      throw new TypeError("pass both 'snapshot' and 'restore', or neither");
    }
    this.#options = options;
    this.#state = options.initialState();
    this.#builder = restore === undefined ? { kind: kindOfState(this.#state) } : { kind: 'custom', restore };
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
   * Synchronous, unless a snapshot is being read. When an entry fails, those before it stay applied, it is not, and
   * nothing can be applied any more.
   * @throws SerializationError when a request can't be decoded; otherwise whatever the application throws
   */
  apply(entries: readonly Entry[]): readonly (Response | undefined)[] | Promise<readonly (Response | undefined)[]> {
    if (this.#views.size === 0) {
      return this.#applyAll(entries);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
    });
  }

  async snapshot(): Promise<StateSnapshot> {
    this.#checkUsable('snapshot');
    const state = this.#state;
    const { snapshot } = this.#options;
    const view = new MemStateSnapshot({
      applied: this.applied(),
      kind: this.#builder.kind,
      values: () => (snapshot === undefined ? valuesOfState(state) : snapshot(state)),
      release: () => this.#release(view),
    });
    this.#views.add(view);
    return view;
  }

  /** @throws SnapshotError when the bytes are of another format, damaged or incomplete; the state is as before then */
  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#checkOpen('restore');
    if (codecId !== MEM_STATE_CODEC_ID) {
      throw new SnapshotError(`the snapshot is in format '${codecId}', this node reads '${MEM_STATE_CODEC_ID}'`);
    }
    const state = await restoreState(this.#builder, meta, chunks);
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
    this.#dropWaiting('the state machine was closed');
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
    this.#views.clear();
    this.#dropWaiting('the state was replaced by that of a snapshot');
  }

  /** Runs what waited, in the order of the calls, before anything else can be applied. */
  #release(view: MemStateSnapshot): void {
    if (!this.#views.delete(view) || this.#views.size > 0) {
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { entries, resolve, reject } of waiting) {
      try {
        resolve(this.#applyAll(entries));
      } catch (error) {
        reject(error);
      }
    }
  }

  #dropWaiting(reason: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) {
      reject(new StorageError(`nothing was applied: ${reason}`));
    }
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
