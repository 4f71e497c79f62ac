/** Log entries in memory: a range of indexes in chunks, cheap to grow, to cut at both ends and to read anywhere. */
import type { Entry } from '../../core/entry.ts';
import { entryBytes } from '../../core/entry.ts';
import type { LogIndex } from '../../core/ids.ts';

/** A purge clears at most one chunk entry by entry and drops the others whole. */
const CHUNK_ENTRIES = 1024;

/**
 * The entries `[firstIndex, nextIndex)`. What is removed is no longer referenced, so that its memory is free.
 *
 * ```text
 *   base                firstIndex                                   nextIndex
 *    | removed, cleared      | entries ...        |        ...           |
 *    [ ------ chunk 0 ------ ][ ----- chunk 1 ----- ][ ----- chunk 2 ---- ]
 * ```
 */
export class EntryChunks {
  #chunks: (Entry | undefined)[][] = [];
  /** The index of the first slot of the first chunk. */
  #base: LogIndex = 1;
  #firstIndex: LogIndex = 1;
  #nextIndex: LogIndex = 1;

  get firstIndex(): LogIndex {
    return this.#firstIndex;
  }

  get nextIndex(): LogIndex {
    return this.#nextIndex;
  }

  /** The last entry, `null` when there is none. */
  get last(): Entry | null {
    return this.#nextIndex === this.#firstIndex ? null : this.#at(this.#nextIndex - 1);
  }

  /** Adds the entries, which the caller has checked to follow the last one. */
  push(entries: readonly Entry[]): void {
    let chunk = this.#chunks.at(-1);
    for (const entry of entries) {
      if (chunk === undefined || chunk.length === CHUNK_ENTRIES) {
        chunk = [];
        this.#chunks.push(chunk);
      }
      chunk.push(entry);
    }
    this.#nextIndex += entries.length;
  }

  /** Removes the entries from `fromIndex` on. */
  removeFrom(fromIndex: LogIndex): void {
    if (fromIndex >= this.#nextIndex) {
      return;
    }
    if (fromIndex <= this.#firstIndex) {
      this.#clear(this.#firstIndex);
      return;
    }
    const kept = fromIndex - this.#base;
    this.#chunks.length = Math.ceil(kept / CHUNK_ENTRIES);
    const tail = this.#chunks.at(-1);
    if (tail !== undefined) {
      tail.length = kept - (this.#chunks.length - 1) * CHUNK_ENTRIES;
    }
    this.#nextIndex = fromIndex;
  }

  /** Removes the entries before `firstIndex`; past the end this leaves none, and the next one will be `firstIndex`. */
  removeBefore(firstIndex: LogIndex): void {
    if (firstIndex <= this.#firstIndex) {
      return;
    }
    if (firstIndex >= this.#nextIndex) {
      this.#clear(firstIndex);
      return;
    }
    const dropped = Math.floor((firstIndex - this.#base) / CHUNK_ENTRIES);
    this.#chunks.splice(0, dropped);
    this.#base += dropped * CHUNK_ENTRIES;
    const head = this.#chunks[0];
    head?.fill(undefined, Math.max(this.#firstIndex - this.#base, 0), firstIndex - this.#base);
    this.#firstIndex = firstIndex;
  }

  /** A prefix of the entries in `[fromIndex, toIndex)` of up to `maxBytes`, at least one if there is any. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): readonly Entry[] {
    const end = Math.min(toIndex, this.#nextIndex);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = Math.max(fromIndex, this.#firstIndex); index < end; index += 1) {
      const entry = this.#at(index);
      bytes += entryBytes(entry);
      if (bytes > maxBytes && entries.length > 0) {
        break;
      }
      entries.push(entry);
    }
    return entries;
  }

  #at(index: LogIndex): Entry {
    const slot = index - this.#base;
    const entry = this.#chunks[Math.floor(slot / CHUNK_ENTRIES)]?.[slot % CHUNK_ENTRIES];
    if (entry === undefined) {
      throw new RangeError(`no entry ${index} in [${this.#firstIndex}, ${this.#nextIndex})`);
    }
    return entry;
  }

  #clear(firstIndex: LogIndex): void {
    this.#chunks = [];
    this.#base = firstIndex;
    this.#firstIndex = firstIndex;
    this.#nextIndex = firstIndex;
  }
}
