/** Handing leadership to another voter (thesis §3.10). */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import { isVoter, voterIds } from '../membership/membership.ts';
import type { TimeoutNow } from '../message.ts';
import type { TransferRefusal } from '../refusal.ts';
import { campaign } from '../role/candidate.ts';
import { becomeFollower, notLeader, settleTransfer } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';

/** Stops taking proposals, brings the target up to date, and tells it to campaign; gives up after an election timeout. */
export function handleTransfer(core: Core, id: number, to: NodeId | null): void {
  const refusal = tryTransfer(core, id, to);
  if (refusal !== null) core.out.add({ type: 'transfer-refused', id, refusal });
}

function tryTransfer(core: Core, id: number, wanted: NodeId | null): TransferRefusal | null {
  const { state } = core;
  if (state.role.name !== 'leader') return notLeader(core);
  if (state.transfer !== null) return { code: 'transfer-in-progress', to: state.transfer.to };
  if (wanted === state.nodeId) {
    core.out.add({ type: 'transfer-done', id });
    return null;
  }
  const to = wanted ?? bestSuccessor(core, state.role.leader);
  if (to === null) return { code: 'no-target' };
  if (!isVoter(state.membership.effective.membership, to)) return { code: 'not-a-voter', to };
  state.transfer = { id, to, deadlineMs: core.time.nowMs + core.options.electionTimeoutMaxMs, timeoutNowSent: false };
  return null;
}

/** A leader whose removal is committed passes the lead on before it steps down. */
export function handOver(core: Core, leader: Leader): void {
  const { state, time, options } = core;
  if (state.transfer?.id !== null && state.transfer !== null) return;
  const to = bestSuccessor(core, leader);
  if (to === null) {
    becomeFollower(core, state.hardState.term, null);
    return;
  }
  state.transfer = { id: null, to, deadlineMs: time.nowMs + options.electionTimeoutMaxMs, timeoutNowSent: false };
}

/** The voter that holds most of the log; of equals the one heard last. */
function bestSuccessor(core: Core, leader: Leader): NodeId | null {
  const { nodeId, membership } = core.state;
  let best: NodeId | null = null;
  let bestMatch = -1;
  let bestContactMs = 0;
  for (const id of voterIds(membership.effective.membership)) {
    const progress = leader.progress.get(id);
    if (id === nodeId || progress === undefined) continue;
    const isBetter =
      progress.matchIndex > bestMatch || (progress.matchIndex === bestMatch && progress.contactMs > bestContactMs);
    if (isBetter) [best, bestMatch, bestContactMs] = [id, progress.matchIndex, progress.contactMs];
  }
  return best;
}

/** Sends the take-over request once the target holds the whole log. */
export function advanceTransfer(core: Core, leader: Leader): void {
  const { state, out } = core;
  const { transfer } = state;
  if (transfer === null || transfer.timeoutNowSent) return;
  if (leader.progress.get(transfer.to)?.matchIndex !== state.log.lastIndex) return;
  const isRemoved = !isVoter(state.membership.effective.membership, state.nodeId);
  if (isRemoved && state.commitIndex < state.log.lastIndex) return;
  transfer.timeoutNowSent = true;
  leader.isLeaseForfeit = true;
  out.send(transfer.to, { type: 'timeout-now', term: leader.term });
  if (isRemoved) becomeFollower(core, state.hardState.term, null);
}

/** Messages to the target are lost: a transfer that was asked for is not worth waiting for. */
export function abandonTransfer(core: Core, peer: NodeId): void {
  const { transfer } = core.state;
  if (transfer !== null && transfer.id !== null && transfer.to === peer) settleTransfer(core, null);
}

/** The target did not take over in time: lead on, or step down all the same when this node is not a voter any more. */
export function expireTransfer(core: Core): void {
  const { state, time } = core;
  if (state.transfer === null || time.nowMs < state.transfer.deadlineMs) return;
  settleTransfer(core, null);
  const { membership, logId } = state.membership.effective;
  const isRemoved = logId.index <= state.commitIndex && !isVoter(membership, state.nodeId);
  if (isRemoved && state.role.name === 'leader') becomeFollower(core, state.hardState.term, null);
}

/** This node shall take over: it campaigns at once, without a pre-vote. */
export function handleTimeoutNow(core: Core, from: NodeId, _message: TimeoutNow): void {
  const { role, leaderId } = core.state;
  if (role.name === 'leader' || (leaderId !== null && leaderId !== from)) return;
  campaign(core, { transfer: true });
}
