/**
 * Which term every log entry has, kept as the boundaries between terms. Terms never decrease along the log (§5.3), so
 * a few numbers describe millions of entries, and the entries themselves stay out of the core.
 */
import type { LogId, LogIndex, Term } from '../ids.ts';
import { isCounter, logId } from '../ids.ts';

/** What a log consists of when it is opened. */
export interface LogIdsInit {
  /** The last entry that was removed from the front; index 0 when none was. */
  readonly purged: LogId;
  /** The first LogId of every run of equal terms in `(purged, last]`, ascending. */
  readonly boundaries: readonly LogId[];
  /** The last entry; equals `purged` when the log is empty. */
  readonly last: LogId;
}

/**
 * ```text
 *   index    ... 3 | 4  5  6  7  8  9
 *   term     ... 1 | 1  1  2  2  2  5      purged = 1:3, last = 5:9
 *   boundaries       ^     ^        ^      1:4, 2:6, 5:9
 * ```
 */
export class LogIds {
  #purged: LogId;
  #lastIndex: LogIndex;
  /** First index of every run, and its term: two arrays of numbers, searched by halving. */
  readonly #starts: LogIndex[] = [];
  readonly #terms: Term[] = [];

  /** Throws a `RangeError` when the parts do not fit together. */
  constructor(init: LogIdsInit) {
    checkInit(init);
    this.#purged = init.purged;
    this.#lastIndex = init.last.index;
    for (const { index, term } of init.boundaries) {
      this.#starts.push(index);
      this.#terms.push(term);
    }
  }

  /** The last entry removed from the front. Its term stays known, to be the previous entry of the first one. */
  get purged(): LogId {
    return this.#purged;
  }

  /** Where the first entry is, or will be when the log is empty. */
  get firstIndex(): LogIndex {
    return this.#purged.index + 1;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  /** The last entry; `purged` when the log is empty. */
  lastLogId(): LogId {
    const term = this.#terms.at(-1);
    return term === undefined ? this.#purged : logId(term, this.#lastIndex);
  }

  /** `null` where nothing is known: below `purged` and beyond the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#purged.index) {
      return this.#purged.term;
    }
    if (index < this.#purged.index || index > this.#lastIndex) {
      return null;
    }
    return this.#terms[countAtMost(this.#starts, index) - 1] ?? null;
  }

  logIdAt(index: LogIndex): LogId | null {
    const term = this.termAt(index);
    return term === null ? null : logId(term, index);
  }

  /** Is this very entry in the log, or the last purged one? */
  has(id: LogId): boolean {
    return this.termAt(id.index) === id.term;
  }

  /** Adds `count` entries of one term at the end. Throws a `RangeError` when the term is older than the last one. */
  append(term: Term, count: number): void {
    const lastTerm = this.#terms.at(-1) ?? this.#purged.term;
    if (!isCounter(term) || !isCounter(count) || term < lastTerm) {
      throw new RangeError(`cannot append ${count} entries of term ${term} after ${lastTerm}:${this.#lastIndex}`);
    }
    if (count === 0) {
      return;
    }
    if (this.#terms.length === 0 || term > lastTerm) {
      this.#starts.push(this.#lastIndex + 1);
      this.#terms.push(term);
    }
    this.#lastIndex += count;
  }

  /** Removes the entry and all after it. Throws a `RangeError` for a purged one. */
  truncateFrom(index: LogIndex): void {
    if (index <= this.#purged.index) {
      throw new RangeError(`cannot truncate from ${index}: the log is purged up to ${this.#purged.index}`);
    }
    if (index > this.#lastIndex) {
      return;
    }
    const kept = countAtMost(this.#starts, index - 1);
    this.#starts.length = kept;
    this.#terms.length = kept;
    this.#lastIndex = index - 1;
  }

  /**
   * Removes the entries up to and including `id`; all of them when it lies beyond the end. Never goes backwards.
   * Throws a `RangeError` when the log has another entry at that index: what follows it would not belong to it.
   */
  purgeTo(id: LogId): void {
    if (id.index <= this.#purged.index) {
      return;
    }
    if (id.index <= this.#lastIndex && !this.has(id)) {
      throw new RangeError(`cannot purge to ${id.term}:${id.index}: the log has term ${this.termAt(id.index)} there`);
    }
    if (id.index >= this.#lastIndex) {
      this.resetTo(id);
      return;
    }
    // The run of the first remaining entry loses its head; the runs before it go as a whole.
    const first = countAtMost(this.#starts, id.index + 1) - 1;
    this.#starts.splice(0, first);
    this.#terms.splice(0, first);
    this.#starts[0] = id.index + 1;
    this.#purged = id;
  }

  /** Discards everything: the log is empty and goes on after `id`. */
  resetTo(id: LogId): void {
    this.#starts.length = 0;
    this.#terms.length = 0;
    this.#purged = id;
    this.#lastIndex = id.index;
  }

  /**
   * The largest index up to `maxIndex` whose term is at most `term`; the purged index when no entry is like that.
   * Where a log and a conflicting one can agree at the latest, so that one probe skips a whole term (§5.3).
   */
  lastIndexWithTermAtMost(term: Term, maxIndex: LogIndex): LogIndex {
    const runs = countAtMost(this.#terms, term);
    if (runs === 0) {
      return this.#purged.index;
    }
    const nextStart = this.#starts[runs];
    const runEnd = nextStart === undefined ? this.#lastIndex : nextStart - 1;
    return Math.max(this.#purged.index, Math.min(runEnd, maxIndex));
  }

  /** The first LogId of every run of equal terms: what the constructor takes. */
  boundaries(): LogId[] {
    return this.#starts.map((start, run) => logId(this.#terms[run] ?? 0, start));
  }
}

function checkInit({ purged, boundaries, last }: LogIdsInit): void {
  let previous = purged;
  for (const [run, boundary] of boundaries.entries()) {
    const follows = run === 0 ? boundary.index === purged.index + 1 : boundary.index > previous.index;
    const isNewer = run === 0 ? boundary.term >= purged.term : boundary.term > previous.term;
    if (!follows || !isNewer || boundary.index > last.index) {
      throw new RangeError(`term boundary ${boundary.term}:${boundary.index} does not fit the log`);
    }
    previous = boundary;
  }
  if (previous.term !== last.term || (boundaries.length === 0 && last.index !== purged.index)) {
    throw new RangeError(`the last entry ${last.term}:${last.index} does not fit the term boundaries`);
  }
}

/** How many of the ascending values are at most `limit`. */
function countAtMost(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    // From the end when there is a choice: nearly all questions are about the newest run.
    const middle = low === 0 && high === ascending.length ? high - 1 : (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
