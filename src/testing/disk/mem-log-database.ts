/** A log database in memory that loses power and breaks like a real one: for tests and simulations. */
import type { LogIndex } from '../../core/ids.ts';
import { CorruptionError, StorageError } from '../../errors.ts';
import type { LogDatabase, LogDatabaseChange, LogGroup } from '../../ports/log-database.ts';
import type { DiskFaults } from './disk-faults.ts';
import { NO_DISK_FAULTS } from './disk-faults.ts';

interface Batch {
  readonly changes: readonly LogDatabaseChange[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface MemLogDatabaseOptions {
  /** For messages and for faults. Default `memory`. */
  readonly place?: string;
  readonly faults?: DiskFaults;
}

/**
 * What one directory of a disk holds. It outlives the databases that are opened over it, one after the other, as a
 * directory outlives processes.
 */
export class MemLogDisk {
  readonly groups: Map<LogIndex, Uint8Array> = new Map();
  readonly records: Map<string, Uint8Array> = new Map();
  /** All first indexes, ascending. */
  firstIndexes: LogIndex[] = [];
  /** Set while a database is open over it. */
  owner: MemLogDatabase | null = null;
  /** What an opened database says is wrong with it. */
  damage: string | null = null;

  commit(changes: readonly LogDatabaseChange[]): void {
    for (const change of changes) {
      if (change.type === 'put-record') this.records.set(change.name, change.bytes.slice());
      else if (change.type === 'remove-group') this.#remove(change.firstIndex);
      else this.#put(change.firstIndex, change.bytes.slice());
    }
  }

  /** Turns one bit of a group's bytes, as a failing disk does. */
  flipBit(firstIndex: LogIndex, bit: number): void {
    const bytes = this.groups.get(firstIndex);
    if (bytes === undefined || bit >= bytes.byteLength * 8) throw new RangeError(`there is no bit ${bit} to turn`);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }

  #put(firstIndex: LogIndex, bytes: Uint8Array): void {
    if (!this.groups.has(firstIndex)) {
      const at = lowerBound(this.firstIndexes, firstIndex);
      this.firstIndexes.splice(at, 0, firstIndex);
    }
    this.groups.set(firstIndex, bytes);
  }

  #remove(firstIndex: LogIndex): void {
    if (this.groups.delete(firstIndex)) this.firstIndexes.splice(lowerBound(this.firstIndexes, firstIndex), 1);
  }
}

/** One opening of a `MemLogDisk`, by one process. */
export class MemLogDatabase implements LogDatabase {
  readonly place: string;
  readonly #disk: MemLogDisk;
  readonly #faults: DiskFaults;
  readonly #queue: Batch[] = [];
  #isCommitting = false;
  #isOpen = false;
  #hasFailed = false;
  readonly #idle: (() => void)[] = [];
  /** What is being committed. */
  #inFlight: readonly Batch[] = [];

  constructor(disk: MemLogDisk, { place = 'memory', faults = NO_DISK_FAULTS }: MemLogDatabaseOptions = {}) {
    this.#disk = disk;
    this.place = place;
    this.#faults = faults;
  }

  async open(): Promise<void> {
    if (this.#disk.owner !== null) {
      throw new StorageError(`${this.place} is in use by another process: a log has one owner`);
    }
    const fault = await this.#faults.before({ type: 'open', path: this.place, bytes: 0 });
    if (fault !== null) throw new StorageError(`${this.place} can't be opened`, fault.error);
    if (this.#disk.damage !== null) throw new CorruptionError(`${this.place} is damaged: ${this.#disk.damage}`);
    this.#disk.owner = this;
    this.#isOpen = true;
  }

  write(changes: readonly LogDatabaseChange[]): Promise<void> {
    if (!this.#isOpen) return Promise.reject(new StorageError(`${this.place} is closed`));
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, resolve, reject });
      if (!this.#isCommitting) this.#run().catch(reject);
    });
  }

  record(name: string): Uint8Array | null {
    return this.#opened().records.get(name)?.slice() ?? null;
  }

  groupAtOrBefore(index: LogIndex): LogGroup | null {
    const { firstIndexes } = this.#opened();
    return this.#group(firstIndexes[lowerBound(firstIndexes, index + 1) - 1]);
  }

  groupAtOrAfter(index: LogIndex): LogGroup | null {
    const { firstIndexes } = this.#opened();
    return this.#group(firstIndexes[lowerBound(firstIndexes, index)]);
  }

  firstIndexes(fromIndex: LogIndex, toIndex: LogIndex, limit: number): readonly LogIndex[] {
    const { firstIndexes } = this.#opened();
    const start = lowerBound(firstIndexes, fromIndex);
    return firstIndexes.slice(start, Math.min(lowerBound(firstIndexes, toIndex), start + limit));
  }

  async close(): Promise<void> {
    if (this.#isCommitting) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#release();
  }

  /**
   * The process dies: nobody learns anything more from this object. The commit under way may have been just in time,
   * although nobody was told; what waited behind it is lost.
   */
  crash({ isLastCommitDone }: { readonly isLastCommitDone: boolean }): void {
    if (this.#isOpen && isLastCommitDone) for (const { changes } of this.#inFlight) this.#disk.commit(changes);
    this.#queue.length = 0;
    this.#inFlight = [];
    this.#release();
  }

  #release(): void {
    this.#isOpen = false;
    if (this.#disk.owner === this) this.#disk.owner = null;
  }

  /** All that waits is one commit, as a real database groups them. */
  async #run(): Promise<void> {
    this.#isCommitting = true;
    while (this.#queue.length > 0) {
      const batches = this.#queue.splice(0);
      this.#inFlight = batches;
      const error = await this.#commit(batches);
      // A process that died hears nothing of it.
      if (!this.#isOpen) return;
      this.#inFlight = [];
      for (const { resolve, reject } of batches) {
        if (error === null) resolve();
        else reject(error);
      }
    }
    this.#isCommitting = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #commit(batches: readonly Batch[]): Promise<StorageError | null> {
    if (this.#hasFailed) return new StorageError(`${this.place}: an earlier write failed`);
    const bytes = batches.reduce((sum, { changes }) => sum + changes.reduce((size, one) => size + sizeOf(one), 0), 0);
    const fault = await this.#faults.before({ type: 'commit', path: this.place, bytes });
    if (fault !== null) {
      this.#hasFailed = true;
      return new StorageError(`${this.place}: the log could not be written`, fault.error);
    }
    if (this.#isOpen) for (const { changes } of batches) this.#disk.commit(changes);
    return null;
  }

  #group(firstIndex: LogIndex | undefined): LogGroup | null {
    const bytes = firstIndex === undefined ? undefined : this.#disk.groups.get(firstIndex);
    return firstIndex === undefined || bytes === undefined ? null : { firstIndex, bytes: bytes.slice() };
  }

  #opened(): MemLogDisk {
    if (!this.#isOpen) throw new StorageError(`${this.place} is closed`);
    return this.#disk;
  }
}

function sizeOf(change: LogDatabaseChange): number {
  return change.type === 'remove-group' ? 0 : change.bytes.byteLength;
}

/** The first position whose value is not below `value`. */
function lowerBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
