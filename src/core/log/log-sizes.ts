/**
 * How many bytes the newest entries count for, so that windows and batches can be cut to a size without looking at any
 * entry. Sums from the beginning rather than single sizes: any range is one subtraction.
 */
import type { LogIndex } from '../ids.ts';
import { isCounter } from '../ids.ts';

const DEFAULT_CAPACITY = 65_536;
const INITIAL_SLOTS = 256;

/**
 * ```text
 *   index        base | first known ... last
 *   sum          s0   | s1 s2 s3 ...    sn       bytes of (a, b] = sum(b) - sum(a)
 * ```
 *
 * A ring of sums that forgets the oldest. A sum stays exact up to 2^53 bytes, more than a log will ever take in.
 */
export class LogSizes {
  readonly #capacity: number;
  /** The sum of index i is in slot i modulo length; valid from `#baseIndex` to `#lastIndex`. */
  #sums: Float64Array;
  /** The entry before the first known one: its sum is known, its size is not. */
  #baseIndex: LogIndex;
  #lastIndex: LogIndex;

  /** Knows no size yet; the next one is that of the entry after `lastIndex`. `capacity`: entries, at least 1. */
  constructor(lastIndex: LogIndex, capacity: number = DEFAULT_CAPACITY) {
    if (!isCounter(capacity) || capacity < 1) {
      throw new RangeError(`capacity must be a positive integer, not ${capacity}`);
    }
    this.#capacity = capacity;
    this.#sums = new Float64Array(Math.min(capacity + 1, INITIAL_SLOTS));
    this.#baseIndex = lastIndex;
    this.#lastIndex = lastIndex;
  }

  /** The oldest entry whose size is known; the one after the last when none is. */
  get firstKnownIndex(): LogIndex {
    return this.#baseIndex + 1;
  }

  /** Takes in the size of the next entry. */
  append(bytes: number): void {
    if (!isCounter(bytes)) {
      throw new RangeError(`an entry cannot have ${bytes} bytes`);
    }
    const sum = this.#sumAt(this.#lastIndex) + bytes;
    if (this.#lastIndex + 1 - this.#baseIndex === this.#sums.length) {
      this.#makeRoom();
    }
    this.#lastIndex += 1;
    this.#setSum(this.#lastIndex, sum);
  }

  /** Forgets the entry and all after it; nothing happens past the end. */
  truncateFrom(index: LogIndex): void {
    if (index > this.#lastIndex) {
      return;
    }
    if (index <= this.#baseIndex) {
      this.resetTo(index - 1);
    } else {
      this.#lastIndex = index - 1;
    }
  }

  /** Forgets all; the log goes on after `lastIndex`. */
  resetTo(lastIndex: LogIndex): void {
    this.#baseIndex = lastIndex;
    this.#lastIndex = lastIndex;
    this.#setSum(lastIndex, 0);
  }

  /** The bytes of `[fromIndex, toIndexExclusive)`; `null` when not all sizes are known. */
  bytesBetween(fromIndex: LogIndex, toIndexExclusive: LogIndex): number | null {
    if (fromIndex >= toIndexExclusive) {
      return 0;
    }
    if (!this.#knows(fromIndex, toIndexExclusive)) {
      return null;
    }
    return this.#sumAt(toIndexExclusive - 1) - this.#sumAt(fromIndex - 1);
  }

  /**
   * The largest exclusive end so that the range from `fromIndex` has at most `maxEntries` entries and `maxBytes` bytes,
   * but one entry in any case: a single large one must get through. `fromIndex` when the given range is empty, `null`
   * when not all its sizes are known.
   */
  endWithin(fromIndex: LogIndex, toIndexExclusive: LogIndex, maxEntries: number, maxBytes: number): LogIndex | null {
    if (fromIndex >= toIndexExclusive) {
      return fromIndex;
    }
    if (!this.#knows(fromIndex, toIndexExclusive)) {
      return null;
    }
    const maxSum = this.#sumAt(fromIndex - 1) + maxBytes;
    let low = fromIndex + 1;
    let high = Math.max(low, Math.min(toIndexExclusive, fromIndex + maxEntries));
    // `low` is always allowed, everything above `high` never is.
    while (low < high) {
      const middle = low + Math.ceil((high - low) / 2);
      if (this.#sumAt(middle - 1) <= maxSum) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  #knows(fromIndex: LogIndex, toIndexExclusive: LogIndex): boolean {
    return fromIndex > this.#baseIndex && toIndexExclusive <= this.#lastIndex + 1;
  }

  /** Called when all slots are in use: grows up to the capacity, then gives up the oldest. */
  #makeRoom(): void {
    const slots = Math.min(this.#capacity + 1, this.#sums.length * 2);
    if (slots === this.#sums.length) {
      this.#baseIndex += 1;
      return;
    }
    const old = this.#sums;
    this.#sums = new Float64Array(slots);
    for (let index = this.#baseIndex; index <= this.#lastIndex; index += 1) {
      this.#setSum(index, old[index % old.length] ?? 0);
    }
  }

  #sumAt(index: LogIndex): number {
    return this.#sums[index % this.#sums.length] ?? 0;
  }

  #setSum(index: LogIndex, sum: number): void {
    this.#sums[index % this.#sums.length] = sum;
  }
}
