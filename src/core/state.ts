/** What a node knows: the whole state of the core, changed only inside a step. */

import type { HardState } from './hard-state.ts';
import type { LogId, LogIndex, NodeId } from './ids.ts';
import type { DurableLog } from './log/durable-log.ts';
import type { LogIds } from './log/log-ids.ts';
import type { LogSizes } from './log/log-sizes.ts';
import type { StoredMembership } from './membership/membership.ts';
import type { MembershipState } from './membership/membership-state.ts';
import type { SnapshotMeta } from './message.ts';
import type { Role } from './role/role.ts';

/** What was found in the stores at start. */
export interface InitialState {
  readonly hardState: HardState;
  /** The log's term boundaries: the first LogId of each run of equal terms after `purged`. */
  readonly boundaries: readonly LogId[];
  readonly purged: LogId;
  readonly last: LogId;
  readonly committed: LogId;
  readonly applied: LogId;
  readonly snapshot: LogId;
  /** Of the applied state. */
  readonly membership: StoredMembership;
  /** Found in the log after the applied state, oldest first. */
  readonly logMemberships: readonly StoredMembership[];
  /** `timeMs` of the last entry. */
  readonly lastTimeMs: number;
}

/**
 * ```text
 *   purged <= snapshot <= applied <= commit <= last        durable <= last
 * ```
 * `commit` may be ahead of `durable`: the other voters hold what this disk does not yet.
 * While a snapshot is being installed it counts as applied.
 */
export interface CoreState {
  readonly nodeId: NodeId;
  hardState: HardState;
  role: Role;
  /** The leader of this term, once it was heard of. */
  leaderId: NodeId | null;
  readonly log: LogIds;
  readonly sizes: LogSizes;
  readonly durable: DurableLog;
  durableIndex: LogIndex;
  commitIndex: LogIndex;
  applied: LogId;
  snapshot: LogId;
  installing: { readonly meta: SnapshotMeta; readonly seq: number } | null;
  /** How much of the log is known to equal that of this term's leader. */
  verifiedIndex: LogIndex;
  /** `timeMs` of the last entry: entries never go back in time. */
  lastTimeMs: number;
  readonly membership: MembershipState;
  /** When a live leader was last heard; votes are refused for a while after it. */
  leaderContactMs: number;
  /** When the election timer was last reset, and what was drawn for it (§5.2). */
  electionResetMs: number;
  electionTimeoutMs: number;
  /** The write that makes the own vote durable, while it is awaited. */
  ownVoteSeq: number | null;
  /** `initialize` waits for this write. */
  initializing: { readonly id: number; readonly seq: number } | null;
  /** A transfer this node started, also after it stepped down for it. */
  transfer: OutgoingTransfer | null;
  tickEnabled: boolean;
  heartbeatEnabled: boolean;
  electEnabled: boolean;
}

/** Leadership on its way to `to`. */
export interface OutgoingTransfer {
  /** `null` when the leader itself decided, because it is being removed. */
  readonly id: number | null;
  readonly to: NodeId;
  readonly deadlineMs: number;
  timeoutNowSent: boolean;
}
