/** Every entry that was ever written or sent, by index and term. */
import type { Entry } from '../../../core/entry.ts';
import type { LogIndex, Term } from '../../../core/ids.ts';
import { isSameEntry } from './entries.ts';

export class KnownEntries {
  readonly #known: Map<Term, Entry>[] = [];

  get(index: LogIndex, term: Term | null): Entry | undefined {
    return term === null ? undefined : this.#known[index]?.get(term);
  }

  /** Returns whether it is the one that is known by this LogId, if any is. */
  see(entry: Entry): boolean {
    const { index, term } = entry.logId;
    const terms = this.#known[index] ?? new Map<Term, Entry>();
    this.#known[index] = terms;
    const known = terms.get(term);
    if (known === undefined) terms.set(term, entry);
    return known === undefined || isSameEntry(known, entry);
  }
}
