/** Requests to change the membership: openraft's `ChangeMembers`, one variant each. */
import type { NodeId } from '../ids.ts';
import type { BasicNode } from './membership.ts';

export type MembershipChange =
  /** Make these learners voters. */
  | { readonly type: 'add-voter-ids'; readonly ids: readonly NodeId[] }
  /** Add these nodes, where they are not members yet, and make them voters. */
  | { readonly type: 'add-voters'; readonly nodes: ReadonlyMap<NodeId, BasicNode> }
  | { readonly type: 'remove-voters'; readonly ids: readonly NodeId[] }
  | { readonly type: 'replace-all-voters'; readonly ids: readonly NodeId[] }
  /** Add learners. The node of an existing member stays as it is. */
  | { readonly type: 'add-nodes'; readonly nodes: ReadonlyMap<NodeId, BasicNode> }
  /** Add learners or overwrite the node (its address) of existing members. */
  | { readonly type: 'set-nodes'; readonly nodes: ReadonlyMap<NodeId, BasicNode> }
  /** Remove learners; fails for a voter. */
  | { readonly type: 'remove-nodes'; readonly ids: readonly NodeId[] }
  | { readonly type: 'replace-all-nodes'; readonly nodes: ReadonlyMap<NodeId, BasicNode> }
  /** Several changes as one: passes through a single joint config. */
  | { readonly type: 'batch'; readonly changes: readonly MembershipChange[] };
