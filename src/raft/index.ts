/** `zlayer-consensus/raft`: the engine with openraft's surface, for those who want more control than `ConsensusNode`. */

export type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  PreVoteRequest,
  PreVoteResponse,
  SnapshotResponse,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from '../core/message.ts';
export type { CoreState } from '../core/state.ts';
export type { CallOptions } from './call-options.ts';
export type { Metric, Vote } from './metric.ts';
export type { RaftDataMetrics, RaftServerMetrics } from './metrics-parts.ts';
export type { NodeInfo } from './node-info.ts';
export type { AddLearnerOptions, ChangeMembershipOptions, ClientWriteResponse, LinearizableOptions } from './raft.ts';
export { Raft } from './raft.ts';
export type { RaftOptions } from './raft-options.ts';
export type { RuntimeSwitches } from './runtime-switches.ts';
export type { Trigger } from './trigger.ts';
export type { Wait } from './wait.ts';
