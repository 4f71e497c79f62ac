/** What the process of a node can be told to do, and what it answers. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { LoadOptions, LoadResult } from './load.ts';

/** How a node is set up. */
export interface NodeSetup {
  readonly config?: Partial<ConsensusConfig>;
  /** Where the node keeps its data; in memory by default. */
  readonly directory?: string;
  /** Whether the state is kept there, too, and not in memory. Default `false`. */
  readonly isStateOnDisk?: boolean;
  /** The port it had before; any free one by default. */
  readonly port?: number;
}

export type NodeCommand =
  /** Starts the node; answers with its address. */
  | ({ readonly type: 'start'; readonly nodeId: number } & NodeSetup)
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
  /** Lets the log go up to there; answers as soon as that is on the disk. */
  | { readonly type: 'purge'; readonly index: number }
  | { readonly type: 'wait-applied'; readonly index: number }
  | { readonly type: 'status' }
  | { readonly type: 'stop' };

export interface NodeStatus {
  readonly isLeader: boolean;
  readonly appliedIndex: number;
  /** User and system time since the process started. */
  readonly cpuUs: number;
  /** What the process has handed to the disk since it started; 0 where the system does not tell. */
  readonly diskBytes: number;
  /** Memory of its own, without mapped files; 0 where the system does not tell. */
  readonly ownMemoryBytes: number;
}

/** The answer to each command. */
export interface NodeAnswers {
  readonly start: { readonly address: string; readonly startMs: number };
  readonly bootstrap: null;
  readonly 'add-voter': null;
  readonly 'add-learner': null;
  readonly propose: LoadResult;
  readonly read: LoadResult;
  readonly 'propose-until-done': null;
  readonly snapshot: { readonly sizeBytes: number };
  readonly purge: null;
  readonly 'wait-applied': null;
  readonly status: NodeStatus;
  readonly stop: null;
}

/** As it crosses the channel between the processes. */
export type NodeReply =
  | { readonly type: 'done'; readonly answer: NodeAnswers[keyof NodeAnswers] }
  | { readonly type: 'failed'; readonly error: string };
