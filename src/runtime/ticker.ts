/** One timer for all deadlines of the core. */
import type { Clock, TimerHandle, Timers } from '../ports/clock.ts';

/**
 * After a stall of the event loop, timers fire before sockets are read: a follower would campaign although the
 * leader's heartbeats wait in its sockets. So a due deadline is acted on only after one more look at the I/O.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onDue: () => void;
  #timer: TimerHandle | null = null;
  #armedMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(clock: Clock, timers: Timers, onDue: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onDue = onDue;
  }

  /** A timer that is armed for an earlier time stays: it fires, finds nothing due, and is armed anew. */
  arm(deadlineMs: number): void {
    if (this.#isStopped || deadlineMs >= this.#armedMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#timers.setTimer(deadlineMs - this.#clock.nowMs(), () => this.#fire());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #fire(): void {
    this.#timer = null;
    this.#armedMs = Number.POSITIVE_INFINITY;
    this.#timers.nextTurn(() => {
      if (!this.#isStopped) this.#onDue();
    });
  }
}
