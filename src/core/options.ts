/** What a core is made with. Nothing in here changes while it runs. */
import type { NodeId } from './ids.ts';

export interface CoreOptions {
  readonly nodeId: NodeId;
  /** Of the own store, as the membership knows members by it; `null`: any member with this id is this node. */
  readonly instanceId: string | null;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatIntervalMs: number;
  /** Ask for pre-votes before an election (thesis §9.6). */
  readonly preVote: boolean;
  /** A leader that hears from no quorum for an election timeout steps down (thesis §6.2). */
  readonly checkQuorum: boolean;
  /** Most entries in one append. */
  readonly maxPayloadEntries: number;
  /** Most bytes in one append; a single larger entry still travels, alone. */
  readonly maxPayloadBytes: number;
  /** Most unanswered appends to one peer. */
  readonly maxInflightAppends: number;
  /** Most unanswered bytes to one peer. */
  readonly maxInflightBytes: number;
  /** Most bytes appended by this leader and not yet committed. */
  readonly maxUncommittedBytes: number;
  /** Entries before the snapshot that stay in the log, so that a slow follower needs no snapshot. */
  readonly maxInSnapshotLogToKeep: number;
  /** Most reads that wait for a round. */
  readonly maxPendingReads: number;
  readonly leaseReads: boolean;
  /** Part of the election timeout by which clocks may drift apart, e.g. 0.1; shortens a read lease. */
  readonly clockDriftBound: number;
  /** Uniform in [0, 1). The only randomness of the core. */
  readonly random: () => number;
}
