/** Deadlines of many calls with one timer. */
import type { Clock, TimerHandle, Timers } from '../ports/clock.ts';

/**
 * Calls come and go by the thousand, but few ever time out: the timer is armed for the earliest deadline that was ever
 * noted, and only when it fires are the calls that still wait looked at.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #sweep: (nowMs: number) => number;
  #armedMs = Number.POSITIVE_INFINITY;
  #timer: TimerHandle | null = null;

  /** `sweep` expires what is due and returns the earliest deadline that remains, `Infinity` for none. */
  constructor(clock: Clock, timers: Timers, sweep: (nowMs: number) => number) {
    this.#clock = clock;
    this.#timers = timers;
    this.#sweep = sweep;
  }

  note(deadlineMs: number): void {
    if (deadlineMs >= this.#armedMs) return;
    this.#timer?.cancel();
    this.#armedMs = deadlineMs;
    this.#timer = this.#timers.setTimer(deadlineMs - this.#clock.nowMs(), () => this.#fire());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedMs = Number.NEGATIVE_INFINITY;
  }

  #fire(): void {
    if (this.#armedMs === Number.NEGATIVE_INFINITY) return;
    this.#armedMs = Number.POSITIVE_INFINITY;
    this.#timer = null;
    const next = this.#sweep(this.#clock.nowMs());
    if (next !== Number.POSITIVE_INFINITY) this.note(next);
  }
}
