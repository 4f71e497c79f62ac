/** Membership changes by joint consensus (§6): one at a time, the second step by itself. */
import type { Core } from '../context.ts';
import { membershipEntry } from '../entry.ts';
import type { NodeId } from '../ids.ts';
import { logId, NO_LOG_ID } from '../ids.ts';
import type { Input } from '../input.ts';
import { appendToLog } from '../log/append.ts';
import type { BasicNode, Membership } from '../membership/membership.ts';
import { isJoint, isVoter } from '../membership/membership.ts';
import { checkMembership, leaveJoint, planChange } from '../membership/plan.ts';
import type { MembershipRefusal } from '../refusal.ts';
import { nextTimeMs } from '../role/become-leader.ts';
import { notLeader } from '../role/follower.ts';
import type { Leader, QueuedChange } from '../role/leader.ts';
import { syncProgress } from '../role/sync-progress.ts';
import { handOver } from './transfer.ts';

const MAX_QUEUED_CHANGES = 16;

export function handleChangeMembership(core: Core, input: QueuedChange): void {
  const { role } = core.state;
  const refusal = role.name === 'leader' ? tryChange(core, role.leader, input) : notLeader(core);
  if (refusal !== null) core.out.add({ type: 'membership-refused', id: input.id, refusal });
}

function tryChange(core: Core, leader: Leader, { id, change, retain }: QueuedChange): MembershipRefusal | null {
  const { membership, commitIndex, transfer } = core.state;
  if (transfer !== null) return { code: 'transfer-in-progress', to: transfer.to };
  const inProgress = {
    code: 'change-in-progress',
    committed: membership.committed.logId,
    pending: membership.effective.logId,
  } as const;
  if (membership.effective !== membership.committed) return inProgress;
  // Before its own first commit a leader can't know whether an earlier change is decided.
  if (commitIndex < leader.blankIndex) {
    if (leader.queuedChanges.length >= MAX_QUEUED_CHANGES) return inProgress;
    leader.queuedChanges.push({ id, change, retain });
    return null;
  }
  if (leader.change !== null) return inProgress;
  const plan = planChange(membership.effective.membership, change, retain);
  if (!plan.ok) return plan.refusal;
  appendMembership(core, leader, plan.membership);
  leader.change = { id };
  return null;
}

function appendMembership(core: Core, leader: Leader, membership: Membership): void {
  const id = logId(leader.term, core.state.log.lastIndex + 1);
  appendToLog(core, membershipEntry(id, nextTimeMs(core), membership));
  syncProgress(core, leader);
  // A change of the voters changes what counts as a quorum, perhaps to one that is there already.
  leader.isCommitDirty = true;
}

/** After the commit index moved: leave a joint config, answer a finished change, start what waited. */
export function advanceChange(core: Core, leader: Leader): void {
  const { membership, commitIndex } = core.state;
  const { effective } = membership;
  if (commitIndex < leader.blankIndex || effective.logId.index > commitIndex) return;
  if (isJoint(effective.membership)) {
    appendMembership(core, leader, leaveJoint(effective.membership));
    return;
  }
  if (leader.change !== null) {
    const { id } = leader.change;
    leader.change = null;
    if (id !== null) core.out.add({ type: 'membership-changed', id, result: effective });
    if (!isVoter(effective.membership, core.state.nodeId)) handOver(core, leader);
  }
  for (const queued of leader.queuedChanges.splice(0)) handleChangeMembership(core, queued);
}

/** Forms a cluster: the given nodes are its first voters. Only for a node that never took part in anything. */
export function handleInitialize(core: Core, { id, nodes }: Extract<Input, { type: 'initialize' }>): void {
  const refusal = refuseInitialize(core, nodes);
  if (refusal !== null) {
    core.out.add({ type: 'membership-refused', id, refusal });
    return;
  }
  const membership = firstMembership(nodes);
  // Without a time of its own, so that nodes which are all initialised alike hold the same entry 0:1 (§5.3).
  appendToLog(core, membershipEntry(logId(0, 1), 0, membership));
  // The election waits for this entry: a crash between a term and the first entry would leave a node that belongs to
  // nothing, but took part in something, and could never be initialised again.
  core.state.initializing = { id, seq: core.out.writeSeq() };
}

function refuseInitialize(core: Core, nodes: ReadonlyMap<NodeId, BasicNode>): MembershipRefusal | null {
  const { nodeId, hardState, log } = core.state;
  const lastLogId = log.lastLogId();
  const isPristine = hardState.term === 0 && hardState.votedFor === null && lastLogId.index === NO_LOG_ID.index;
  if (!isPristine) return { code: 'already-initialized', lastLogId, hardState };
  const membership = firstMembership(nodes);
  if (!nodes.has(nodeId)) return { code: 'not-in-members', nodeId, membership };
  return checkMembership(membership);
}

function firstMembership(nodes: ReadonlyMap<NodeId, BasicNode>): Membership {
  const ids = [...nodes.keys()].sort((a, b) => a - b);
  return { configs: [ids], nodes: new Map(nodes), retainRemoved: false };
}
