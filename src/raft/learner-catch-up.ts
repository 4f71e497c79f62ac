/** Waits until a new learner holds about as much as its leader. */
import type { NodeId } from '../core/ids.ts';
import { IndeterminateError, MembershipError, TimeoutError } from '../errors.ts';
import type { RaftMetrics } from '../runtime/metrics.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CallBudget } from './call-options.ts';
import { Wait } from './wait.ts';

/**
 * In rounds (thesis §4.2.1): each replicates what the leader holds at its start. The learner has caught up when a round
 * took less than an election timeout: it could be waited for that long if it became a voter now.
 * @throws TimeoutError saying how far it came; it stays a learner and goes on catching up
 */
export async function catchUp(runtime: Runtime, learner: NodeId, budget: CallBudget): Promise<void> {
  const { clock, config } = runtime.parts;
  let roundStartMs = clock.nowMs();
  let targetIndex = runtime.core.state.log.lastIndex;
  const hasCaughtUp = ({ replication, lastLogIndex }: RaftMetrics): boolean => {
    const status = replication?.get(learner);
    // No leader any more, or no member any more: nothing to wait for.
    if (status === undefined) return true;
    if (status.matchIndex < targetIndex) return false;
    const nowMs = clock.nowMs();
    if (nowMs - roundStartMs < config.electionTimeoutMinMs) return true;
    roundStartMs = nowMs;
    targetIndex = lastLogIndex;
    return status.matchIndex >= targetIndex;
  };
  try {
    const metrics = await new Wait(runtime, budget.rest).metrics(hasCaughtUp, `learner ${learner} to catch up`);
    if (metrics.replication?.has(learner) !== true) throw interrupted(runtime, metrics, learner);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw tooSlow(runtime.metrics(), learner, budget.timeoutMs);
  }
}

function tooSlow({ replication, lastLogIndex }: RaftMetrics, learner: NodeId, timeoutMs: number): TimeoutError {
  const status = replication?.get(learner);
  const reach = status?.isReachable === false ? ', and is not reachable' : '';
  const progress = `it holds ${status?.matchIndex ?? 0} of ${lastLogIndex} entries${reach}`;
  const outcome = `${progress}; it is a learner now and goes on catching up: wait for it in the metrics, or remove it`;
  return new TimeoutError(`catching up of node ${learner}`, timeoutMs, outcome);
}

function interrupted(runtime: Runtime, { replication }: RaftMetrics, learner: NodeId): Error {
  if (replication !== null) return new MembershipError(`node ${learner} was removed while it was catching up`);
  const { leaderId, leaderNode } = runtime.leaderHint();
  const reason = `this node lost its leadership while node ${learner}, which is a learner now, was catching up`;
  return new IndeterminateError(reason, { leaderId, leaderNode });
}
