/** What the core refused, as the typed error that the caller sees. */
import type { NodeId } from '../core/ids.ts';
import { assertNever } from '../core/invariants.ts';
import type { BasicNode } from '../core/membership/membership.ts';
import type { MembershipRefusal, ProposalRefusal, ReadRefusal, TransferRefusal } from '../core/refusal.ts';
import type { ConsensusError } from '../errors.ts';
import {
  AlreadyInitializedError,
  BusyError,
  ChangeInProgressError,
  LeaseExpiredError,
  MembershipError,
  NotLeaderError,
  QuorumNotEnoughError,
  TransferError,
} from '../errors.ts';

/** Who is asked instead. */
export interface LeaderHint {
  readonly nodeId: NodeId;
  readonly leaderId: NodeId | null;
  readonly leaderNode: BasicNode | null;
}

type Refusal = ProposalRefusal | ReadRefusal | MembershipRefusal | TransferRefusal;

export function refusalError(refusal: Refusal, nodeId: NodeId): ConsensusError {
  switch (refusal.code) {
    case 'not-leader':
      return new NotLeaderError(nodeId, refusal.leaderId, refusal.leaderNode);
    case 'transfer-in-progress':
      return new BusyError('transfer', `leadership is being transferred to node ${refusal.to}; retry in a moment`);
    case 'too-many-uncommitted-bytes':
      return new BusyError(
        'maxUncommittedBytes',
        `${refusal.uncommittedBytes} bytes wait to be committed, the limit is ${refusal.limitBytes}; retry later, and check that a quorum is up`,
      );
    case 'too-many-reads':
      return new BusyError('maxPendingReads', `${refusal.limit} reads wait already; retry later`);
    case 'quorum-not-enough':
      return new QuorumNotEnoughError(refusal.voters, refusal.confirmed);
    case 'lease-expired':
      return new LeaseExpiredError(
        'the read lease expired; read with consistency "linearizable", or retry after a heartbeat',
      );
    case 'lease-reads-disabled':
      return new LeaseExpiredError(
        'lease reads are off; set leaseReads: true, or read with consistency "linearizable"',
      );
    default:
      return changeError(refusal, nodeId);
  }
}

type ChangeRefusal = Exclude<MembershipRefusal | TransferRefusal, { code: 'not-leader' | 'transfer-in-progress' }>;

function changeError(refusal: ChangeRefusal, nodeId: NodeId): ConsensusError {
  switch (refusal.code) {
    case 'change-in-progress':
      return new ChangeInProgressError(refusal.committed, refusal.pending);
    case 'already-initialized':
      return new AlreadyInitializedError(nodeId, refusal.lastLogId, refusal.hardState.term);
    case 'empty-membership':
      return new MembershipError(
        'empty membership: the last voter cannot be removed; add another voter first',
        refusal,
      );
    case 'learner-not-found':
      return new MembershipError(`learner not found: ${refusal.nodeId}; add it with addLearner first`, refusal);
    case 'invalid-node':
      return new MembershipError(`node ${refusal.nodeId} is invalid: ${refusal.reason}`, refusal);
    case 'not-in-members':
      return new MembershipError(
        `node ${refusal.nodeId} is not in the members it was told to form a cluster of (${[...refusal.membership.nodes.keys()].join(', ')})`,
        refusal,
      );
    case 'not-a-voter':
      return new TransferError(`node ${refusal.to} is not a voter; only a voter can lead`);
    case 'no-target':
      return new TransferError('there is no other voter to hand leadership to');
    case 'transfer-timed-out':
      return new TransferError(
        `node ${refusal.to} did not take over: it can't be reached, or needed longer than an election timeout`,
      );
    default:
      return assertNever(refusal);
  }
}
