/** Time that passes when the test says so. */
import type { Clock, TimerHandle, Timers } from '../../../src/ports/clock.ts';

interface ManualTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export class ManualTime implements Clock, Timers {
  readonly #timers = new Set<ManualTimer>();
  #waiting: (() => void)[] = [];
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      resolve();
    }
    return { cancel: () => this.#timers.delete(timer) };
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback);
  }

  /** Resolves when somebody waits for a time. */
  async timerSet(): Promise<void> {
    if (this.#timers.size === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Runs everything that is due within this time, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#nextDue(endMs); next !== null; next = this.#nextDue(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = endMs;
  }

  #nextDue(endMs: number): ManualTimer | null {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
    return due[0] ?? null;
  }
}
