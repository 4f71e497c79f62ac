/** What the nodes replicate: keys with values, and a ledger of every write that was ever applied. */
import { createHash } from 'node:crypto';
import type { StateMachine } from 'zlayer-consensus';
import { LmdbStateMachine } from 'zlayer-consensus/storage/lmdb';
import { MemStateMachine } from 'zlayer-consensus/storage/memory';

export type Value = string | number | boolean | null;

/** A write, and the number of the client's call, which no other write has. */
export type ChaosRequest = { readonly id: number } & (
  | { readonly type: 'put'; readonly key: string; readonly value: Value }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'cas'; readonly key: string; readonly from: Value; readonly to: Value }
);

/** What a linearizability check compares: null for a put, whether the key was there, whether it was replaced. */
export type ChaosResponse = boolean | null;

/** The same state, wherever it is kept. */
export interface ChaosState {
  readonly stateMachine: StateMachine<ChaosRequest, ChaosResponse>;
  /** Null: there is no such key. */
  get(key: string): Value;
  list(prefix: string): readonly (readonly [string, Value])[];
  /** Of every write: how often it was applied, by the number of its call. */
  ledger(): readonly (readonly [number, number])[];
}

interface Rows {
  get(key: string): Value | undefined;
  put(key: string, value: Value): void;
  remove(key: string): void;
}

function apply(rows: Rows, request: ChaosRequest): ChaosResponse {
  const current = rows.get(request.key) ?? null;
  switch (request.type) {
    case 'put':
      rows.put(request.key, request.value);
      return null;
    case 'delete':
      rows.remove(request.key);
      return current !== null;
    default:
      if (current !== request.from) return false;
      if (request.to === null) rows.remove(request.key);
      else rows.put(request.key, request.to);
      return true;
  }
}

interface MemState {
  readonly entries: Map<string, Value>;
  readonly ledger: Map<number, number>;
}

export function stateInMemory(): ChaosState {
  const stateMachine = new MemStateMachine<MemState, ChaosRequest, ChaosResponse>({
    initialState: () => ({ entries: new Map(), ledger: new Map() }),
    mutableLevels: 2,
    apply({ entries, ledger }, request) {
      ledger.set(request.id, (ledger.get(request.id) ?? 0) + 1);
      const rows: Rows = {
        get: (key) => entries.get(key),
        put: (key, value) => entries.set(key, value),
        remove: (key) => entries.delete(key),
      };
      return apply(rows, request);
    },
  });
  return {
    stateMachine,
    get: (key) => stateMachine.state.entries.get(key) ?? null,
    list: (prefix) => [...stateMachine.state.entries].filter(([key]) => key.startsWith(prefix)).sort(byKey),
    ledger: () => [...stateMachine.state.ledger].sort(([a], [b]) => a - b),
  };
}

const ENTRIES = 'entries';
const LEDGER = 'ledger';

export function stateOnDisk(directory: string): ChaosState {
  const stateMachine = new LmdbStateMachine<ChaosRequest, ChaosResponse>({
    directory,
    apply(transaction, request) {
      const ledger = transaction.table<number, number>(LEDGER);
      ledger.put(request.id, (ledger.get(request.id) ?? 0) + 1);
      return apply(transaction.table<string, Value>(ENTRIES), request);
    },
  });
  return {
    stateMachine,
    get: (key) => stateMachine.read((transaction) => transaction.table<string, Value>(ENTRIES).get(key)) ?? null,
    list: (prefix) =>
      stateMachine.read((transaction) => [...transaction.table<string, Value>(ENTRIES).range({ prefix })]),
    ledger: () => stateMachine.read((transaction) => [...transaction.table<number, number>(LEDGER).range()]),
  };
}

/** Equal for equal states, and for practical purposes only for those. */
export function digestOf(state: ChaosState): string {
  const content = JSON.stringify([state.list('').toSorted(byKey), state.ledger()]);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
