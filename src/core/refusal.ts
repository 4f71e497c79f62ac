/** Why the core declined a request. The runtime turns these into typed errors. */

import type { HardState } from './hard-state.ts';
import type { LogId, NodeId } from './ids.ts';
import type { BasicNode, Membership } from './membership/membership.ts';

/** Ask this node instead; both are `null` while the leader is unknown or no longer a member. */
export interface NotLeader {
  readonly code: 'not-leader';
  readonly leaderId: NodeId | null;
  readonly leaderNode: BasicNode | null;
}

export interface TransferInProgress {
  readonly code: 'transfer-in-progress';
  readonly to: NodeId;
}

export type ProposalRefusal =
  | NotLeader
  | TransferInProgress
  | { readonly code: 'too-many-uncommitted-bytes'; readonly limitBytes: number; readonly uncommittedBytes: number };

export type ReadRefusal =
  | NotLeader
  /** Too few voters confirmed the leadership in time. `confirmed` includes the leader itself. */
  | { readonly code: 'quorum-not-enough'; readonly voters: readonly NodeId[]; readonly confirmed: readonly NodeId[] }
  | { readonly code: 'lease-expired' }
  | { readonly code: 'lease-reads-disabled' }
  | { readonly code: 'too-many-reads'; readonly limit: number };

export type MembershipRefusal =
  | NotLeader
  | TransferInProgress
  | { readonly code: 'change-in-progress'; readonly committed: LogId; readonly pending: LogId }
  | { readonly code: 'empty-membership' }
  | { readonly code: 'learner-not-found'; readonly nodeId: NodeId }
  | { readonly code: 'invalid-node'; readonly nodeId: NodeId; readonly reason: string }
  | { readonly code: 'already-initialized'; readonly lastLogId: LogId; readonly hardState: HardState }
  | { readonly code: 'not-in-members'; readonly nodeId: NodeId; readonly membership: Membership };

export type TransferRefusal =
  | NotLeader
  | TransferInProgress
  | { readonly code: 'not-a-voter'; readonly to: NodeId }
  | { readonly code: 'no-target' }
  | { readonly code: 'transfer-timed-out'; readonly to: NodeId };
