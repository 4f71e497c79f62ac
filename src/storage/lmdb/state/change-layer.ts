/** Changes of rows that lie over what is stored. */
import type { RowKey, RowRange } from './state-key.ts';

/** What a key and an entry of a map take, roughly. */
const CHANGE_BYTES = 100;

/** A few new keys are put in their places; many are sorted. */
const INSERT_MAX = 32;

/** A row and its new value; `null` when it was removed. */
export type RowChange = readonly [key: RowKey, value: Uint8Array | null];

/** By key: the new value, or `null` for a row that was removed. Values are never changed, only replaced. */
export class ChangeLayer {
  readonly #changes = new Map<RowKey, Uint8Array | null>();
  /** Keys in order, without those in `#unsorted`. Nobody asks for an order in most workloads. */
  readonly #sorted: RowKey[] = [];
  #unsorted: RowKey[] = [];
  #sizeBytes = 0;

  get count(): number {
    return this.#changes.size;
  }

  /** What the changes take in memory, roughly. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** `undefined` when this layer says nothing about the row. */
  get(key: RowKey): Uint8Array | null | undefined {
    return this.#changes.get(key);
  }

  set(key: RowKey, value: Uint8Array | null): void {
    const before = this.#changes.get(key);
    if (before === undefined) {
      this.#unsorted.push(key);
      this.#sizeBytes += CHANGE_BYTES + key.length;
    }
    this.#sizeBytes += (value?.byteLength ?? 0) - (before?.byteLength ?? 0);
    this.#changes.set(key, value);
  }

  /** In the order in which the keys came. */
  entries(): Iterable<RowChange> {
    return this.#changes;
  }

  /** Takes over newer changes. */
  absorb(newer: ChangeLayer): void {
    for (const [key, value] of newer.#changes) this.set(key, value);
  }

  /** The changes of a range in its order. Only valid while the layer does not change. */
  *rows(range: RowRange): Generator<RowChange, void> {
    this.#sort();
    const keys = this.#sorted;
    const start = firstNotBelow(keys, range.from);
    const end = firstNotBelow(keys, range.to);
    for (let i = 0; i < end - start; i++) {
      const key = keys[range.isReverse ? end - 1 - i : start + i];
      if (key !== undefined) yield [key, this.#changes.get(key) ?? null];
    }
  }

  #sort(): void {
    const added = this.#unsorted;
    if (added.length === 0) return;
    this.#unsorted = [];
    if (added.length <= INSERT_MAX) {
      for (const key of added) this.#sorted.splice(firstNotBelow(this.#sorted, key), 0, key);
    } else {
      this.#sorted.push(...added);
      // Without a function it compares code units, which are bytes here.
      this.#sorted.sort();
    }
  }
}

function firstNotBelow(keys: readonly RowKey[], key: RowKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? key) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
