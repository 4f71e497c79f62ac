/** What the process of a node can be told to do, and what it answers. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { LoadOptions, LoadResult } from './load.ts';

export type NodeCommand =
  /** Starts the node; answers with its address. */
  | { readonly type: 'start'; readonly nodeId: number; readonly config: Partial<ConsensusConfig> }
  | { readonly type: 'bootstrap' }
  | { readonly type: 'add-voter'; readonly nodeId: number; readonly address: string }
  /** Waits until the learner has caught up. */
  | { readonly type: 'add-learner'; readonly nodeId: number; readonly address: string }
  /** Proposes requests of that size, for `keys` keys in turn. */
  | { readonly type: 'propose'; readonly bytes: number; readonly keys: number; readonly load: LoadOptions }
  /** Linearizable reads of the keys that were written. */
  | { readonly type: 'read'; readonly keys: number; readonly load: LoadOptions }
  /** Proposes once, again and again until it is acknowledged. */
  | { readonly type: 'propose-until-done'; readonly bytes: number }
  /** Builds a snapshot; answers with its size. */
  | { readonly type: 'snapshot' }
  | { readonly type: 'wait-applied'; readonly index: number }
  | { readonly type: 'status' }
  | { readonly type: 'stop' };

export interface NodeStatus {
  readonly isLeader: boolean;
  readonly appliedIndex: number;
  /** User and system time since the process started. */
  readonly cpuUs: number;
}

/** The answer to each command. */
export interface NodeAnswers {
  readonly start: { readonly address: string };
  readonly bootstrap: null;
  readonly 'add-voter': null;
  readonly 'add-learner': null;
  readonly propose: LoadResult;
  readonly read: LoadResult;
  readonly 'propose-until-done': null;
  readonly snapshot: { readonly sizeBytes: number };
  readonly 'wait-applied': null;
  readonly status: NodeStatus;
  readonly stop: null;
}

/** As it crosses the channel between the processes. */
export type NodeReply =
  | { readonly type: 'done'; readonly answer: NodeAnswers[keyof NodeAnswers] }
  | { readonly type: 'failed'; readonly error: string };
