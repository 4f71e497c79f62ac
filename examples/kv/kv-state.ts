/** The replicated state of the example: what can be asked of it, and what it answers. */
import { MemStateMachine } from 'zlayer-consensus/storage/memory';

/** A value and how often it was written. */
export interface KvEntry {
  readonly value: unknown;
  /** 1 for the first write of the key, then one more with each. */
  readonly version: number;
}

export type KvRequest =
  | { readonly type: 'set'; readonly key: string; readonly value: unknown }
  | { readonly type: 'delete'; readonly key: string }
  /** Writes only if the key still has `expectedVersion`; 0 = the key must not exist. */
  | {
      readonly type: 'compare-and-set';
      readonly key: string;
      readonly expectedVersion: number;
      readonly value: unknown;
    };

export interface KvResponse {
  /** Did the request change anything? */
  readonly isDone: boolean;
  /** The entry after the request; `null` when there is none. */
  readonly entry: KvEntry | null;
}

export type KvState = Map<string, KvEntry>;

/** Runs on every node, with the same requests in the same order: it must use nothing but its arguments. */
export function applyRequest(state: KvState, request: KvRequest): KvResponse {
  const current = state.get(request.key) ?? null;
  if (request.type === 'delete') return { isDone: state.delete(request.key), entry: null };
  const version = current?.version ?? 0;
  if (request.type === 'compare-and-set' && request.expectedVersion !== version) {
    return { isDone: false, entry: current };
  }
  const entry = { value: request.value, version: version + 1 };
  state.set(request.key, entry);
  return { isDone: true, entry };
}

export type KvStateMachine = MemStateMachine<KvState, KvRequest, KvResponse>;

export function kvStateMachine(): KvStateMachine {
  return new MemStateMachine<KvState, KvRequest, KvResponse>({
    initialState: () => new Map(),
    apply: applyRequest,
    // Entries are replaced, never changed: writes go on while a snapshot is built.
    mutableLevels: 1,
  });
}
