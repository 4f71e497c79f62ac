/** Is what a user, a peer or a disk says about members usable at all? */
import type { NodeId } from '../ids.ts';
import { isNodeId } from '../ids.ts';
import type { MembershipRefusal } from '../refusal.ts';
import type { MembershipChange } from './change.ts';
import type { BasicNode } from './membership.ts';

/** Refuses ids and nodes that can't be right, whatever the current membership is. */
export function checkChange(change: MembershipChange): MembershipRefusal | null {
  switch (change.type) {
    case 'add-voter-ids':
    case 'remove-voters':
    case 'replace-all-voters':
    case 'remove-nodes':
      return checkIds(change.ids);
    case 'add-voters':
    case 'add-nodes':
    case 'set-nodes':
    case 'replace-all-nodes':
      return checkNodes(change.nodes);
    case 'batch':
      return firstRefusal(change.changes.map(checkChange));
  }
}

export function checkIds(ids: Iterable<NodeId>): MembershipRefusal | null {
  for (const nodeId of ids) {
    if (!isNodeId(nodeId)) {
      return { code: 'invalid-node', nodeId, reason: 'the id is not a positive safe integer' };
    }
  }
  return null;
}

export function checkNodes(nodes: ReadonlyMap<NodeId, BasicNode>): MembershipRefusal | null {
  for (const [nodeId, node] of nodes) {
    if (node.addr === '') {
      return { code: 'invalid-node', nodeId, reason: 'the address is empty' };
    }
  }
  return checkIds(nodes.keys());
}

/** Refuses the first id that is no member. */
export function missingMember(ids: readonly NodeId[], nodes: ReadonlyMap<NodeId, BasicNode>): MembershipRefusal | null {
  const nodeId = ids.find((id) => !nodes.has(id));
  return nodeId === undefined ? null : { code: 'learner-not-found', nodeId };
}

function firstRefusal(refusals: readonly (MembershipRefusal | null)[]): MembershipRefusal | null {
  return refusals.find((refusal) => refusal !== null) ?? null;
}
