/** Linearizable reads without a log entry (thesis §6.4). */
import type { Core } from '../context.ts';
import { logId } from '../ids.ts';
import type { ReadPolicy } from '../input.ts';
import { voterIds } from '../membership/membership.ts';
import { quorumValue } from '../quorum/joint.ts';
import { startRound } from '../read/heartbeat-round.ts';
import { leaseUntilMs } from '../read/lease.ts';
import { notLeader } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';

export function handleRead(core: Core, id: number, policy: ReadPolicy): void {
  const { state, options, out } = core;
  if (state.role.name !== 'leader') {
    out.add({ type: 'read-refused', id, refusal: notLeader(core) });
    return;
  }
  const { leader } = state.role;
  if (policy === 'lease') {
    readByLease(core, leader, id);
  } else if (leader.reads.size >= options.maxPendingReads) {
    out.add({ type: 'read-refused', id, refusal: { code: 'too-many-reads', limit: options.maxPendingReads } });
  } else leader.reads.add(id);
}

function readByLease(core: Core, leader: Leader, id: number): void {
  if (!core.options.leaseReads) {
    core.out.add({ type: 'read-refused', id, refusal: { code: 'lease-reads-disabled' } });
    return;
  }
  const untilMs = leaseUntilMs(core, leader);
  if (core.time.nowMs >= untilMs) core.out.add({ type: 'read-refused', id, refusal: { code: 'lease-expired' } });
  else grant(core, [id], core.state.commitIndex, untilMs);
}

/**
 * Grants what a quorum confirmed, and starts the next round for what waits. One round is under way at a time: reads
 * that arrive meanwhile share the next one.
 */
export function advanceReads(core: Core, leader: Leader): void {
  const { reads } = leader;
  if (reads.open !== null && confirmedRound(core, leader) >= reads.open.round) {
    const { readIndex } = reads.open;
    grant(core, reads.closeRound(), readIndex, null);
  }
  if (reads.open !== null || !reads.hasWaiting) return;
  const round = startRound(core, leader);
  reads.bind(round, readIndexOf(core, leader), core.time.nowMs + core.options.heartbeatIntervalMs);
  if (confirmedRound(core, leader) >= round) advanceReads(core, leader);
}

/** Gives up on a round that a quorum did not answer within a heartbeat interval. */
export function expireReads(core: Core, leader: Leader): void {
  const { open } = leader.reads;
  if (open === null || core.time.nowMs < open.deadlineMs) return;
  const { membership } = core.state.membership.effective;
  const voters = voterIds(membership);
  const hasConfirmed = (id: number): boolean =>
    id === core.state.nodeId || (leader.progress.get(id)?.ackedRound ?? 0) >= open.round;
  const confirmed = voters.filter(hasConfirmed);
  for (const id of leader.reads.closeRound()) {
    core.out.add({ type: 'read-refused', id, refusal: { code: 'quorum-not-enough', voters, confirmed } });
  }
}

/** A new leader can't know yet what its predecessors committed: its own blank entry is the least it must have applied. */
function readIndexOf(core: Core, leader: Leader): number {
  return Math.max(core.state.commitIndex, leader.blankIndex);
}

function confirmedRound(core: Core, leader: Leader): number {
  const { nodeId, membership } = core.state;
  const { configs } = membership.effective.membership;
  return quorumValue(configs, (id) =>
    id === nodeId ? leader.rounds.current : (leader.progress.get(id)?.ackedRound ?? 0),
  );
}

function grant(core: Core, ids: readonly number[], readIndex: number, leaseUntil: number | null): void {
  const readLogId = logId(core.state.log.termAt(readIndex) ?? 0, readIndex);
  for (const id of ids) core.out.add({ type: 'read-granted', id, readLogId, leaseUntilMs: leaseUntil });
}
