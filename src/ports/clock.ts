/** Time, as the runtime sees it. The real one is in `system`; a simulator brings its own. */

export interface Clock {
  /** Monotonic milliseconds with a fraction; never goes back, unrelated to the wall clock. */
  nowMs(): number;
  /** Wall clock: milliseconds since 1970. May jump. */
  wallMs(): number;
}

export interface TimerHandle {
  /** The callback will not run any more. Harmless when it already ran. */
  cancel(): void;
}

export interface Timers {
  /** Runs `callback` once, `delayMs` or more from now. */
  setTimer(delayMs: number, callback: () => void): TimerHandle;
  /** Runs `callback` in this turn of the event loop, after the waiting I/O has been read; in order of the calls. */
  nextTurn(callback: () => void): void;
}
