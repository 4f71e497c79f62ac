/** What the process of the clients can be told, and what it answers. */

export interface ClientTarget {
  readonly place: number;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface ClientSetup {
  readonly run: string;
  readonly seed: number;
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly historyFile: string;
}

export interface OperationCounts {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
}

export type ClientCommands = {
  /** Starts the clients; answers with the time, ms, that counts as 0 in the history. */
  readonly start: { readonly given: ClientSetup; readonly answer: { readonly originMs: number } };
  /** Where a node is now. */
  readonly target: { readonly given: ClientTarget; readonly answer: null };
  readonly counts: { readonly given: null; readonly answer: OperationCounts };
  /** Lets the clients finish what they do. */
  readonly stop: { readonly given: null; readonly answer: OperationCounts };
  /** Reads every key linearizably through this node, as part of the history. */
  readonly 'read-all': {
    readonly given: { readonly place: number };
    readonly answer: { readonly lists: number; readonly problem: string | null };
  };
};
