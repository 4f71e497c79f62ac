/** The pure Raft core: for simulators, tests, and runtimes of other kinds. */

export type {
  Effect,
  InstallSnapshotEffect,
  OutgoingMessage,
  PersistEffect,
  ReplicateEffect,
  SnapshotVerdict,
} from './effect.ts';
export type { Entry, EntryKind } from './entry.ts';
export { blankEntry, membershipEntry, normalEntry } from './entry.ts';
export type { HardState } from './hard-state.ts';
export { INITIAL_HARD_STATE } from './hard-state.ts';
export type { LogId, LogIndex, NodeId, Term } from './ids.ts';
export { compareLogIds, isSameLogId, logId, NO_LOG_ID } from './ids.ts';
export type { Input, ReadPolicy, StepTime } from './input.ts';
export type { InvariantId } from './invariants.ts';
export { InvariantViolation } from './invariants.ts';
export type { MembershipChange } from './membership/change.ts';
export type { BasicNode, JsonValue, Membership, StoredMembership } from './membership/membership.ts';
export { EMPTY_MEMBERSHIP, NO_MEMBERSHIP } from './membership/membership.ts';
export type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  PreVoteRequest,
  PreVoteResponse,
  SnapshotMeta,
  SnapshotOffer,
  SnapshotResponse,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from './message.ts';
export type { CoreOptions } from './options.ts';
export { RaftCore } from './raft.ts';
export type { MembershipRefusal, NotLeader, ProposalRefusal, ReadRefusal, TransferRefusal } from './refusal.ts';
export type { Role, RoleName } from './role/role.ts';
export type { CoreState, InitialState } from './state.ts';
