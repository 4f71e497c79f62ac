/** What the nodes replicate: a map from keys to text, and requests of a given size. */

import type { StateMachine } from 'zlayer-consensus';
import { msgpackCodec } from 'zlayer-consensus';
import { LmdbStateMachine } from 'zlayer-consensus/storage/lmdb';
import { MemStateMachine } from 'zlayer-consensus/storage/memory';

export interface KvRequest {
  readonly key: string;
  readonly value: string;
}

/** The number of keys. */
export type KvResponse = number;

export type KvStateMachine = MemStateMachine<Map<string, string>, KvRequest, KvResponse>;

/** So many keys are written in turn: the state stays small, and what is measured is the log. */
export const HOT_KEYS = 1000;

export function kvStateMachine(): KvStateMachine {
  return new MemStateMachine<Map<string, string>, KvRequest, KvResponse>({
    initialState: () => new Map(),
    apply(state, { key, value }) {
      state.set(key, value);
      return state.size;
    },
  });
}

/** A map of keys to text, wherever it is kept. */
export interface KvPlace {
  readonly stateMachine: StateMachine<KvRequest, KvResponse>;
  get(key: string): string | undefined;
}

export function kvInMemory(): KvPlace {
  const stateMachine = kvStateMachine();
  return { stateMachine, get: (key) => stateMachine.state.get(key) };
}

/** The same map on the disk. Its response is 0: nobody counts rows there. */
export function kvOnDisk(directory: string): KvPlace {
  const stateMachine = new LmdbStateMachine<KvRequest, KvResponse>({
    directory,
    apply(transaction, { key, value }) {
      transaction.table<string, string>('kv').put(key, value);
      return 0;
    },
  });
  return {
    stateMachine,
    get: (key) => stateMachine.read((transaction) => transaction.table<string, string>('kv').get(key)),
  };
}

/** The key of that number; all keys have the same length. */
export function keyOf(number: number): string {
  return `key-${String(number).padStart(8, '0')}`;
}

/**
 * Makes requests whose encoding has exactly so many bytes, for `keys` keys in turn.
 * @throws RangeError when a request can't be so small
 */
export function requestSource(encodedBytes: number, keys: number = HOT_KEYS): () => KvRequest {
  const value = 'v'.repeat(valueLength(encodedBytes));
  let count = 0;
  return () => {
    const request = { key: keyOf(count % keys), value };
    count += 1;
    return request;
  };
}

function valueLength(encodedBytes: number): number {
  const codec = msgpackCodec<KvRequest, KvResponse>();
  // The header of a text takes 1 to 5 bytes, depending on its length.
  for (let length = encodedBytes; length > 0; length -= 1) {
    const bytes = codec.encodeRequest({ key: keyOf(0), value: 'v'.repeat(length) }).byteLength;
    if (bytes === encodedBytes) return length;
    if (bytes < encodedBytes) break;
  }
  throw new RangeError(`no request has ${encodedBytes} bytes`);
}
