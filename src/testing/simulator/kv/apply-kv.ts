/** What a request does to the state: the same on every node and in the reference. */
import type { LogId } from '../../../core/ids.ts';
import type { KvRequest, KvResponse, KvState, KvValue } from './kv-types.ts';
import { DIGEST_KEY } from './kv-types.ts';

export interface KvApplyContext {
  readonly logId: LogId;
  readonly timeMs: number;
}

export function applyKv(state: KvState, request: KvRequest, { logId, timeMs }: KvApplyContext): KvResponse {
  const digest = digestOf(state);
  state.set(DIGEST_KEY, mix(mix(mix(digest, request.callId), logId.index * 31 + logId.term), timeMs));
  const { key, value } = request;
  const before = state.get(key);
  switch (request.operation) {
    case 'append': {
      const list = listOf(before);
      list.push(value);
      state.set(key, list);
      return list.length;
    }
    case 'cas':
      if (registerOf(before) !== request.expected) return 0;
      state.set(key, value);
      return 1;
    case 'set':
      state.set(key, value);
      return registerOf(before);
  }
}

/** Fingerprint of everything that was applied, in order. */
export function digestOf(state: KvState): number {
  const digest = state.get(DIGEST_KEY);
  return typeof digest === 'number' ? digest : 0;
}

/** Fingerprint of the state as it is. */
export function stateHash(state: KvState): number {
  let hash = 0;
  for (const key of [...state.keys()].sort()) {
    for (let position = 0; position < key.length; position += 1) hash = mix(hash, key.charCodeAt(position));
    const value = state.get(key);
    if (typeof value === 'number') hash = mix(hash, value);
    else for (const item of value ?? []) hash = mix(hash, item);
  }
  return hash;
}

export function registerOf(value: KvValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

export function listOf(value: KvValue | undefined): number[] {
  return Array.isArray(value) ? value : [];
}

function mix(hash: number, value: number): number {
  const low = Math.imul(hash ^ (value | 0), 0x0100_0193);
  return (low ^ (low >>> 15) ^ Math.floor(value / 4_294_967_296)) >>> 0;
}
