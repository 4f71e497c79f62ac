/** What a client asked, and what it was told. */
import type { LogIndex, NodeId } from '../../../core/ids.ts';
import type { KvRequest, KvResponse } from '../kv/kv-types.ts';

export type ReadLevel = 'linearizable' | 'lease' | 'leader' | 'stale' | 'at-least';

export type CallInput =
  | { readonly type: 'write'; readonly request: KvRequest }
  | { readonly type: 'read'; readonly key: string; readonly level: ReadLevel; readonly atLeast: LogIndex };

export type CallOutput =
  | { readonly type: 'written'; readonly response: KvResponse }
  /** What was read, and which state it was: that after the entry of this index. */
  | { readonly type: 'read'; readonly value: KvResponse | readonly number[]; readonly stateIndex: LogIndex };

/**
 * - `ok`: it took effect, and `output` is the answer.
 * - `failed`: it certainly had no effect, as the error says.
 * - `unknown`: it may have had an effect, or still may have.
 */
export type CallOutcome = 'ok' | 'failed' | 'unknown';

/** A call as it is made. */
export interface StartedCall {
  readonly id: number;
  /** The client; it makes one call at a time. */
  readonly client: number;
  readonly node: NodeId;
  readonly input: CallInput;
  readonly callMs: number;
  /** Orders what happened at the same time: one number for every call and every return. */
  readonly callOrder: number;
}

export interface SettledCall extends StartedCall {
  readonly returnMs: number;
  readonly returnOrder: number;
  readonly outcome: CallOutcome;
  readonly output: CallOutput | null;
  /** What it failed with: the code of a `ConsensusError`, `ABORTED`, `CRASHED`, or the name of another error. */
  readonly error: string | null;
}
