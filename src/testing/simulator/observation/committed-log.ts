/** The log that the cluster agreed on, and the state that follows from it: what every node is compared with. */
import type { Entry } from '../../../core/entry.ts';
import type { LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { StoredMembership } from '../../../core/membership/membership.ts';
import { applyKv, digestOf, listOf } from '../kv/apply-kv.ts';
import { kvCodec } from '../kv/kv-codec.ts';
import type { KvRequest, KvResponse, KvState } from '../kv/kv-types.ts';
import { isListKey } from '../kv/kv-types.ts';

export interface CommittedEntry {
  readonly entry: Entry;
  /** The term in which somebody first knew that it is committed. */
  readonly inTerm: Term;
  /** Who that was. */
  readonly by: NodeId;
  readonly request: KvRequest | null;
  /** What the state machine must return for it. */
  readonly response: KvResponse | undefined;
  /** Fingerprint of everything applied up to here. */
  readonly digest: number;
}

/** The value of a register, or the length of a list, from an index on. */
interface Version {
  readonly index: LogIndex;
  readonly value: number;
}

export class CommittedLog {
  readonly #entries: CommittedEntry[] = [];
  readonly #state: KvState = new Map();
  readonly #versions = new Map<string, Version[]>();
  readonly #indexOfCall = new Map<number, LogIndex>();
  #membership: StoredMembership | null = null;
  #membershipCount = 0;

  get lastIndex(): LogIndex {
    return this.#entries.length;
  }

  get state(): ReadonlyMap<string, unknown> {
    return this.#state;
  }

  /** The last membership that is committed. */
  get membership(): StoredMembership | null {
    return this.#membership;
  }

  /** How many memberships were committed. */
  get membershipCount(): number {
    return this.#membershipCount;
  }

  at(index: LogIndex): CommittedEntry | undefined {
    return this.#entries[index - 1];
  }

  /** Where the request of this call stands. */
  indexOf(callId: number): LogIndex | null {
    return this.#indexOfCall.get(callId) ?? null;
  }

  /** Takes in the entry after the last one. Returns `false` when its request was committed before. */
  commit(entry: Entry, inTerm: Term, by: NodeId): boolean {
    const { logId, timeMs, kind, payload, membership } = entry;
    let request: KvRequest | null = null;
    let response: KvResponse | undefined;
    let isFirst = true;
    if (kind === 'normal') {
      request = kvCodec.decodeRequest(payload);
      isFirst = !this.#indexOfCall.has(request.callId);
      this.#indexOfCall.set(request.callId, logId.index);
      response = applyKv(this.#state, request, { logId, timeMs });
      this.#remember(request.key, logId.index);
    }
    if (membership !== null) {
      this.#membership = { logId, membership };
      this.#membershipCount += 1;
    }
    this.#entries.push({ entry, inTerm, by, request, response, digest: digestOf(this.#state) });
    return isFirst;
  }

  /** What a read of the state after `index` must give. */
  valueAt(key: string, index: LogIndex): number | null | readonly number[] {
    const versions = this.#versions.get(key) ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((versions[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    const version = versions[low - 1];
    if (isListKey(key)) return listOf(this.#state.get(key)).slice(0, version?.value ?? 0);
    return version?.value ?? null;
  }

  #remember(key: string, index: LogIndex): void {
    const value = this.#state.get(key);
    if (value === undefined) return;
    const versions = this.#versions.get(key) ?? [];
    versions.push({ index, value: typeof value === 'number' ? value : value.length });
    this.#versions.set(key, versions);
  }
}
