/** A log store over an ordered, transactional database. */
import {
  decodeHardState,
  decodeLogPosition,
  decodeStoreIdentity,
  encodeHardState,
  encodeLogPosition,
  encodeStoreIdentity,
} from '../../codec/store-bytes.ts';
import type { Entry } from '../../core/entry.ts';
import type { HardState } from '../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import { CorruptionError, StorageError } from '../../errors.ts';
import type { TimerHandle, Timers } from '../../ports/clock.ts';
import type { LogDatabase, LogDatabaseChange } from '../../ports/log-database.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../ports/log-store.ts';
import { checkAdoption, checkOwner } from '../../ports/store-identity.ts';
import { GroupReader, groupsOf } from './group-bytes.ts';
import { GroupView } from './group-view.ts';
import { LogPurge } from './log-purge.ts';
import { locateLog, readRange } from './read-log.ts';

const RECORD_NAMES = ['identity', 'hard-state', 'committed', 'purged'] as const;

type RecordName = (typeof RECORD_NAMES)[number];

/** The committed position goes to the disk with every so many appends: it needs no commit of its own. */
const COMMITTED_EVERY = 32;

/** When no write takes it along for so long, it gets one: what is copied from a quiet node shall be complete. */
const COMMITTED_WAIT_MS = 100;

export interface GroupLogStoreOptions {
  /** Default: none, and the committed position goes to the disk only along with other writes. */
  readonly timers?: Timers;
}

/**
 * Keeps what is appended together together: one value of the database per append, under the index of its first entry,
 * laid out as it went over the network, so that an entry is encoded once. One atomic, durable batch per write.
 *
 * ```text
 *   groups    first index | records, back to back: each with format version, length and CRC
 *   records   identity | hard-state | committed | purged      sealed: kind, format version, CRC
 * ```
 *
 * A truncation rewrites the group it cuts. A purge records the position, and removes groups that lie before it in small
 * steps behind the scenes; one that lies across it stays until all of it is purged.
 */
export class GroupLogStore implements LogStore {
  readonly #database: LogDatabase;
  readonly #view: GroupView;
  readonly #reader: GroupReader;
  readonly #purge: LogPurge;
  readonly #timers: Timers | null;
  #identity: StoreIdentity | null = null;
  #lastPurged: LogId = NO_LOG_ID;
  #last: LogId = NO_LOG_ID;
  /** Saved, but not on the disk yet. */
  #committed: LogId | null = null;
  /** Runs out when the committed position must be noted; `end` does that at once. */
  #noteTimer: { readonly handle: TimerHandle; readonly end: () => void } | null = null;
  #writesSinceCommitted = 0;
  #isOpened = false;
  #failure: unknown = null;
  #closing: Promise<void> | null = null;
  /** Settles with the last write so far. */
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(database: LogDatabase, { timers }: GroupLogStoreOptions = {}) {
    this.#database = database;
    this.#timers = timers ?? null;
    this.#view = new GroupView(database);
    this.#reader = new GroupReader(database.place);
    this.#purge = new LogPurge({
      view: this.#view,
      write: (changes) => this.#write(changes),
      onFailure: (error) => {
        this.#failure ??= error;
      },
    });
  }

  /** @throws StorageError, CorruptionError, IdentityError */
  async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    if (this.#isOpened) throw new StorageError(`${this.#database.place} is open already: each node needs its own`);
    this.#isOpened = true;
    try {
      await this.#database.open();
      return await this.#load(options);
    } catch (error) {
      this.#failure = error;
      await this.close();
      throw error;
    }
  }

  async saveIdentity(identity: StoreIdentity): Promise<void> {
    const current = this.#checkWritable('saveIdentity');
    try {
      checkAdoption(current, identity);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#identity = identity;
    await this.#write([record('identity', encodeStoreIdentity(identity))]);
  }

  async saveHardState(hardState: HardState): Promise<void> {
    this.#checkWritable('saveHardState');
    await this.#write([record('hard-state', encodeHardState(hardState)), ...this.#takeCommitted()]);
  }

  async saveCommitted(committed: LogId): Promise<void> {
    this.#checkWritable('saveCommitted');
    this.#committed = committed;
    const timers = this.#timers;
    if (timers === null || this.#noteTimer !== null) return;
    // This call ends with the note, so that somebody hears of a failure.
    await new Promise<void>((end) => {
      this.#noteTimer = { handle: timers.setTimer(COMMITTED_WAIT_MS, end), end };
    });
    this.#noteTimer = null;
    await this.#noteCommitted();
  }

  async append(entries: readonly Entry[]): Promise<void> {
    this.#checkWritable('append');
    this.#checkFollows(entries);
    const last = entries.at(-1);
    if (last === undefined) return await this.#lastWrite;
    const changes = groupsOf(entries).map(
      ({ firstIndex, bytes }): LogDatabaseChange => ({ type: 'append-group', firstIndex, bytes }),
    );
    this.#last = last.logId;
    this.#writesSinceCommitted += 1;
    if (this.#writesSinceCommitted >= COMMITTED_EVERY) changes.push(...this.#takeCommitted());
    await this.#write(changes);
  }

  async truncate(fromIndex: LogIndex): Promise<void> {
    this.#checkWritable('truncate');
    if (fromIndex > this.#last.index) return await this.#lastWrite;
    const firstRemoved = Math.max(fromIndex, this.#lastPurged.index + 1);
    const changes: LogDatabaseChange[] = this.#view
      .firstIndexesFrom(firstRemoved)
      .map((firstIndex) => ({ type: 'remove-group', firstIndex }));
    if (firstRemoved === this.#lastPurged.index + 1) {
      this.#last = this.#lastPurged;
      // Of the group that lies across the purged position nothing is left.
      const across = this.#view.atOrBefore(this.#lastPurged.index);
      if (across !== null) changes.push({ type: 'remove-group', firstIndex: across.firstIndex });
    } else {
      const cut = this.#cutBefore(firstRemoved);
      this.#last = cut.last;
      changes.push(...cut.changes);
    }
    await this.#write(changes);
  }

  async purge(upTo: LogId): Promise<void> {
    this.#checkWritable('purge');
    if (upTo.index <= this.#lastPurged.index) return await this.#lastWrite;
    this.#lastPurged = upTo;
    if (upTo.index >= this.#last.index) this.#last = upTo;
    const done = this.#write([record('purged', encodeLogPosition(upTo)), ...this.#takeCommitted()]);
    this.#purge.start(upTo.index);
    await done;
  }

  async read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    if (!this.#isOpened || this.#closing !== null) throw new StorageError('read: the log store is closed');
    const range = {
      fromIndex: Math.max(fromIndex, this.#lastPurged.index + 1),
      toIndex: Math.min(toIndex, this.#last.index + 1),
    };
    return readRange(this.#view, this.#reader, range, maxBytes);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #load(options: LogStoreOpenOptions): Promise<LogStoreState> {
    const damaged = (problem: string): CorruptionError =>
      new CorruptionError(`${this.#database.place}: ${problem}; restore this node, or remove it and add it as new`);
    if (this.#database.record('identity') === null) await this.#create(options, damaged);
    const read = <T>(name: RecordName, decode: (bytes: Uint8Array, makeError: typeof damaged) => T): T => {
      const bytes = this.#database.record(name);
      if (bytes === null) throw damaged(`the record '${name}' is missing`);
      return decode(bytes, (problem) => damaged(`the record '${name}' is damaged: ${problem}`));
    };
    const stored = read('identity', decodeStoreIdentity);
    checkOwner(stored, options, this.#database.place);
    this.#identity = stored;
    const lastPurged = read('purged', decodeLogPosition);
    this.#lastPurged = lastPurged;
    this.#last = locateLog(this.#view, this.#reader, lastPurged);
    // A crash may have come between the position and the removal of what lies before it.
    this.#purge.start(lastPurged.index);
    return {
      identity: stored,
      hardState: read('hard-state', decodeHardState),
      committed: read('committed', decodeLogPosition),
      lastPurged,
      lastLogId: this.#last,
    };
  }

  /**
   * A store without identity must hold nothing else: half of the data is not a new store. From here on every record is
   * there, so that one that is missing is recognised.
   */
  async #create(options: LogStoreOpenOptions, damaged: (problem: string) => CorruptionError): Promise<void> {
    const isEmpty =
      this.#database.groupAtOrAfter(0) === null && RECORD_NAMES.every((name) => this.#database.record(name) === null);
    if (!isEmpty) throw damaged('there is data, but not the record that says whose');
    const { nodeId, clusterName, newInstanceId } = options;
    await this.#write([
      record('identity', encodeStoreIdentity({ nodeId, instanceId: newInstanceId, clusterId: null, clusterName })),
      record('hard-state', encodeHardState(INITIAL_HARD_STATE)),
      record('purged', encodeLogPosition(NO_LOG_ID)),
      record('committed', encodeLogPosition(NO_LOG_ID)),
    ]);
  }

  /** What becomes of the group that holds the entry before `firstRemoved`. */
  #cutBefore(firstRemoved: LogIndex): { readonly last: LogId; readonly changes: readonly LogDatabaseChange[] } {
    const group = this.#view.atOrBefore(firstRemoved - 1);
    if (group === null) throw this.#reader.damage(firstRemoved - 1, 'there is no such entry');
    const { firstIndex, bytes } = group;
    const range = { fromIndex: firstIndex, toIndex: firstRemoved };
    const { end, count } = this.#reader.span(group, range, Number.MAX_SAFE_INTEGER, true);
    const kept = bytes.subarray(0, end);
    const last = this.#reader.decode(kept, firstIndex, count).at(-1);
    if (last?.logId.index !== firstRemoved - 1) {
      throw this.#reader.damage(firstRemoved - 1, 'there is no such entry');
    }
    const isCut = end < bytes.byteLength;
    return { last: last.logId, changes: isCut ? [{ type: 'replace-group', firstIndex, bytes: kept }] : [] };
  }

  #checkFollows(entries: readonly Entry[]): void {
    let { term, index } = this.#last;
    for (const { logId } of entries) {
      if (logId.index !== index + 1 || logId.term < term) {
        this.#failure = new StorageError(
          `can't append ${logId.term}:${logId.index} to a log that ends with ${term}:${index}`,
        );
        throw this.#failure;
      }
      ({ term, index } = logId);
    }
  }

  #takeCommitted(): readonly LogDatabaseChange[] {
    const committed = this.#committed;
    this.#writesSinceCommitted = 0;
    this.#committed = null;
    return committed === null ? [] : [record('committed', encodeLogPosition(committed))];
  }

  /** One write; the first that fails is the last. What changes nothing resolves with the one before it, in order. */
  #write(changes: readonly LogDatabaseChange[]): Promise<void> {
    const writeSeq = this.#view.apply(changes);
    const written = this.#database.write(changes).then(
      () => this.#view.settle(writeSeq, changes),
      (error: unknown) => {
        this.#failure ??= error;
        throw error;
      },
    );
    this.#lastWrite = written;
    return written;
  }

  #checkWritable(action: string): StoreIdentity {
    if (this.#closing !== null || this.#identity === null) {
      throw new StorageError(`${action}: the log store is closed`, this.#failure ?? undefined);
    }
    if (this.#failure !== null) throw new StorageError(`${action}: an earlier write failed`, this.#failure);
    return this.#identity;
  }

  async #noteCommitted(): Promise<void> {
    if (this.#failure === null && this.#committed !== null) await this.#write(this.#takeCommitted());
  }

  async #close(): Promise<void> {
    this.#purge.stop();
    this.#noteCommitted().catch(() => undefined);
    this.#noteTimer?.handle.cancel();
    this.#noteTimer?.end();
    await this.#lastWrite.catch(() => undefined);
    await this.#database.close();
  }
}

function record(name: RecordName, bytes: Uint8Array): LogDatabaseChange {
  return { type: 'put-record', name, bytes };
}
