/** The log's database in LMDB. */
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import type { LogIndex } from '../../core/ids.ts';
import { StorageError } from '../../errors.ts';
import type { LogDatabase, LogDatabaseChange, LogGroup } from '../../ports/log-database.ts';
import { systemFileSystem } from '../../system/system-file-system.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { lockDirectory } from './directory-lock.ts';
import { checkDataFile, checkFileSystem, markDirectory } from './file-check.ts';
import { causeOfFailedCommit, lmdbError } from './lmdb-errors.ts';
import { causeOfFailedWrite, checkRoom } from './state/disk-room.ts';

export interface LmdbLogDatabaseOptions {
  readonly directory: string;
  /** Held already; released when the database is closed. Default: takes that of `directory`. */
  readonly lock?: DirectoryLock | undefined;
}

/** Keys are first indexes, big-endian, so that their order is that of the log. */
const KEY_BYTES = 8;
const TWO_TO_32 = 0x1_0000_0000;

/** A cast, because the package takes options here, but its types know only a version. */
const APPEND = { append: true } as unknown as number;

interface Batch {
  readonly changes: readonly LogDatabaseChange[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Opened {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly groups: Database<Buffer, Buffer>;
  readonly records: Database<Buffer, string>;
  readonly lock: DirectoryLock;
}

/**
 * One environment with two databases: `groups` and `records`.
 *
 * A commit is durable when it resolves: `overlappingSync` is off, so LMDB writes and syncs the data pages, then writes
 * the page that makes them valid through a descriptor opened with `O_DSYNC`, and only then reports. What is written
 * while a commit is under way becomes the next one as a whole. There is never a second one behind it that could succeed
 * where the first one failed, and leave a hole.
 */
export class LmdbLogDatabase implements LogDatabase {
  readonly place: string;
  readonly #heldLock: DirectoryLock | undefined;
  #opened: Opened | null = null;
  #queue: Batch[] = [];
  #committing: Promise<void> | null = null;
  #failure: unknown = null;

  constructor({ directory, lock }: LmdbLogDatabaseOptions) {
    this.place = directory;
    this.#heldLock = lock;
  }

  async open(): Promise<void> {
    const lock = this.#heldLock ?? (await lockDirectory(this.place));
    try {
      await this.#attempt('create', () => systemFileSystem.makeDirectory(this.place));
      await this.#attempt('open', () => checkFileSystem(this.place));
      const isNew = !(await this.#attempt('read', () => checkDataFile(this.place)));
      await this.#attempt('open', () => checkRoom(this.place));
      this.#opened = this.#openFiles(lock);
      // A file is only there after a crash if its directory says so.
      if (isNew) await this.#attempt('create', () => systemFileSystem.syncDirectory(this.place));
      await this.#attempt('create', () => markDirectory(this.place));
    } catch (error) {
      await this.#opened?.root.close();
      this.#opened = null;
      await lock.release();
      throw error;
    }
  }

  write(changes: readonly LogDatabaseChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  record(name: string): Uint8Array | null {
    return this.#read(({ records }) => records.getBinary(name)) ?? null;
  }

  groupAtOrBefore(index: LogIndex): LogGroup | null {
    return this.#first({ start: toKey(index), reverse: true, limit: 1 });
  }

  groupAtOrAfter(index: LogIndex): LogGroup | null {
    return this.#first({ start: toKey(index), limit: 1 });
  }

  firstIndexes(fromIndex: LogIndex, toIndex: LogIndex, limit: number): readonly LogIndex[] {
    const range = { start: toKey(fromIndex), end: toKey(toIndex), limit };
    return this.#read(({ groups }) => [...groups.getKeys(range).map(toIndexOf)]);
  }

  async close(): Promise<void> {
    await this.#committing;
    const opened = this.#opened;
    this.#opened = null;
    await opened?.root.close();
    await (opened?.lock ?? this.#heldLock)?.release();
  }

  #openFiles(lock: DirectoryLock): Opened {
    try {
      const root = open<Buffer, Buffer>({
        path: this.place,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        // Else each batch lies in one of the package's own, whose promise nobody holds: when the commit fails, its rejection
        // is not handled, and ends the process.
        eventTurnBatching: false,
      });
      const groups = root.openDB<Buffer, Buffer>({ name: 'groups', encoding: 'binary', keyEncoding: 'binary' });
      const records = root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' });
      return { root, groups, records, lock };
    } catch (error) {
      throw lmdbError('open the log', this.place, error);
    }
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batches = this.#queue;
      this.#queue = [];
      try {
        if (this.#failure !== null) throw this.#failure;
        await this.#commit(batches);
        for (const { resolve } of batches) resolve();
      } catch (error) {
        this.#failure = error;
        for (const { reject } of batches) reject(error);
      }
    }
    this.#committing = null;
  }

  async #commit(batches: readonly Batch[]): Promise<void> {
    const { root, groups, records } = this.#get();
    const apply = (change: LogDatabaseChange): Promise<boolean> => {
      if (change.type === 'put-record') return records.put(change.name, toBuffer(change.bytes));
      if (change.type === 'remove-group') return groups.remove(toKey(change.firstIndex));
      if (change.type === 'replace-group') return groups.put(toKey(change.firstIndex), toBuffer(change.bytes));
      // Fills pages whole, where an insertion would leave them half empty.
      return groups.put(toKey(change.firstIndex), toBuffer(change.bytes), APPEND);
    };
    const operations: Promise<boolean>[] = [];
    try {
      const done = root.batch(() => {
        for (const { changes } of batches) for (const change of changes) operations.push(apply(change));
      });
      const areDone = await Promise.all([done, ...operations]);
      if (areDone.includes(false)) throw new StorageError(`${this.place}: a group was not behind all others`);
      // What is read from now on sees this commit.
      root.resetReadTxn();
    } catch (error) {
      const cause = await causeOfFailedWrite(this.place, await causeOfFailedCommit(error));
      throw lmdbError('write the log', this.place, cause);
    }
  }

  #first(range: { readonly start: Buffer; readonly reverse?: boolean; readonly limit: number }): LogGroup | null {
    return this.#read(({ groups }) => {
      for (const key of groups.getKeys(range)) {
        const bytes = groups.getBinary(key);
        if (bytes !== undefined) return { firstIndex: toIndexOf(key), bytes };
      }
      return null;
    });
  }

  /** @throws CorruptionError when LMDB meets a damaged page, StorageError */
  #read<T>(read: (opened: Opened) => T): T {
    const opened = this.#get();
    try {
      return read(opened);
    } catch (error) {
      throw lmdbError('read the log', this.place, error);
    }
  }

  #get(): Opened {
    if (this.#opened === null) throw new StorageError(`${this.place} is closed`);
    return this.#opened;
  }

  async #attempt<T>(action: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw lmdbError(`${action} the log`, this.place, error);
    }
  }
}

/** Of the group that begins with this entry. */
export function toKey(index: LogIndex): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key.writeUInt32BE(Math.floor(index / TWO_TO_32), 0);
  key.writeUInt32BE(index >>> 0, 4);
  return key;
}

export function toIndexOf(key: Buffer): LogIndex {
  return key.readUInt32BE(0) * TWO_TO_32 + key.readUInt32BE(4);
}

/** A view: nothing is copied. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
