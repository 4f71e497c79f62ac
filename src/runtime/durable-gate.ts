/** Holds back what must not get ahead of the own disk. */
import type { LogIndex } from '../core/ids.ts';

interface Waiter {
  readonly index: LogIndex;
  readonly resolve: () => void;
}

/**
 * An entry may be committed, and applied, before this node's own disk has it. What survives a restart by itself, such
 * as a snapshot, has to wait: it would be ahead of its log, which may still say something else there.
 */
export class DurableGate {
  readonly #durableIndex: () => LogIndex;
  readonly #ask: () => void;
  #waiting: Waiter[] = [];

  /** `ask` is called when somebody starts to wait, and is to bring about an `advance`. */
  constructor(durableIndex: () => LogIndex, ask: () => void) {
    this.#durableIndex = durableIndex;
    this.#ask = ask;
  }

  /** Somebody waits: news of the disk is wanted at once. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when the own log holds everything up to `index` on disk, or the node stops. */
  async pass(index: LogIndex): Promise<void> {
    if (this.#durableIndex() >= index) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ index, resolve });
      this.#ask();
    });
  }

  /** The durable index may have moved. */
  advance(): void {
    if (this.#waiting.length > 0) this.#release(this.#durableIndex());
  }

  /** The node stops: nobody shall wait any more. */
  stop(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  #release(index: LogIndex): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((waiter) => waiter.index > index);
    for (const waiter of waiting) if (waiter.index <= index) waiter.resolve();
  }
}
