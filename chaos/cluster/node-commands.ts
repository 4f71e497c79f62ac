/** What the process of a node can be told to do, and what it answers. */
import type { ConsensusConfig } from 'zlayer-consensus';

export interface NodeSetup {
  readonly nodeId: number;
  readonly directory: string;
  readonly isStateOnDisk: boolean;
  readonly peerAddress: string;
  readonly peerHost: string;
  readonly peerPort: number;
  readonly clientHost: string;
  readonly clientPort: number;
  /** By posts only: what a proxy can understand. */
  readonly isPosting: boolean;
  readonly config: Partial<ConsensusConfig>;
  /** In the path of all that clients ask: another run's client is not served. */
  readonly run: string;
}

export interface NodeStatus {
  readonly role: string;
  readonly term: number;
  readonly leaderId: number | null;
  readonly voterIds: readonly number[];
  readonly memberIds: readonly number[];
  readonly lastLogIndex: number;
  readonly appliedIndex: number;
  readonly snapshotIndex: number;
  /** Why it stopped; null while it runs. */
  readonly stopped: string | null;
}

export type NodeCommands = {
  readonly start: {
    readonly given: NodeSetup;
    readonly answer: { readonly peerPort: number; readonly clientPort: number };
  };
  readonly bootstrap: { readonly given: null; readonly answer: null };
  readonly 'add-voter': {
    readonly given: { readonly nodeId: number; readonly address: string };
    readonly answer: null;
  };
  readonly 'change-voters': { readonly given: { readonly nodeIds: readonly number[] }; readonly answer: null };
  readonly remove: { readonly given: { readonly nodeId: number }; readonly answer: null };
  readonly transfer: { readonly given: { readonly nodeId: number | null }; readonly answer: null };
  readonly status: { readonly given: null; readonly answer: NodeStatus };
  /** Resolves when a linearizable read was served. */
  readonly serve: { readonly given: { readonly timeoutMs: number }; readonly answer: { readonly readIndex: number } };
  readonly digest: {
    readonly given: null;
    readonly answer: { readonly appliedIndex: number; readonly digest: string; readonly keys: readonly string[] };
  };
  readonly ledger: { readonly given: null; readonly answer: readonly (readonly [number, number])[] };
  readonly stop: { readonly given: null; readonly answer: null };
};

/** Said unasked, when a node stopped by itself. */
export interface NodeStopped {
  readonly type: 'stopped';
  readonly code: string;
  readonly message: string;
}
