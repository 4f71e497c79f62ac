/** The rows of one state in LMDB, with how far it is. */
import { join } from 'node:path';
import type { RootDatabase, Transaction } from 'lmdb';
import { open } from 'lmdb';
import { decodeAppliedState, encodeAppliedState } from '../../../codec/applied-state-bytes.ts';
import { corruptionErrorIn } from '../../../codec/make-error.ts';
import { CorruptionError, StorageError } from '../../../errors.ts';
import type { AppliedState } from '../../../ports/state-machine.ts';
import { checkDataFile } from '../file-check.ts';
import { causeOfFailedCommit, lmdbError } from '../lmdb-errors.ts';
import type { RowChange } from './change-layer.ts';
import { causeOfFailedWrite, checkRoom } from './disk-room.ts';
import type { Row } from './merged-rows.ts';
import type { RowKey, RowRange } from './state-key.ts';
import { openRow, sealRows } from './state-row.ts';

/** Before all rows. */
const APPLIED_KEY: RowKey = '\x01';

/** Keys are strings of bytes on this side. */
const keyEncoder = {
  writeKey: (key: RowKey, target: Buffer, start: number): number => start + target.write(key, start, 'latin1'),
  readKey: (source: Buffer, start: number, end: number): RowKey => source.toString('latin1', start, end),
};

const APPEND = { append: true };

type Root = Omit<RootDatabase<Buffer, RowKey>, keyof Untyped> & Untyped;

/** Parts of the package that its types lack. */
interface Untyped {
  getBinary(key: RowKey, options?: { readonly transaction: Transaction }): Buffer | undefined;
  putSync(key: RowKey, value: Buffer, options: { readonly append: boolean }): boolean;
  sync(callback: (error: unknown) => void): void;
}

/**
 * One LMDB environment, all rows in its main database. It is opened by whoever holds the lock of the directory above.
 *
 * `overlappingSync` is off: a commit writes and syncs the data pages, and only then the page that makes them valid, so
 * that the file is whole after a power failure at any instant, and what was committed is there. The file grows as it
 * needs to, and never shrinks: space that is given up is used again.
 */
export class StateEnvironment {
  readonly place: string;
  readonly #root: Root;

  private constructor(place: string, root: Root) {
    this.place = place;
    this.#root = root;
  }

  /** @throws CorruptionError when there is no whole database in the directory */
  static async open(directory: string): Promise<StateEnvironment> {
    const path = join(directory, 'data.mdb');
    let isThere: boolean;
    try {
      isThere = await checkDataFile(directory);
    } catch (error) {
      throw lmdbError('read the state', directory, error);
    }
    if (!isThere) throw new CorruptionError(`${path} is missing or empty: the state is gone; remove ${directory} too`);
    return await StateEnvironment.#open(directory, false);
  }

  /** Makes one that nobody else reads: nothing of it is durable before `sync`. */
  static create(directory: string): Promise<StateEnvironment> {
    return StateEnvironment.#open(directory, true);
  }

  static async #open(directory: string, noSync: boolean): Promise<StateEnvironment> {
    try {
      await checkRoom(directory);
      const options = {
        path: directory,
        noSubdir: false,
        encoding: 'binary',
        keyEncoder,
        overlappingSync: false,
        noSync,
        // Else each batch lies in one of the package's own, whose promise nobody holds: when the commit fails, its rejection
        // is not handled, and ends the process.
        eventTurnBatching: false,
        // Not documented: a batch starts when it is complete. Else the worker starts after 1,000 changes, and takes turns
        // with the thread that adds the others, which takes that one several times as long.
        batchStartThreshold: Number.MAX_SAFE_INTEGER,
      } as const;
      const root = open<Buffer, RowKey>(options);
      // A cast, because that is how it is.
      return new StateEnvironment(directory, root as unknown as Root);
    } catch (error) {
      throw lmdbError('open the state', directory, error);
    }
  }

  /** @throws CorruptionError when the record is missing or damaged */
  applied(view: Transaction | null = null): AppliedState {
    const damaged = corruptionErrorIn(`record of what was applied, in ${this.place}`);
    const bytes = this.#getBytes(APPLIED_KEY, view);
    if (bytes === undefined) throw damaged('it is missing');
    return decodeAppliedState(bytes, damaged);
  }

  /** @throws CorruptionError when the row is damaged */
  get(key: RowKey): Uint8Array | null {
    const stored = this.#getBytes(key, null);
    return stored === undefined ? null : openRow(key, stored, this.place);
  }

  /**
   * The rows of a range, out of a view, or as they are at the first one.
   * @throws CorruptionError when a row is damaged
   */
  *rows(range: RowRange, view: Transaction | null = null): Generator<Row, void> {
    const { from, to, isReverse, isAfterFrom = false } = range;
    const direction = isReverse
      ? { start: to, exclusiveStart: true, end: from, inclusiveEnd: true, reverse: true }
      : { start: from, exclusiveStart: isAfterFrom, end: to };
    const found = this.#root.getRange(view === null ? direction : { ...direction, transaction: view });
    try {
      for (const { key, value } of found) yield [key, openRow(key, value, this.place)];
    } catch (error) {
      throw lmdbError('read the state', this.place, error);
    }
  }

  /** A view that stays as it is. While it is pinned, space that is given up is not used again. */
  pin(): Transaction {
    return this.#root.useReadTransaction();
  }

  /** All or nothing; durable when it resolves. At most one at a time, and none after one that failed. */
  async write(changes: Iterable<RowChange>, applied: AppliedState): Promise<void> {
    const root = this.#root;
    const rows = sealRows([...changes]);
    const record = toBuffer(encodeAppliedState(applied));
    await this.#commit(() =>
      root.batch(() => {
        // Nothing in here can throw: what was queued before would be committed all the same.
        for (const [key, stored] of rows) {
          if (stored === null) void root.remove(key);
          else void root.put(key, stored);
        }
        void root.put(APPLIED_KEY, record);
      }),
    );
    this.#checkVisible(applied);
  }

  /** Rows behind all that are there, in order. Fills pages whole, where insertions would leave them half empty. */
  async append(rows: readonly Row[]): Promise<void> {
    const root = this.#root;
    const sealed = sealRows(rows);
    let isInOrder = true;
    await this.#commit(() =>
      root.transaction(() => {
        for (const [key, stored] of sealed) {
          if (stored !== null) isInOrder &&= root.putSync(key, stored, APPEND);
        }
      }),
    );
    if (!isInOrder) throw new StorageError(`${this.place}: a row was not behind all others`);
  }

  /** What was written is on the disk when it resolves. */
  async sync(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#root.sync((error) => (error ? reject(error) : resolve()));
    await promise.catch((error: unknown) => {
      throw lmdbError('write the state', this.place, error);
    });
  }

  /** All views must have been released. */
  async close(): Promise<void> {
    await this.#root.close();
  }

  async #commit(start: () => Promise<unknown>): Promise<void> {
    try {
      await start();
    } catch (error) {
      const cause = await causeOfFailedWrite(this.place, await causeOfFailedCommit(error));
      throw lmdbError('write the state', this.place, cause);
    }
  }

  /** Who reads now must find what was written: what covered it is about to be dropped. */
  #checkVisible({ lastApplied }: AppliedState): void {
    this.#root.resetReadTxn();
    const { index } = this.applied().lastApplied;
    if (index === lastApplied.index) return;
    throw new StorageError(
      `${this.place}: a commit up to entry ${lastApplied.index} was reported, but the state is at entry ${index}`,
    );
  }

  #getBytes(key: RowKey, view: Transaction | null): Buffer | undefined {
    try {
      return this.#root.getBinary(key, view === null ? undefined : { transaction: view });
    } catch (error) {
      throw lmdbError('read the state', this.place, error);
    }
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
