/** Where the search has been: it never goes there twice, nor anywhere that is no better. */
import { mix } from './placed-set.ts';

/** What is placed of the required operations, the state that makes, and which open operations it took. */
export interface Configuration {
  readonly hash: number;
  /** See `PlacedSet.wordsFrom`. */
  readonly firstWord: number;
  readonly words: Uint32Array;
  readonly stateId: number;
  readonly open: Uint32Array;
}

interface Entry {
  readonly firstWord: number;
  readonly words: Uint32Array;
  readonly stateId: number;
  /** Sets of open operations, none within another. */
  open: Uint32Array[];
  readonly next: Entry | undefined;
}

/**
 * The cache of the search. With the same required operations placed and the same state, fewer open operations taken is
 * at least as good: whatever follows from more follows from fewer.
 */
export class Visited {
  readonly #entries = new Map<number, Entry>();
  #size = 0;

  /** Configurations that are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Remembers a configuration; false when it, or a better one, is known. */
  add(configuration: Configuration): boolean {
    const entry = this.#find(configuration);
    if (entry !== undefined) return this.#addOpen(entry, configuration.open);
    const { firstWord, words, stateId, open } = configuration;
    const hash = configuration.hash ^ mix(stateId);
    this.#entries.set(hash, { firstWord, words, stateId, open: [open], next: this.#entries.get(hash) });
    this.#size += 1;
    return true;
  }

  /** Whether the configuration, or a better one, is known. */
  has(configuration: Configuration): boolean {
    return this.#find(configuration)?.open.some((known) => isWithin(known, configuration.open)) ?? false;
  }

  /** What is known with the same required operations placed and the same state. */
  #find({ hash, firstWord, words, stateId }: Configuration): Entry | undefined {
    let entry = this.#entries.get(hash ^ mix(stateId));
    while (entry !== undefined) {
      if (entry.stateId === stateId && entry.firstWord === firstWord && areEqual(entry.words, words)) return entry;
      entry = entry.next;
    }
    return undefined;
  }

  #addOpen(entry: Entry, open: Uint32Array): boolean {
    if (entry.open.some((known) => isWithin(known, open))) return false;
    const kept = entry.open.filter((known) => !isWithin(open, known));
    this.#size += kept.length + 1 - entry.open.length;
    kept.push(open);
    entry.open = kept;
    return true;
  }
}

function areEqual(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

function isWithin(part: Uint32Array, whole: Uint32Array): boolean {
  for (let i = 0; i < part.length; i += 1) {
    if (((part[i] ?? 0) & ~(whole[i] ?? 0)) !== 0) return false;
  }
  return true;
}
