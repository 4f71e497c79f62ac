/** Tries again, within the caller's deadline, what certainly had no effect. */
import type { NodeId } from '../core/ids.ts';
import type { CallBudget } from '../raft/call-options.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface RetryOptions {
  readonly runtime: Runtime;
  readonly budget: CallBudget;
  /** Is the failure one that may pass, of an attempt without effect? */
  readonly mayRetry: (error: unknown) => boolean;
  /** Is it worth trying again already? Asked after every change. Default: another leader is known. */
  readonly hasNews?: () => boolean;
}

/**
 * Calls `attempt` until it succeeds, fails for good, or the time is over; then the last failure is thrown. Between two
 * attempts lies a heartbeat interval, or less when there is news.
 */
export async function retry<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { runtime, budget, mayRetry } = options;
  const { clock, config } = runtime.parts;
  for (;;) {
    runtime.assertRunning();
    const startedMs = clock.nowMs();
    const askedLeader = runtime.leaderHint().leaderId;
    try {
      return await attempt();
    } catch (error) {
      if (!mayRetry(error)) throw error;
      const { leftMs } = budget;
      const pauseMs = Math.max(0, startedMs + config.heartbeatIntervalMs - clock.nowMs());
      const hasNews = options.hasNews ?? (() => isOtherLeader(runtime, askedLeader));
      const isNews = await news(runtime, { signal: budget.signal, ms: Math.min(pauseMs, leftMs), hasNews });
      if (!isNews && pauseMs >= leftMs) throw error;
    }
  }
}

function isOtherLeader(runtime: Runtime, askedLeader: NodeId | null): boolean {
  const { leaderId } = runtime.leaderHint();
  return leaderId !== null && leaderId !== askedLeader;
}

interface Pause {
  readonly signal: AbortSignal | undefined;
  readonly ms: number;
  readonly hasNews: () => boolean;
}

/**
 * Waits for news, at most for so long. Resolves with whether there are any.
 * @throws the signal's reason; FatalError or StoppedError when the node stops
 */
function news(runtime: Runtime, { signal, ms, hasNews }: Pause): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      stopLooking();
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const look = (): void => {
      if (runtime.stopped !== null) settle(() => reject(runtime.stopped));
      else if (hasNews()) settle(() => resolve(true));
    };
    const stopLooking = runtime.onTurn(look);
    const timer = runtime.parts.timers.setTimer(ms, () => settle(() => resolve(false)));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else look();
  });
}
