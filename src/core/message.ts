/**
 * What nodes say to each other. One interface a message, every field always present.
 * Sender and target are not part of a message: the envelope of the network carries and checks them.
 */
import type { Entry } from './entry.ts';
import type { LogId, LogIndex, Term } from './ids.ts';
import type { StoredMembership } from './membership/membership.ts';

/** Asks whether an election would be won, without changing anybody's term (thesis §9.6). */
export interface PreVoteRequest {
  readonly type: 'pre-vote-request';
  /** The term the candidate would campaign in: its own plus one. */
  readonly term: Term;
  readonly lastLogId: LogId;
}

export interface PreVoteResponse {
  readonly type: 'pre-vote-response';
  /** The requested term when granted, the voter's own term when refused. */
  readonly term: Term;
  readonly granted: boolean;
  readonly lastLogId: LogId;
}

/** RequestVote (§5.2, §5.4.1). */
export interface VoteRequest {
  readonly type: 'vote-request';
  readonly term: Term;
  readonly lastLogId: LogId;
  /** The leader asked for this election (thesis §3.10): it overrides the voters' leader lease. */
  readonly transfer: boolean;
}

export interface VoteResponse {
  readonly type: 'vote-response';
  readonly term: Term;
  readonly granted: boolean;
  readonly lastLogId: LogId;
}

/** AppendEntries (§5.3). */
export interface AppendRequest {
  readonly type: 'append-request';
  readonly term: Term;
  /** Names the replication stream; a response of another stream is ignored. */
  readonly session: number;
  /** The leader's heartbeat round when this was sent; its echo confirms leadership. */
  readonly round: number;
  readonly prevLogId: LogId;
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
}

export interface AppendResponse {
  readonly type: 'append-response';
  readonly term: Term;
  readonly session: number;
  readonly round: number;
  /** The `prevLogId.index` of the request: tells a stale refusal from a current one. */
  readonly prevIndex: LogIndex;
  readonly success: boolean;
  /** On success: everything up to here equals the leader's log and is durable. 0 otherwise. */
  readonly matchIndex: LogIndex;
  /** On conflict: the last position that may still match (etcd's term-based hint). `null` on success. */
  readonly conflictHint: LogId | null;
  /** The responder's last index, to recognise a follower that lost its log. */
  readonly lastIndex: LogIndex;
}

/** Keeps the lease, confirms leadership, tells the commit index. Waits for no disk, once the term is durable. */
export interface HeartbeatRequest {
  readonly type: 'heartbeat-request';
  readonly term: Term;
  readonly session: number;
  readonly round: number;
  /** Never beyond what the follower is known to hold. */
  readonly commitIndex: LogIndex;
}

export interface HeartbeatResponse {
  readonly type: 'heartbeat-response';
  readonly term: Term;
  readonly session: number;
  readonly round: number;
  /** How much of its log the follower has checked against this leader; may not be durable yet. */
  readonly verifiedIndex: LogIndex;
}

/** Tells the target of a leadership transfer to campaign at once (thesis §3.10). */
export interface TimeoutNow {
  readonly type: 'timeout-now';
  readonly term: Term;
}

/** The outcome of a snapshot that was offered or streamed (InstallSnapshot, §7). */
export interface SnapshotResponse {
  readonly type: 'snapshot-response';
  readonly term: Term;
  readonly session: number;
  /** The node now holds everything up to here, durably; 0 when the snapshot was refused. */
  readonly matchIndex: LogIndex;
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | TimeoutNow
  | SnapshotResponse;

/** What a snapshot covers. Its bytes live in a snapshot store. */
export interface SnapshotMeta {
  /** Unique for the bytes: two different streams never share an id. */
  readonly id: string;
  readonly lastLogId: LogId;
  /** The wall clock of the last entry that the snapshot covers, ms. */
  readonly lastTimeMs: number;
  readonly membership: StoredMembership;
}

/** What precedes the chunks of a streamed snapshot. */
export interface SnapshotOffer {
  readonly term: Term;
  readonly session: number;
  readonly meta: SnapshotMeta;
}
