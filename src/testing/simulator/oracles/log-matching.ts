/**
 * Log matching (§5.3, figure 3): if two logs have an entry with the same index and term, it is the same entry, and the
 * logs are the same in all that comes before it.
 */
import type { Entry } from '../../../core/entry.ts';
import type { LogId, NodeId, Term } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { KnownEntries } from '../observation/known-entries.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'log matching';

export class LogMatching implements Oracle {
  readonly #known: KnownEntries;
  /** The term of the entry before each one, by index, then by term. */
  readonly #prevTerms: Map<Term, Term>[] = [];

  constructor(known: KnownEntries) {
    this.#known = known;
  }

  sent({ id }: NodeView, _to: NodeId, message: Message): void {
    if (message.type === 'append-request') this.#seeAll(id, message.entries, message.prevLogId);
  }

  /** The view's log has them already; before them lies an entry, or what was purged. */
  issued({ id, log }: NodeView, write: LogWrite): void {
    if (write.type !== 'append') return;
    const first = write.entries[0]?.logId.index ?? 0;
    this.#seeAll(id, write.entries, log.at(first - 1)?.logId ?? log.purged);
  }

  /** What a process finds on its disk is what was written there. */
  opened({ id, log }: NodeView): void {
    this.#seeAll(id, log.entries, log.purged);
  }

  #seeAll(id: NodeId, entries: readonly Entry[], before: LogId): void {
    let previous = before;
    for (const entry of entries) {
      this.#see(id, entry, previous);
      previous = entry.logId;
    }
  }

  #see(id: NodeId, entry: Entry, before: LogId): void {
    const { term, index } = entry.logId;
    const isNext = before.index === index - 1 && before.term <= term;
    check(isNext, PROPERTY, () => `node ${id} has ${term}:${index} after ${before.term}:${before.index}`);
    check(this.#known.see(entry), PROPERTY, () => `node ${id} has another entry at ${term}:${index}`);
    const terms = this.#prevTerms[index] ?? new Map<Term, Term>();
    this.#prevTerms[index] = terms;
    const prevTerm = terms.get(term) ?? before.term;
    terms.set(term, prevTerm);
    check(
      prevTerm === before.term,
      PROPERTY,
      () => `on node ${id} the entry before ${term}:${index} is of term ${before.term}, elsewhere of ${prevTerm}`,
    );
  }
}
