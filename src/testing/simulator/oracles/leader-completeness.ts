/**
 * Leader completeness (§5.4, figure 3): what was committed in a term is in the logs of the leaders of all later terms. To
 * that end a leader commits by counting only entries of its own term (§5.4.2).
 */
import type { LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { CoreView, NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'leader completeness';
const COMMIT_RULE = 'commit rule';

interface SeenLeader {
  readonly life: number;
  readonly term: Term;
  commitIndex: LogIndex;
}

export class LeaderCompleteness implements Oracle {
  readonly #committed: CommittedLog;
  readonly #leaders = new Map<NodeId, SeenLeader>();

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  settled(node: NodeView): void {
    const { id, life, core } = node;
    if (core?.role.name !== 'leader') return;
    const { term } = core.hardState;
    const seen = this.#leaders.get(id);
    if (seen?.life === life && seen.term === term) {
      this.#checkCommit(id, core, seen);
      return;
    }
    this.#leaders.set(id, { life, term, commitIndex: core.commitIndex });
    this.#check(node, term);
  }

  /** Of a leader that was seen leading before. */
  #checkCommit(id: NodeId, core: CoreView, seen: SeenLeader): void {
    const { commitIndex, log } = core;
    if (commitIndex === seen.commitIndex) return;
    seen.commitIndex = commitIndex;
    const term = log.termAt(commitIndex);
    check(term === seen.term, COMMIT_RULE, () => `leader ${id} of term ${seen.term} commits ${term}:${commitIndex}`);
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
