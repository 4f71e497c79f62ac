/** The application that the simulated clusters run: registers, and lists that only grow. */

/** `get` is never proposed: it reads the state of a node. */
export type KvOperation = 'set' | 'cas' | 'append';

export interface KvRequest {
  /** Unique in a run: no two calls of clients share one. */
  readonly callId: number;
  readonly operation: KvOperation;
  readonly key: string;
  readonly value: number;
  /** For `cas`: what must be there; `null` for nothing. */
  readonly expected: number | null;
  /** Bytes that mean nothing, so that requests differ in size. */
  readonly padding: number;
}

/**
 * - `set`: the value before it, `null` for none.
 * - `cas`: 1 when it took effect, 0 when something else was there.
 * - `append`: how long the list is now.
 */
export type KvResponse = number | null;

/** Registers hold a number, lists an array. */
export type KvValue = number | number[];
export type KvState = Map<string, KvValue>;

/** Under this key the state carries a fingerprint of all that was ever applied to it. */
export const DIGEST_KEY = '#digest';

/** A key names a list by its first letter. */
export function isListKey(key: string): boolean {
  return key.startsWith('l');
}
