/**
 * The newest entries, in memory once for persister, replicators and applier. Who asks for the same range gets the same
 * array, so that it is encoded once however often it is sent or written.
 */
import type { Entry } from '../core/entry.ts';
import { entryBytes } from '../core/entry.ts';
import type { LogIndex } from '../core/ids.ts';

/** Evicted slots are given back in bulk. */
const COMPACT_AT = 4096;

export class LogCache {
  readonly #maxBytes: number;
  #entries: (Entry | undefined)[] = [];
  /** Slots at the front that are evicted but not given back yet. */
  #head = 0;
  /** Index of the entry in slot 0. */
  #base: LogIndex;
  #bytes = 0;
  #lastSlice: { readonly fromIndex: LogIndex; readonly entries: readonly Entry[] } | null = null;

  constructor(lastIndex: LogIndex, maxBytes: number) {
    this.#base = lastIndex + 1;
    this.#maxBytes = maxBytes;
  }

  get firstIndex(): LogIndex {
    return this.#base + this.#head;
  }

  get lastIndex(): LogIndex {
    return this.#base + this.#entries.length - 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entryBytes(entry);
    }
    this.#lastSlice = { fromIndex: first.logId.index, entries };
  }

  truncate(fromIndex: LogIndex): void {
    this.#lastSlice = null;
    const length = Math.max(fromIndex - this.#base, this.#head);
    for (const entry of this.#entries.splice(length)) if (entry !== undefined) this.#bytes -= entryBytes(entry);
    if (fromIndex < this.firstIndex) this.reset(fromIndex - 1);
  }

  /** Forgets everything; the next entry is the one after `lastIndex`. */
  reset(lastIndex: LogIndex): void {
    this.#entries = [];
    this.#head = 0;
    this.#base = lastIndex + 1;
    this.#bytes = 0;
    this.#lastSlice = null;
  }

  /** The entries of `[fromIndex, toIndex)`, or `null` when not all of them are here. */
  slice(fromIndex: LogIndex, toIndex: LogIndex): readonly Entry[] | null {
    if (fromIndex < this.firstIndex || toIndex > this.lastIndex + 1) return null;
    const last = this.#lastSlice;
    if (last !== null && last.fromIndex === fromIndex && last.entries.length === toIndex - fromIndex)
      return last.entries;
    const entries = this.#entries.slice(fromIndex - this.#base, toIndex - this.#base) as Entry[];
    this.#lastSlice = { fromIndex, entries };
    return entries;
  }

  /** Lets go of the oldest entries up to `index` while the cache is larger than its limit. */
  evictTo(index: LogIndex): void {
    this.#evict(index, this.#maxBytes);
  }

  /** The log was purged up to `index`: nobody will ask for these any more. */
  purgeTo(index: LogIndex): void {
    this.#evict(index, 0);
  }

  #evict(index: LogIndex, maxBytes: number): void {
    while (this.#bytes > maxBytes && this.firstIndex <= index && this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head];
      if (entry !== undefined) this.#bytes -= entryBytes(entry);
      this.#entries[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }
}
