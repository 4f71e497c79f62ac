/** What clients ask for, as it travels and as it is checked. */
import type { Value } from '../cluster/chaos-state.ts';

/** The input of the key-value model of the checker. */
export type ClientInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: Value }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'cas'; readonly key: string; readonly from: Value; readonly to: Value }
  | { readonly type: 'list'; readonly prefix: string };

export type ClientOutput = Value | readonly (readonly [string, Value])[];

export type ReadLevel = 'linearizable' | 'lease';

/** The body of a request. */
export interface OperationRequest {
  /** No other call of the run has it. */
  readonly id: number;
  readonly input: ClientInput;
  /** For reads. */
  readonly level: ReadLevel;
}

/** The body of an answer. */
export type OperationAnswer =
  | { readonly type: 'ok'; readonly output: ClientOutput }
  | { readonly type: 'error'; readonly code: string; readonly retry: string; readonly message: string };

export function isRead({ type }: ClientInput): boolean {
  return type === 'get' || type === 'list';
}
