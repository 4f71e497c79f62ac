/** What a node looks like from outside, at one moment. */
import type { LogId, LogIndex, NodeId, Term } from '../core/ids.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type { ProgressState } from '../core/progress/progress.ts';
import type { RoleName } from '../core/role/role.ts';
import type { ConsensusError } from '../errors.ts';

/** How far a peer is, as its leader knows. */
export interface ReplicationStatus {
  /** The last entry that the peer holds durably; 0 = none. */
  readonly matchIndex: LogIndex;
  readonly state: ProgressState;
  /** Milliseconds since the peer was last heard. */
  readonly contactAgeMs: number;
  readonly isReachable: boolean;
}

/** openraft's `RaftMetrics`, with what its users miss. */
export interface RaftMetrics {
  /** `null` while the node runs; why it does not, afterwards. */
  readonly stopped: ConsensusError | null;
  readonly id: NodeId;
  readonly clusterId: string | null;
  readonly instanceId: string;
  readonly currentTerm: Term;
  readonly votedFor: NodeId | null;
  /** `shutdown` once the node stopped, whatever the reason. */
  readonly state: RoleName | 'shutdown';
  readonly currentLeader: NodeId | null;
  readonly lastLogIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly committed: LogId;
  readonly lastApplied: LogId;
  readonly snapshot: LogId;
  readonly purged: LogId;
  readonly membership: StoredMembership;
  readonly committedMembership: StoredMembership;
  /** Leader only: how long ago a quorum was last heard; 0 for the only voter. */
  readonly millisSinceQuorumAck: number | null;
  /** Leader only: all other members. */
  readonly replication: ReadonlyMap<NodeId, ReplicationStatus> | null;
  /** Proposals that wait for their outcome on this node. */
  readonly pendingProposals: number;
  readonly logCacheBytes: number;
}
