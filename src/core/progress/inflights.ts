/** Appends to one peer that are not answered yet: a window in messages and in bytes. */
import type { LogIndex } from '../ids.ts';

interface Inflight {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
  /** The leader's heartbeat round when it was sent. */
  readonly round: number;
}

export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #queue: Inflight[] = [];

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The byte limit may be exceeded by the last message, or one larger than the limit could never be sent. */
  get isFull(): boolean {
    return this.#queue.length >= this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  get oldest(): Inflight | null {
    return this.#queue[0] ?? null;
  }

  add(lastIndex: LogIndex, bytes: number, round: number): void {
    this.#queue.push({ lastIndex, bytes, round });
    this.#bytes += bytes;
  }

  /** Everything up to `index` arrived. */
  freeTo(index: LogIndex): void {
    let done = 0;
    for (const inflight of this.#queue) {
      if (inflight.lastIndex > index) break;
      this.#bytes -= inflight.bytes;
      done += 1;
    }
    if (done > 0) this.#queue.splice(0, done);
  }

  clear(): void {
    this.#queue = [];
    this.#bytes = 0;
  }
}
