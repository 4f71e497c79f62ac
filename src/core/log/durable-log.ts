/** Follows writes under way, so that the core knows how much of its current log is on disk. */
import type { LogIndex } from '../ids.ts';

interface Write {
  readonly seq: number;
  /** Lowest index that the write removes or replaces; `Infinity` when it only appends. */
  readonly truncateFrom: LogIndex;
  /** The last index of the log on disk once the write is done. */
  readonly lastIndex: LogIndex;
}

/**
 * A finished write may be outdated: a later one, still under way or being collected, may replace its entries. So
 * durable is what the finished writes left, cut at the lowest index that a later write replaces.
 */
export class DurableLog {
  #diskLastIndex: LogIndex;
  #completedSeq = 0;
  /** Lowest index that the write being collected removes or replaces. */
  #collectedFrom: LogIndex = Number.POSITIVE_INFINITY;
  readonly #pending: Write[] = [];

  constructor(lastIndex: LogIndex) {
    this.#diskLastIndex = lastIndex;
  }

  get completedSeq(): number {
    return this.#completedSeq;
  }

  /** The write being collected removes this entry and all after it. */
  truncate(fromIndex: LogIndex): void {
    this.#collectedFrom = Math.min(this.#collectedFrom, fromIndex);
  }

  issue(seq: number, truncateFrom: LogIndex | null, lastIndex: LogIndex): void {
    this.#collectedFrom = Number.POSITIVE_INFINITY;
    this.#pending.push({ seq, truncateFrom: truncateFrom ?? Number.POSITIVE_INFINITY, lastIndex });
  }

  /** All writes up to `seq` are done. */
  complete(seq: number): void {
    let done = 0;
    for (const write of this.#pending) {
      if (write.seq > seq) break;
      this.#diskLastIndex = write.lastIndex;
      done += 1;
    }
    if (done > 0) this.#pending.splice(0, done);
    if (seq > this.#completedSeq) this.#completedSeq = seq;
  }

  /** Everything up to here is on disk and will stay. */
  index(): LogIndex {
    let index = Math.min(this.#diskLastIndex, this.#collectedFrom - 1);
    for (const write of this.#pending) if (write.truncateFrom <= index) index = write.truncateFrom - 1;
    return index;
  }
}
