/** `zlayer-consensus`: a replicated state machine, as an application uses it. */

export { msgpackCodec } from './codec/msgpack-codec.ts';
export type { Entry, EntryKind } from './core/entry.ts';
export type { HardState } from './core/hard-state.ts';
export type { LogId, LogIndex, NodeId, Term } from './core/ids.ts';
export type { MembershipChange } from './core/membership/change.ts';
export type { BasicNode, JsonValue, Membership, StoredMembership } from './core/membership/membership.ts';
export type { Message, SnapshotMeta, SnapshotOffer } from './core/message.ts';
export type { MembershipRefusal } from './core/refusal.ts';
export type { RoleName } from './core/role/role.ts';
export type { ConfigProblem, ErrorCode, PeerRefusal, Retry } from './errors.ts';
export {
  AlreadyInitializedError,
  BusyError,
  ChangeInProgressError,
  ConfigError,
  ConsensusError,
  CorruptionError,
  ERROR_CODES,
  FatalError,
  IdentityError,
  IndeterminateError,
  LeaseExpiredError,
  MembershipError,
  NotLeaderError,
  PayloadTooLargeError,
  PeerRefusedError,
  ProtocolError,
  QuorumNotEnoughError,
  SerializationError,
  SnapshotError,
  StoppedError,
  StorageError,
  TimeoutError,
  TransferError,
  UnauthenticatedError,
  UnreachableError,
} from './errors.ts';
export type { BootstrapOptions } from './node/consensus-node.ts';
export { ConsensusNode } from './node/consensus-node.ts';
export type { NodePorts } from './node/consensus-node-builder.ts';
export { ConsensusNodeBuilder } from './node/consensus-node-builder.ts';
export type { LeaderInfo } from './node/leadership.ts';
export type { AddLearnerOptions, AddMemberOptions } from './node/members.ts';
export type { ProposeOptions } from './node/proposer.ts';
export type { ReadConsistency, ReadOptions } from './node/reader.ts';
export type { Clock, TimerHandle, Timers } from './ports/clock.ts';
export type { Codec } from './ports/codec.ts';
export type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from './ports/log-store.ts';
export type { Logger } from './ports/logger.ts';
export type {
  Envelope,
  InboundHandler,
  LocalIdentity,
  Network,
  NetworkSettings,
  Peer,
  PeerConnection,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  RemoteFailure,
  SnapshotHeader,
  SnapshotReception,
  SnapshotSink,
} from './ports/network.ts';
export { PROTOCOL_MAX, PROTOCOL_MIN } from './ports/network.ts';
export type { Observer } from './ports/observer.ts';
export type { Random } from './ports/random.ts';
export type { SnapshotReader, SnapshotStore, SnapshotWriter, StoredSnapshot } from './ports/snapshot-store.ts';
export type { AppliedState, StateMachine, StateSnapshot } from './ports/state-machine.ts';
export type { CallOptions } from './raft/call-options.ts';
export type { Metric, Vote } from './raft/metric.ts';
export type { ChangeMembershipOptions, Raft } from './raft/raft.ts';
export type { Wait } from './raft/wait.ts';
export type { ConsensusConfig } from './runtime/config.ts';
export { DEFAULT_CONFIG, resolveConfig } from './runtime/config.ts';
export type { NodeEvent } from './runtime/events.ts';
export type { RaftMetrics, ReplicationStatus } from './runtime/metrics.ts';
