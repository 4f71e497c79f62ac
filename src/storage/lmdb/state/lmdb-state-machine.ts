/** A state machine whose state is on disk, and may be larger than memory. */
import type { Entry } from '../../../core/entry.ts';
import type { LogId } from '../../../core/ids.ts';
import { NO_LOG_ID } from '../../../core/ids.ts';
import { NO_MEMBERSHIP } from '../../../core/membership/membership.ts';
import type { SnapshotMeta } from '../../../core/message.ts';
import { ConsensusError, SerializationError, SnapshotError, StorageError } from '../../../errors.ts';
import type { Codec } from '../../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../../ports/state-machine.ts';
import { ChangeLayer } from './change-layer.ts';
import { restoreState } from './restore-state.ts';
import { LMDB_STATE_CODEC_ID } from './snapshot-format.ts';
import { StateDirectory } from './state-directory.ts';
import { StateStore } from './state-store.ts';
import type { StateReadTransaction, StateTransaction } from './state-transaction.ts';
import { runRead, runWrite } from './state-transaction.ts';

/** What an apply may use besides transaction and request. The same on every node. */
export interface ApplyContext {
  readonly logId: LogId;
  /** The leader's wall clock in ms when it appended the entry; never decreases along the log. */
  readonly timeMs: number;
  /** The client session that the request belongs to; absent when it belongs to none. */
  readonly sessionId?: string;
}

export interface LmdbStateMachineOptions<Request, Response> {
  /** Of this state machine alone; made if need be. On a local disk. */
  readonly directory: string;
  /**
   * Applies a request to the state. Synchronous and deterministic: it may use nothing but its arguments, or the nodes
   * drift apart. The transaction is over when it returns. An exception stops the node.
   */
  apply(transaction: StateTransaction, request: Request, context: ApplyContext): Response;
}

/** An apply that came while too much was waiting to be written. */
interface WaitingApply<Response> {
  readonly entries: readonly Entry[];
  readonly resolve: (responses: readonly (Response | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING_APPLIED: AppliedState = Object.freeze({
  lastApplied: NO_LOG_ID,
  lastTimeMs: 0,
  membership: NO_MEMBERSHIP,
});

/**
 * Applies requests to tables of rows in an LMDB database. Needs the packages `lmdb` and `fs-native-extensions`.
 *
 * Reads take what was applied from memory or from the memory map, and never wait. Changes reach the disk in groups, with
 * the position in the log: see `StateStore`. After a crash the state is that after some entry, and the log has the rest.
 *
 * @example
 * ```ts
 * const machine = new LmdbStateMachine<Transfer, number>({
 *   directory: 'data/state',
 *   apply(transaction, { account, amount }) {
 *     const accounts = transaction.table<string, number>('accounts');
 *     const balance = (accounts.get(account) ?? 0) + amount;
 *     accounts.put(account, balance);
 *     return balance;
 *   },
 * });
 * const balance = machine.read((transaction) => transaction.table<string, number>('accounts').get('alice'));
 * ```
 */
export class LmdbStateMachine<Request, Response> implements StateMachine<Request, Response> {
  /** Survives a restart: so nothing is applied before the own log has it on the disk. */
  readonly isDurable = true;
  readonly #options: LmdbStateMachineOptions<Request, Response>;
  #codec: Codec<Request, Response> | null = null;
  #opened: OpenState | null = null;
  #applied: AppliedState = NOTHING_APPLIED;
  /** Set when an apply failed: this node can't go on where others do. */
  #failure: StorageError | null = null;
  #isApplying = false;
  /** A restored state is being put in place: nothing that is applied now would stay. */
  #isReplacing = false;
  #waiting: WaitingApply<Response>[] = [];
  #opening: Promise<AppliedState> | null = null;
  #restoring: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: LmdbStateMachineOptions<Request, Response>) {
    this.#options = options;
  }

  /**
   * @throws StorageError when another process has the directory, or it can't be written
   * @throws CorruptionError when what is in it is damaged
   */
  open(codec: Codec<Request, Response>): Promise<AppliedState> {
    if (this.#codec !== null || this.#closing !== null) {
      return Promise.reject(new StorageError('this LmdbStateMachine is open already: each node needs its own'));
    }
    this.#codec = codec;
    this.#opening = this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  applied(): AppliedState {
    return this.#opened?.store.applied ?? this.#applied;
  }

  /**
   * Reads the state as it is now: all that was applied, nothing else. The transaction is over when `read` returns.
   * @throws TypeError when the function returns a promise, or when called inside an apply
   */
  read<T>(read: (transaction: StateReadTransaction) => T): T {
    const { store } = this.#checkOpen('read');
    // What a read shows in there depends on how entries were grouped, which differs from node to node.
    if (this.#isApplying) throw new TypeError('read inside an apply: use the transaction of the apply');
    const result = runRead(store, read);
    if (result instanceof Promise)
      throw new TypeError('the function of a read returned a promise: it must be synchronous');
    return result;
  }

  /**
   * Synchronous, unless too much waits to be written. All entries are applied or none: when one fails, the state is as
   * before the call, and nothing can be applied any more.
   * @throws SerializationError when a request can't be decoded; otherwise whatever the application throws
   * @throws StorageError when the state could not be written
   */
  apply(entries: readonly Entry[]): readonly (Response | undefined)[] | Promise<readonly (Response | undefined)[]> {
    if (this.#waiting.length === 0 && this.#hasRoom()) return this.#applyAll(entries);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
    });
  }

  /** Waits until what is applied now is on the disk. */
  async snapshot(): Promise<StateSnapshot> {
    return await this.#checkUsable('snapshot').store.view();
  }

  /** @throws SnapshotError when the bytes are of another format, damaged or incomplete; the state is as before then */
  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const opened = this.#checkOpen('restore');
    if (codecId !== LMDB_STATE_CODEC_ID) {
      throw new SnapshotError(`the snapshot is in format '${codecId}', this node reads '${LMDB_STATE_CODEC_ID}'`);
    }
    if (this.#restoring !== null) throw new StorageError('restore: another snapshot is being restored');
    this.#restoring = this.#restore(opened.directory, meta, chunks).finally(() => {
      this.#restoring = null;
    });
    await this.#restoring;
  }

  /** Writes what is applied, then releases files and lock. Views that are open can't be read any more. */
  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#closing = null;
    });
    return this.#closing;
  }

  async #open(): Promise<AppliedState> {
    try {
      const directory = await StateDirectory.open(this.#options.directory);
      try {
        if (directory.isEmpty) {
          const built = await directory.build((environment) => environment.write([], NOTHING_APPLIED));
          await built.publish();
        }
        this.#use(directory, await this.#openStore(directory));
      } catch (error) {
        await directory.close();
        throw error;
      }
    } catch (error) {
      this.#codec = null;
      throw error;
    }
    return this.applied();
  }

  async #openStore(directory: StateDirectory): Promise<StateStore> {
    const environment = await directory.openState();
    try {
      return new StateStore(environment, () => this.#applyWaiting());
    } catch (error) {
      await environment.close();
      throw error;
    }
  }

  #use(directory: StateDirectory, store: StateStore): void {
    this.#opened = { directory, store, retired: this.#opened?.retired ?? new Map() };
    this.#failure = null;
  }

  #hasRoom(): boolean {
    const opened = this.#opened;
    return opened === null || (opened.store.hasRoom && !this.#isReplacing);
  }

  /** What waited for room, in the order of the calls, before anything else can be applied. */
  #applyWaiting(): void {
    while (this.#hasRoom()) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      try {
        next.resolve(this.#applyAll(next.entries));
      } catch (error) {
        next.reject(error);
      }
    }
  }

  #applyAll(entries: readonly Entry[]): readonly (Response | undefined)[] {
    const { store } = this.#checkUsable('apply');
    store.check();
    const changes = new ChangeLayer();
    const responses: (Response | undefined)[] = [];
    let { lastApplied, lastTimeMs, membership } = store.applied;
    this.#isApplying = true;
    try {
      for (const entry of entries) {
        checkFollows(entry.logId, lastApplied);
        responses.push(this.#applyOne(store, changes, entry));
        lastApplied = entry.logId;
        lastTimeMs = entry.timeMs;
        if (entry.membership !== null) membership = { logId: entry.logId, membership: entry.membership };
      }
    } catch (error) {
      const { term, index } = lastApplied;
      this.#failure = new StorageError(`the state machine failed at the entry after ${term}:${index}`, error);
      throw error;
    } finally {
      this.#isApplying = false;
    }
    if (entries.length > 0) store.commit(changes, { lastApplied, lastTimeMs, membership });
    return responses;
  }

  #applyOne(store: StateStore, changes: ChangeLayer, { logId, kind, timeMs, payload }: Entry): Response | undefined {
    if (kind !== 'normal') return undefined;
    const request = decodeRequest(this.#codec, logId, payload);
    const { apply } = this.#options;
    const response = runWrite(store, changes, (transaction) => apply(transaction, request, { logId, timeMs }));
    if (response instanceof Promise) {
      throw new TypeError(`apply returned a promise for entry ${logId.term}:${logId.index}: it must be synchronous`);
    }
    return response;
  }

  async #restore(directory: StateDirectory, meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const check = (): void => {
      this.#checkOpen('restore');
    };
    const built = await directory.build((environment) => restoreState(environment, { meta, chunks, check }));
    try {
      check();
    } catch (error) {
      await built.discard();
      throw error;
    }
    this.#isReplacing = true;
    try {
      await built.publish();
      this.#replaceStore(directory, await this.#openStore(directory));
    } catch (error) {
      this.#failure = new StorageError('a restored state could not be put in place', error);
      throw error;
    } finally {
      this.#isReplacing = false;
      this.#dropWaiting('the state was replaced by that of a snapshot');
    }
  }

  #replaceStore(directory: StateDirectory, store: StateStore): void {
    const opened = this.#opened;
    this.#use(directory, store);
    if (opened === null) return;
    const old = opened.store;
    // Open views go on reading the old state, which nothing changes any more.
    const retired = old
      .retire(new StorageError('the state was replaced by that of a snapshot'))
      .then(() => directory.removeState(old.environment));
    opened.retired.set(old, retired);
    // A failure is reported by `close`; until then the old state is only in the way.
    retired.then(
      () => opened.retired.delete(old),
      () => undefined,
    );
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    this.#codec = null;
    this.#dropWaiting('the state machine was closed');
    await this.#restoring?.catch(() => undefined);
    const opened = this.#opened;
    if (opened === null) return;
    const { directory, store, retired } = opened;
    this.#applied = store.applied;
    this.#opened = null;
    try {
      for (const each of [store, ...retired.keys()]) each.closeViews();
      await store.flush();
    } finally {
      await store.retire(new StorageError('the state machine was closed'));
      await directory.close();
    }
    await Promise.all(retired.values());
  }

  #dropWaiting(reason: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(new StorageError(`nothing was applied: ${reason}`));
  }

  #checkOpen(action: string): OpenState {
    if (this.#opened === null || this.#codec === null)
      throw new StorageError(`${action}: the state machine is not open`);
    return this.#opened;
  }

  #checkUsable(action: string): OpenState {
    if (this.#failure !== null) throw new StorageError(`${action}: ${this.#failure.message}`, this.#failure.cause);
    return this.#checkOpen(action);
  }
}

/** What there is while the machine is open. */
interface OpenState {
  readonly directory: StateDirectory;
  readonly store: StateStore;
  /** Stores that a restore has replaced, and their end, which is when the last view of them is closed. */
  readonly retired: Map<StateStore, Promise<void>>;
}

function checkFollows(entry: LogId, last: LogId): void {
  if (entry.index === last.index + 1) return;
  throw new StorageError(
    `entry ${entry.term}:${entry.index} does not follow the last applied one, ${last.term}:${last.index}`,
  );
}

function decodeRequest<Request>(codec: Codec<Request, unknown> | null, logId: LogId, payload: Uint8Array): Request {
  try {
    if (codec === null) throw new StorageError('the state machine is not open');
    return codec.decodeRequest(payload);
  } catch (error) {
    if (ConsensusError.is(error)) throw error;
    throw new SerializationError(`the request of entry ${logId.term}:${logId.index} can't be decoded`, error);
  }
}
