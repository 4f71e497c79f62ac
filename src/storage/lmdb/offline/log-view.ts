/** The log's database as it is at one moment, whatever a node that has it open does meanwhile. */
import type { Database, Key, RootDatabase, Transaction } from 'lmdb';
import { open } from 'lmdb';
import type { LogIndex } from '../../../core/ids.ts';
import { CorruptionError, StorageError } from '../../../errors.ts';
import type { LogGroup } from '../../../ports/log-database.ts';
import { checkDataFile } from '../file-check.ts';
import { lmdbError } from '../lmdb-errors.ts';
import { toIndexOf, toKey } from '../lmdb-log-database.ts';

const ATTEMPTS_MAX = 5;

/** With the options that the package's types lack. */
type Reader<K extends Key> = Omit<Database<Buffer, K>, 'getBinary'> & {
  getBinary(key: K, options: { readonly transaction: Transaction }): Buffer | undefined;
};

interface Databases {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly groups: Reader<Buffer>;
  readonly records: Reader<string>;
  readonly transaction: Transaction;
}

/**
 * Reads in one transaction, and takes no lock but LMDB's own for readers. As long as it is open, a running node can't
 * use the space again that it gives up: don't keep it open for long.
 */
export class LogView {
  readonly place: string;
  /** A node has it open. */
  readonly isInUse: boolean;
  readonly #databases: Databases;
  #isClosed = false;

  private constructor(place: string, isInUse: boolean, databases: Databases) {
    this.place = place;
    this.isInUse = isInUse;
    this.#databases = databases;
  }

  /**
   * `isInUse`: a node has it open. Else every page is looked at before it is mapped: LMDB itself trusts them.
   * @throws StorageError when there is no log, or it can't be read
   * @throws CorruptionError when the file is no whole database
   */
  static async open(directory: string, isInUse: boolean): Promise<LogView> {
    try {
      if (!(await isDatabaseThere(directory, isInUse)))
        throw new StorageError(`${directory}: the log is empty, nothing was stored`);
      const root = open<Buffer, Buffer>({
        path: directory,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        readOnly: true,
      });
      const groups = root.openDB<Buffer, Buffer>({ name: 'groups', encoding: 'binary', keyEncoding: 'binary' });
      const records = root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' });
      if (groups === undefined || records === undefined) {
        await root.close();
        throw new CorruptionError(`${directory}: it is an LMDB database, but not that of a log`);
      }
      // Casts, because the types lack an option.
      const readers = { groups: groups as unknown as Reader<Buffer>, records: records as unknown as Reader<string> };
      return new LogView(directory, isInUse, { root, ...readers, transaction: root.useReadTransaction() });
    } catch (error) {
      throw lmdbError('read the log', directory, error);
    }
  }

  record(name: string): Uint8Array | null {
    const { records, transaction } = this.#databases;
    return this.#attempt(() => records.getBinary(name, { transaction })) ?? null;
  }

  /**
   * All groups from the one on that begins at or before `index`, ascending.
   * @throws CorruptionError when the database finds itself damaged
   */
  *groupsFrom(index: LogIndex): Generator<LogGroup, void> {
    const { groups, transaction } = this.#databases;
    const start = this.#firstKey({ start: toKey(index), reverse: true, limit: 1, transaction }) ?? toKey(index);
    let lastIndex = -1;
    for (const key of this.#attemptEach(groups.getKeys({ start, transaction }))) {
      const bytes = this.#attempt(() => groups.getBinary(key, { transaction }));
      const firstIndex = toIndexOf(key);
      // A damaged database may lead in a circle.
      if (bytes === undefined || firstIndex <= lastIndex) {
        throw new CorruptionError(`${this.place}: the keys of the database are not in order after index ${lastIndex}`);
      }
      lastIndex = firstIndex;
      yield { firstIndex, bytes };
    }
  }

  /** The index with which the last group begins; `null` when there is none. */
  lastFirstIndex(): LogIndex | null {
    const { transaction } = this.#databases;
    const key = this.#firstKey({ reverse: true, limit: 1, transaction });
    return key === null ? null : toIndexOf(key);
  }

  groupCount(): number {
    const { groups, transaction } = this.#databases;
    return this.#attempt(() => groups.getKeysCount({ transaction }));
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#databases.transaction.done();
    await this.#databases.root.close();
  }

  #firstKey(range: Parameters<Reader<Buffer>['getKeys']>[0]): Buffer | null {
    for (const key of this.#attemptEach(this.#databases.groups.getKeys(range))) return key;
    return null;
  }

  *#attemptEach<T>(values: Iterable<T>): Generator<T, void> {
    try {
      yield* values;
    } catch (error) {
      throw this.#damage(error);
    }
  }

  #attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#damage(error);
    }
  }

  /** Reading what is mapped already fails only when it makes no sense. */
  #damage(error: unknown): Error {
    const reason = error instanceof Error ? error.message : String(error);
    return new CorruptionError(`${this.place}: the database can't be read: ${reason}`, error);
  }
}

/** A running node changes the file while it is looked at, which looks like damage then. */
async function isDatabaseThere(directory: string, isInUse: boolean): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await checkDataFile(directory, { pages: isInUse ? 'none' : 'all' });
    } catch (error) {
      if (!isInUse || !(error instanceof CorruptionError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
