/** The groups of a log as they will be when all writes under way are durable. */
import type { LogIndex } from '../../core/ids.ts';
import type { LogDatabase, LogDatabaseChange, LogGroup } from '../../ports/log-database.ts';

/** What a write under way makes of a group; without bytes it is removed. */
interface Pending {
  readonly bytes: Uint8Array | null;
  /** The write it belongs to. */
  readonly writeSeq: number;
}

/** The database, and above it what was written but is not durable yet. */
export class GroupView {
  readonly #database: LogDatabase;
  /** By first index. Holds only what is under way, so it stays small. */
  readonly #pending = new Map<LogIndex, Pending>();
  #writeSeq = 0;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  /** Shows the changes from now on; returns what `settle` wants to know. */
  apply(changes: readonly LogDatabaseChange[]): number {
    this.#writeSeq += 1;
    for (const change of changes) {
      if (change.type === 'put-record') continue;
      const bytes = change.type === 'remove-group' ? null : change.bytes;
      this.#pending.set(change.firstIndex, { bytes, writeSeq: this.#writeSeq });
    }
    return this.#writeSeq;
  }

  /** The database shows these changes itself now. */
  settle(writeSeq: number, changes: readonly LogDatabaseChange[]): void {
    for (const change of changes) {
      if (change.type === 'put-record') continue;
      // A later write may have changed the same group again.
      if (this.#pending.get(change.firstIndex)?.writeSeq === writeSeq) this.#pending.delete(change.firstIndex);
    }
  }

  /** The last group that begins at or before `index`. Its bytes must not be changed. */
  atOrBefore(index: LogIndex): LogGroup | null {
    let best: LogGroup | null = null;
    for (const [firstIndex, { bytes }] of this.#pending) {
      if (bytes !== null && firstIndex <= index && firstIndex > (best?.firstIndex ?? 0)) best = { firstIndex, bytes };
    }
    let stored = this.#database.groupAtOrBefore(index);
    while (stored !== null && this.#pending.get(stored.firstIndex)?.bytes === null) {
      stored = this.#database.groupAtOrBefore(stored.firstIndex - 1);
    }
    // At the same index the pending one counts.
    return stored !== null && stored.firstIndex > (best?.firstIndex ?? 0) ? stored : best;
  }

  /** The first group that begins at or after `index`. Its bytes must not be changed. */
  atOrAfter(index: LogIndex): LogGroup | null {
    let best: LogGroup | null = null;
    for (const [firstIndex, { bytes }] of this.#pending) {
      if (bytes === null || firstIndex < index) continue;
      if (best === null || firstIndex < best.firstIndex) best = { firstIndex, bytes };
    }
    let stored = this.#database.groupAtOrAfter(index);
    while (stored !== null && this.#pending.get(stored.firstIndex)?.bytes === null) {
      stored = this.#database.groupAtOrAfter(stored.firstIndex + 1);
    }
    return stored !== null && (best === null || stored.firstIndex < best.firstIndex) ? stored : best;
  }

  /** The first indexes of all groups from `fromIndex` on, ascending. */
  firstIndexesFrom(fromIndex: LogIndex): readonly LogIndex[] {
    const indexes = new Set(this.#database.firstIndexes(fromIndex, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
    for (const [firstIndex, { bytes }] of this.#pending) {
      if (firstIndex < fromIndex) continue;
      if (bytes === null) indexes.delete(firstIndex);
      else indexes.add(firstIndex);
    }
    return [...indexes].sort((a, b) => a - b);
  }

  /** The first indexes of groups that end before `index`: those that another group follows at or before it. */
  groupsBefore(index: LogIndex, limit: number): readonly LogIndex[] {
    const stored = this.#database.firstIndexes(0, index + 1, limit + 1 + this.#pending.size);
    const indexes = new Set(stored);
    for (const [firstIndex, { bytes }] of this.#pending) {
      if (bytes === null) indexes.delete(firstIndex);
      else if (firstIndex <= index) indexes.add(firstIndex);
    }
    return [...indexes]
      .sort((a, b) => a - b)
      .slice(0, -1)
      .slice(0, limit);
  }
}
