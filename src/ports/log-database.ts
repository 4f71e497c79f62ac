/** An ordered, transactional database, as far as a log store needs one. */
import type { LogIndex } from '../core/ids.ts';

/** Entries that were appended together: their records back to back, under the index of the first. */
export interface LogGroup {
  readonly firstIndex: LogIndex;
  /** Belongs to the caller: a copy of what the database holds. */
  readonly bytes: Uint8Array;
}

export type LogDatabaseChange =
  /** A group behind all others. */
  | { readonly type: 'append-group'; readonly firstIndex: LogIndex; readonly bytes: Uint8Array }
  /** A group instead of the one that is there. */
  | { readonly type: 'replace-group'; readonly firstIndex: LogIndex; readonly bytes: Uint8Array }
  | { readonly type: 'remove-group'; readonly firstIndex: LogIndex }
  /** A small named record. */
  | { readonly type: 'put-record'; readonly name: string; readonly bytes: Uint8Array };

/** What holds an opened log: groups by the index of their first entry, and named records. */
export interface LogDatabase {
  /** For messages: where the data is. */
  readonly place: string;
  /**
   * Opens or creates the database and takes its lock. Called once.
   * @throws StorageError when it can't be opened or another process has it open
   * @throws CorruptionError when the database finds itself damaged
   */
  open(): Promise<void>;
  /**
   * All changes or none; durable when it resolves. Batches take effect in the order of the calls, also without waiting
   * in between, and their promises resolve in that order. Reads see a batch once it has resolved, perhaps before.
   * The changes must not change before it resolves. After a rejection nothing may be written any more.
   * @throws StorageError when it could not be written: whether it was is then unknown until the next `open`
   */
  write(changes: readonly LogDatabaseChange[]): Promise<void>;
  /** The named record; a copy. */
  record(name: string): Uint8Array | null;
  /** The group with the greatest `firstIndex` that is not above `index`. */
  groupAtOrBefore(index: LogIndex): LogGroup | null;
  /** The group with the smallest `firstIndex` that is not below `index`. */
  groupAtOrAfter(index: LogIndex): LogGroup | null;
  /** First indexes in `[fromIndex, toIndex)`, ascending, at most `limit`. */
  firstIndexes(fromIndex: LogIndex, toIndex: LogIndex, limit: number): readonly LogIndex[];
  /** Waits for batches under way, then releases the files and the lock. Safe to call twice. */
  close(): Promise<void>;
}
