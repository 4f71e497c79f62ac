/** One signal for "the caller gave up" and "the time is over", for ports that take nothing else. */
import type { Timers } from '../ports/clock.ts';
import type { CallOptions } from './pending-calls.ts';

export interface DeadlineSignal {
  readonly signal: AbortSignal;
  /** Lets go of timer and caller. Must be called. */
  readonly release: () => void;
}

export function deadlineSignal(timers: Timers, { signal, timeoutMs }: CallOptions): DeadlineSignal {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  const timer = timers.setTimer(timeoutMs, () => controller.abort(new Error(`no answer within ${timeoutMs} ms`)));
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    release: () => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
