/** Keeps the leader's view of its peers in step with the effective membership. */
import type { Core } from '../context.ts';
import { Progress } from '../progress/progress.ts';
import type { Leader } from './leader.ts';

/**
 * New members get a fresh stream. Who left keeps its stream up to the entry that removed it, so that it learns of its
 * removal and does not campaign; at most for an election timeout.
 */
export function syncProgress(core: Core, leader: Leader): void {
  const { state, options, time } = core;
  const { effective } = state.membership;
  for (const id of effective.membership.nodes.keys()) {
    if (id === state.nodeId) continue;
    const known = leader.progress.get(id);
    if (known !== undefined && known.removedAt === null) continue;
    leader.progress.set(
      id,
      new Progress({
        peer: id,
        session: leader.nextSession,
        nextIndex: state.log.lastIndex + 1,
        nowMs: time.nowMs,
        limits: options,
      }),
    );
    leader.nextSession += 1;
  }
  for (const [id, progress] of leader.progress) {
    if (effective.membership.nodes.has(id) || progress.removedAt !== null) continue;
    const deadlineMs = time.nowMs + options.electionTimeoutMaxMs;
    progress.removedAt = { index: effective.logId.index, deadlineMs };
  }
}

/** Forgets removed peers that know of their removal, or had their time. */
export function dropRemoved(core: Core, leader: Leader): void {
  for (const [id, { removedAt, sentCommitIndex }] of leader.progress) {
    if (removedAt === null) continue;
    if (sentCommitIndex >= removedAt.index || core.time.nowMs >= removedAt.deadlineMs) leader.progress.delete(id);
  }
}
