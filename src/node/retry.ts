/** Tries again, within the caller's deadline, what certainly had no effect. */
import type { NodeId } from '../core/ids.ts';
import type { CallBudget } from '../raft/call-options.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface RetryOptions {
  readonly runtime: Runtime;
  readonly budget: CallBudget;
  /** Is the failure one that may pass, of an attempt without effect? */
  readonly mayRetry: (error: unknown) => boolean;
}

/**
 * Calls `attempt` until it succeeds, fails for good, or the time is over; then the last failure is thrown. Between two
 * attempts lies a heartbeat interval, or less when the leader changed meanwhile.
 */
export async function retry<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { runtime, mayRetry } = options;
  const { clock } = runtime.parts;
  for (;;) {
    runtime.assertRunning();
    const startedMs = clock.nowMs();
    const askedLeader = runtime.leaderHint().leaderId;
    try {
      return await attempt();
    } catch (error) {
      if (!mayRetry(error) || !(await pause(options, startedMs, askedLeader))) throw error;
    }
  }
}

/** Resolves with `false` when there is no time for another attempt. */
async function pause(
  { runtime, budget }: RetryOptions,
  startedMs: number,
  askedLeader: NodeId | null,
): Promise<boolean> {
  const { clock, config } = runtime.parts;
  const { leftMs } = budget;
  const pauseMs = Math.max(0, startedMs + config.heartbeatIntervalMs - clock.nowMs());
  const isNews = await newsOfLeader(runtime, { signal: budget.signal, ms: Math.min(pauseMs, leftMs), askedLeader });
  return isNews || pauseMs < leftMs;
}

interface News {
  readonly signal: AbortSignal | undefined;
  readonly ms: number;
  readonly askedLeader: NodeId | null;
}

/**
 * Waits for a leader other than the one that was asked, at most for so long. Resolves with whether there is one.
 * @throws the signal's reason; FatalError or StoppedError when the node stops
 */
function newsOfLeader(runtime: Runtime, { signal, ms, askedLeader }: News): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      stopLooking();
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const look = (): void => {
      const { leaderId } = runtime.leaderHint();
      if (runtime.stopped !== null) settle(() => reject(runtime.stopped));
      else if (leaderId !== null && leaderId !== askedLeader) settle(() => resolve(true));
    };
    const stopLooking = runtime.onTurn(look);
    const timer = runtime.parts.timers.setTimer(ms, () => settle(() => resolve(false)));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else look();
  });
}
