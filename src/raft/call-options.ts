/** How long a call may take, and who may end it early. */

import type { Clock } from '../ports/clock.ts';
import type { CallOptions as PendingOptions } from '../runtime/pending-calls.ts';

/** Options of every call that waits for something. */
export interface CallOptions {
  /** Ends the wait; the call rejects with the signal's reason, or with `INDETERMINATE` once something was appended. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now. Default: `proposeTimeoutMs` of the configuration. */
  readonly timeoutMs?: number | undefined;
}

export const NO_OPTIONS: CallOptions = Object.freeze({});

/**
 * Fills in the default.
 * @throws RangeError for a time that is not positive and finite
 */
export function pendingOptions({ signal, timeoutMs }: CallOptions, defaultMs: number): PendingOptions {
  if (timeoutMs === undefined) return { signal, timeoutMs: defaultMs };
  if (!(timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    throw new RangeError(`timeoutMs must be a positive number of milliseconds, not ${timeoutMs}`);
  }
  return { signal, timeoutMs };
}

/** One deadline for a call that takes several steps. */
export class CallBudget {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly #clock: Clock;

  /** @throws the signal's reason when it is aborted already; RangeError for a bad time */
  constructor(clock: Clock, options: CallOptions, defaultMs: number) {
    const { signal, timeoutMs } = pendingOptions(options, defaultMs);
    signal?.throwIfAborted();
    this.#clock = clock;
    this.signal = signal;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = clock.nowMs() + timeoutMs;
  }

  /** Milliseconds that are left; 0 when the time is over. */
  get leftMs(): number {
    return Math.max(0, this.deadlineMs - this.#clock.nowMs());
  }

  /** Options for the next step; in whole milliseconds, since messages name them. */
  get rest(): PendingOptions {
    return { signal: this.signal, timeoutMs: Math.max(1, Math.ceil(this.leftMs)) };
  }
}
