/** Following: what every node falls back to, and what keeps a node from campaigning. */
import type { Core } from '../context.ts';
import type { HardState } from '../hard-state.ts';
import type { LogId, NodeId, Term } from '../ids.ts';
import { compareLogIds } from '../ids.ts';
import type { NotLeader } from '../refusal.ts';
import { commitAcknowledged } from './commit.ts';
import { isOwnVoter, resetElectionTimer, setRole } from './own-role.ts';

export function saveHardState(core: Core, hardState: HardState): void {
  core.state.hardState = hardState;
  core.out.saveHardState(hardState);
}

/** Adopts the term, gives up any other role, and starts a new election timeout. */
export function becomeFollower(core: Core, term: Term, leaderId: NodeId | null): void {
  const { state } = core;
  if (state.role.name === 'leader') leaveLeadership(core, leaderId);
  if (term > state.hardState.term) {
    saveHardState(core, { term, votedFor: null });
    state.verifiedIndex = state.commitIndex;
  }
  state.ownVoteSeq = null;
  resetElectionTimer(core);
  setRole(core, isOwnVoter(core) ? { name: 'follower' } : { name: 'learner' }, leaderId);
}

/** A message of this term's leader arrived: follow it, and refuse votes for a while (thesis §4.2.3). */
export function followLeader(core: Core, leaderId: NodeId): void {
  const { state } = core;
  const name = state.role.name;
  if (name !== 'follower' && name !== 'learner') becomeFollower(core, state.hardState.term, leaderId);
  else if (state.leaderId !== leaderId) setRole(core, state.role, leaderId);
  state.leaderContactMs = core.time.nowMs;
  state.electionResetMs = core.time.nowMs;
  settleTransfer(core, leaderId);
}

/** What the leader still owes to callers is answered; what only the runtime knows follows from `role-changed`. */
function leaveLeadership(core: Core, leaderId: NodeId | null): void {
  const { state, out } = core;
  if (state.role.name !== 'leader') return;
  const { leader } = state.role;
  commitAcknowledged(core, leader);
  for (const id of leader.reads.drain()) out.add({ type: 'read-refused', id, refusal: notLeader(core, leaderId) });
  for (const { id } of leader.queuedChanges.splice(0)) {
    out.add({ type: 'membership-refused', id, refusal: notLeader(core, leaderId) });
  }
  if (state.transfer !== null && !state.transfer.timeoutNowSent) settleTransfer(core, leaderId);
}

/** A transfer is over once there is another leader: it was handed to the target or not. */
export function settleTransfer(core: Core, leaderId: NodeId | null): void {
  const { transfer } = core.state;
  if (transfer === null) return;
  core.state.transfer = null;
  if (transfer.id === null) return;
  if (transfer.to === leaderId) core.out.add({ type: 'transfer-done', id: transfer.id });
  else {
    const refusal = { code: 'transfer-timed-out', to: transfer.to } as const;
    core.out.add({ type: 'transfer-refused', id: transfer.id, refusal });
  }
}

/** Where to go instead. A leader that is no member any more is not pointed to. */
export function notLeader(core: Core, leaderId: NodeId | null = core.state.leaderId): NotLeader {
  const node = leaderId === null ? undefined : core.state.membership.effective.membership.nodes.get(leaderId);
  if (node === undefined) return { code: 'not-leader', leaderId: null, leaderNode: null };
  return { code: 'not-leader', leaderId, leaderNode: node };
}

/** Within this time after a live leader was heard no vote is granted. */
export function isLeaderLive(core: Core): boolean {
  return core.time.nowMs < leaderLiveUntilMs(core);
}

export function leaderLiveUntilMs({ state, options }: Core): number {
  return state.leaderContactMs + options.electionTimeoutMinMs;
}

/** Is the candidate's log at least as up to date as the own one (§5.4.1)? */
export function isUpToDate(core: Core, lastLogId: LogId): boolean {
  return compareLogIds(lastLogId, core.state.log.lastLogId()) >= 0;
}
