/** Where a membership change leads, before it is known through which configs: every variant moves the goal. */
import type { NodeId } from '../ids.ts';
import type { MembershipRefusal } from '../refusal.ts';
import type { MembershipChange } from './change.ts';
import { missingMember } from './check.ts';
import type { BasicNode, Membership } from './membership.ts';
import { isVoter, voterIds } from './membership.ts';

/** Built up by `applyChange`, one change after the other. */
export interface Goal {
  voters: readonly NodeId[];
  changesVoters: boolean;
  readonly nodes: Map<NodeId, BasicNode>;
  /** Members that go with their vote: their node is needed as long as they are in a config. */
  readonly removed: Set<NodeId>;
}

export interface ChangeContext {
  readonly current: Membership;
  readonly goal: Goal;
  readonly retain: boolean;
}

/** Nothing changed yet: the newest voter set and all members. */
export function goalOf(current: Membership): Goal {
  return {
    voters: current.configs.at(-1) ?? [],
    changesVoters: false,
    nodes: new Map(current.nodes),
    removed: new Set(),
  };
}

/** Moves the goal. What it refuses depends on the goal so far: the changes of a batch apply in order. */
export function applyChange(context: ChangeContext, change: MembershipChange): MembershipRefusal | null {
  const { voters } = context.goal;
  switch (change.type) {
    case 'add-voter-ids':
      return setVoters(context, [...voters, ...change.ids]);
    case 'add-voters':
      addNodes(context.goal, change.nodes);
      return setVoters(context, [...voters, ...change.nodes.keys()]);
    case 'remove-voters':
      return setVoters(
        context,
        voters.filter((id) => !change.ids.includes(id)),
      );
    case 'replace-all-voters':
      return setVoters(context, change.ids);
    case 'add-nodes':
      addNodes(context.goal, change.nodes);
      return null;
    case 'set-nodes':
      setNodes(context.goal, change.nodes);
      return null;
    case 'remove-nodes':
      return removeNodes(context, change.ids);
    case 'replace-all-nodes':
      return replaceNodes(context, change.nodes);
    case 'batch':
      return applyBatch(context, change.changes);
  }
}

function applyBatch(context: ChangeContext, changes: readonly MembershipChange[]): MembershipRefusal | null {
  for (const change of changes) {
    const refusal = applyChange(context, change);
    if (refusal !== null) {
      return refusal;
    }
  }
  return null;
}

function setVoters({ current, goal, retain }: ChangeContext, ids: readonly NodeId[]): MembershipRefusal | null {
  const before = goal.changesVoters ? goal.voters : voterIds(current);
  goal.voters = sortedIds(ids);
  goal.changesVoters = true;
  for (const id of before) {
    // Only those that were voters before the whole change: a learner that it promotes and demotes is one again.
    if (!retain && isVoter(current, id) && !goal.voters.includes(id)) {
      goal.removed.add(id);
    }
  }
  for (const id of goal.voters) {
    goal.removed.delete(id);
  }
  return missingMember(goal.voters, goal.nodes);
}

function addNodes(goal: Goal, nodes: ReadonlyMap<NodeId, BasicNode>): void {
  for (const [id, node] of nodes) {
    goal.removed.delete(id);
    if (!goal.nodes.has(id)) {
      goal.nodes.set(id, copyOf(node));
    }
  }
}

function setNodes(goal: Goal, nodes: ReadonlyMap<NodeId, BasicNode>): void {
  for (const [id, node] of nodes) {
    goal.removed.delete(id);
    goal.nodes.set(id, copyOf(node));
  }
}

function removeNodes(context: ChangeContext, ids: readonly NodeId[]): MembershipRefusal | null {
  const { goal } = context;
  for (const id of ids) {
    if (!goal.nodes.has(id) || holdsVote(context, id)) {
      return { code: 'learner-not-found', nodeId: id };
    }
  }
  for (const id of ids) {
    removeNode(context, id);
  }
  return null;
}

function replaceNodes(context: ChangeContext, nodes: ReadonlyMap<NodeId, BasicNode>): MembershipRefusal | null {
  const { goal } = context;
  for (const id of sortedIds([...goal.nodes.keys()])) {
    if (nodes.has(id)) {
      continue;
    }
    if (holdsVote(context, id)) {
      return { code: 'learner-not-found', nodeId: id };
    }
    removeNode(context, id);
  }
  setNodes(goal, nodes);
  return null;
}

/** Must the node stay, because the change does not end its vote? */
function holdsVote({ current, goal }: ChangeContext, id: NodeId): boolean {
  return goal.voters.includes(id) || (!goal.changesVoters && isVoter(current, id));
}

function removeNode({ current, goal }: ChangeContext, id: NodeId): void {
  if (isVoter(current, id)) {
    goal.removed.add(id);
  } else {
    goal.nodes.delete(id);
  }
}

function copyOf({ addr, instanceId, metadata }: BasicNode): BasicNode {
  return Object.freeze({ addr, instanceId, metadata });
}

/** Ascending, each once. */
export function sortedIds(ids: readonly NodeId[]): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
