/** Reads that wait for a heartbeat round: all that arrive while one is under way share the next one (thesis §6.4). */
import type { LogIndex } from '../ids.ts';

/** Reads whose round is under way. */
export interface OpenReads {
  readonly ids: readonly number[];
  readonly round: number;
  readonly readIndex: LogIndex;
  readonly deadlineMs: number;
}

export class ReadQueue {
  #waiting: number[] = [];
  #open: OpenReads | null = null;

  get size(): number {
    return this.#waiting.length + (this.#open?.ids.length ?? 0);
  }

  get open(): OpenReads | null {
    return this.#open;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(id: number): void {
    this.#waiting.push(id);
  }

  /** Binds all waiting reads to a round that starts now. */
  bind(round: number, readIndex: LogIndex, deadlineMs: number): void {
    this.#open = { ids: this.#waiting, round, readIndex, deadlineMs };
    this.#waiting = [];
  }

  /** The round is decided, one way or the other. */
  closeRound(): readonly number[] {
    const ids = this.#open?.ids ?? [];
    this.#open = null;
    return ids;
  }

  /** All reads, e.g. because leadership is lost. */
  drain(): readonly number[] {
    const ids = [...this.closeRound(), ...this.#waiting];
    this.#waiting = [];
    return ids;
  }
}
