/** Waiting that ends when a signal says so. */
import type { Timers } from '../../ports/clock.ts';

/** Settles as `work` does, or rejects with the signal's reason. `work` itself goes on. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const release = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(release);
    if (signal.aborted) {
      onAbort();
    }
  });
}

/** Resolves after `delayMs`, or rejects with the signal's reason. */
export async function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  let cancel = (): void => undefined;
  const elapsed = new Promise<void>((resolve) => {
    const timer = timers.setTimer(delayMs, resolve);
    cancel = () => timer.cancel();
  });
  try {
    await abortable(elapsed, signal);
  } finally {
    cancel();
  }
}
