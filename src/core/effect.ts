/** Everything the core wants done. Effects are executed in order; none of them waits inside the core. */
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { LogId, LogIndex, NodeId, Term } from './ids.ts';
import type { StoredMembership } from './membership/membership.ts';
import type { Message, SnapshotMeta } from './message.ts';
import type { MembershipRefusal, ProposalRefusal, ReadRefusal, TransferRefusal } from './refusal.ts';
import type { RoleName } from './role/role.ts';

/** A message and where it goes. `token` is that of the request it answers, 0 for a message of its own accord. */
export interface OutgoingMessage {
  readonly to: NodeId;
  readonly message: Message;
  readonly token: number;
}

/**
 * One ordered write. The messages promise what it writes, so they leave only when it and all writes before it are
 * durable. A persist without anything to write is such a barrier alone.
 */
export interface PersistEffect {
  readonly type: 'persist';
  /** Comes back in `persisted`; ascending by one. */
  readonly seq: number;
  readonly hardState: HardState | null;
  /** Remove this entry and all after it first. */
  readonly truncateFrom: LogIndex | null;
  readonly entries: readonly Entry[];
  readonly afterDurable: readonly OutgoingMessage[];
}

/** Replicate `[fromIndex, toIndex)`; the runtime puts the entries in, at least one if the range has any. */
export interface ReplicateEffect {
  readonly type: 'replicate';
  readonly to: NodeId;
  readonly term: Term;
  readonly session: number;
  readonly round: number;
  readonly prevLogId: LogId;
  readonly fromIndex: LogIndex;
  readonly toIndex: LogIndex;
  readonly commitIndex: LogIndex;
}

/** Put the received snapshot in place of the state machine, ordered among the writes like a persist. */
export interface InstallSnapshotEffect {
  readonly type: 'install-snapshot';
  readonly seq: number;
  readonly meta: SnapshotMeta;
  /** The log was discarded as a whole, rather than only up to the snapshot. */
  readonly discardLog: boolean;
  readonly afterDurable: readonly OutgoingMessage[];
}

export type Effect =
  | PersistEffect
  | InstallSnapshotEffect
  | ReplicateEffect
  | { readonly type: 'send'; readonly to: NodeId; readonly message: Message; readonly token: number }
  /** Entries up to here are committed: apply them. */
  | { readonly type: 'commit'; readonly logId: LogId }
  /** Answers one `propose`: the first `accepted` payloads were appended from `firstLogId` on, the rest refused. */
  | {
      readonly type: 'proposed';
      readonly accepted: number;
      readonly firstLogId: LogId;
      readonly refusal: ProposalRefusal | null;
    }
  /** `leaseUntilMs`: how long a lease read stays true (monotonic ms); `null` for a read index. */
  | {
      readonly type: 'read-granted';
      readonly id: number;
      readonly readLogId: LogId;
      readonly leaseUntilMs: number | null;
    }
  | { readonly type: 'read-refused'; readonly id: number; readonly refusal: ReadRefusal }
  | { readonly type: 'membership-changed'; readonly id: number; readonly result: StoredMembership }
  | { readonly type: 'membership-refused'; readonly id: number; readonly refusal: MembershipRefusal }
  | { readonly type: 'transfer-done'; readonly id: number }
  | { readonly type: 'transfer-refused'; readonly id: number; readonly refusal: TransferRefusal }
  /** Stream the newest snapshot to this peer. */
  | { readonly type: 'send-snapshot'; readonly to: NodeId; readonly term: Term; readonly session: number }
  | { readonly type: 'snapshot-verdict'; readonly token: number; readonly verdict: SnapshotVerdict }
  /** Entries up to here are no longer needed. */
  | { readonly type: 'purge'; readonly upTo: LogId }
  | { readonly type: 'role-changed'; readonly role: RoleName; readonly term: Term; readonly leaderId: NodeId | null }
  | { readonly type: 'membership-effective'; readonly membership: StoredMembership; readonly isCommitted: boolean }
  /** A follower no longer holds entries that it acknowledged. It is not replicated to any more. */
  | {
      readonly type: 'peer-diverged';
      readonly peer: NodeId;
      readonly matchIndex: LogIndex;
      readonly lastIndex: LogIndex;
    };

/** Stream it; or it is refused, and this is the answer. */
export type SnapshotVerdict = { readonly accept: true } | { readonly accept: false; readonly response: Message };
