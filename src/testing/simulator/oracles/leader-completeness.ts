/** Leader completeness (§5.4, figure 3): what was committed in a term is in the logs of the leaders of all later terms. */
import type { NodeId, Term } from '../../../core/ids.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'leader completeness';

export class LeaderCompleteness implements Oracle {
  readonly #committed: CommittedLog;
  readonly #checked = new Map<NodeId, { readonly life: number; readonly term: Term }>();

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  settled(node: NodeView): void {
    const { id, life, core } = node;
    if (core?.role.name !== 'leader') return;
    const { term } = core.hardState;
    const checked = this.#checked.get(id);
    if (checked?.life === life && checked.term === term) return;
    this.#checked.set(id, { life, term });
    this.#check(node, term);
  }

  #check({ id, core }: NodeView, term: Term): void {
    if (core === null) return;
    for (let index = core.log.purged.index + 1; index <= this.#committed.lastIndex; index += 1) {
      const known = this.#committed.at(index);
      // Committed by a later leader already: this one may be outdated.
      if (known === undefined || known.inTerm >= term) return;
      const isHeld = core.log.termAt(index) === known.entry.logId.term;
      check(isHeld, PROPERTY, () => `leader ${id} of term ${term} lacks ${known.entry.logId.term}:${index}`);
    }
  }
}
