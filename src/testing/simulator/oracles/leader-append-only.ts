/** Leader append-only (§5.3, figure 3): a leader never overwrites or removes entries of its log, it only adds to them. */
import type { LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'leader append-only';

/** A node that was seen leading, and where its log ended then. */
interface SeenLeader {
  readonly life: number;
  readonly term: Term;
  lastIndex: LogIndex;
  lastTerm: Term | null;
}

export class LeaderAppendOnly implements Oracle {
  readonly #leaders = new Map<NodeId, SeenLeader>();

  settled({ id, life, core }: NodeView): void {
    if (core?.role.name !== 'leader') {
      if (this.#leaders.size > 0) this.#leaders.delete(id);
      return;
    }
    const { log, hardState } = core;
    const seen = this.#leaders.get(id);
    const now = { life, term: hardState.term, lastIndex: log.lastIndex, lastTerm: log.termAt(log.lastIndex) };
    if (seen === undefined || seen.life !== life || seen.term !== now.term) {
      this.#leaders.set(id, now);
      return;
    }
    if (seen.lastIndex === now.lastIndex && seen.lastTerm === now.lastTerm) return;
    const isKept = seen.lastIndex <= log.purged.index || log.termAt(seen.lastIndex) === seen.lastTerm;
    check(isKept, PROPERTY, () => `leader ${id} of term ${now.term} lost ${String(seen.lastTerm)}:${seen.lastIndex}`);
    seen.lastIndex = now.lastIndex;
    seen.lastTerm = now.lastTerm;
  }
}
