/**
 * Election safety (§5.2, figure 3): at most one leader in a term, elected by a quorum in that term, and one vote of each node
 * in it, also across restarts. A term begins with a candidate that votes for itself, never by asking (thesis §9.6).
 */
import type { HardState } from '../../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../../core/hard-state.ts';
import type { NodeId, Term } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';
import { holdsQuorum } from './own-quorum.ts';

const LEADER = 'election safety';
const ELECTED = 'leaders are elected';
const VOTE = 'one vote a term';
const BEGUN = 'terms begin with a candidate';

export class ElectionSafety implements Oracle {
  readonly #leaders = new Map<Term, { readonly id: NodeId; readonly life: number }>();
  /** By disk: a node that lost it is another voter. */
  readonly #votes = new Map<string, HardState>();
  /** Who voted for whom, by term. */
  readonly #voters = new Map<string, Set<NodeId>>();
  /** The last term that a candidate began. */
  #begunTerm: Term = 0;

  settled(node: NodeView): void {
    if (node.core?.role.name === 'leader') this.#claim(node, node.core.hardState.term);
  }

  /** One that led for less than a turn shows only in what it sends. */
  sent(node: NodeView, to: NodeId, message: Message): void {
    // A vote may never have been on the disk: it is as good when a later term is, since it can't be given again.
    if (message.type === 'vote-response' && message.granted) this.#count(message.term, to, node.id);
    if (message.type === 'append-request' || message.type === 'heartbeat-request') this.#claim(node, message.term);
  }

  issued({ id }: NodeView, write: LogWrite): void {
    if (write.type !== 'hard-state') return;
    const { term, votedFor } = write.hardState;
    if (votedFor === id) this.#begunTerm = Math.max(this.#begunTerm, term);
    check(
      term <= this.#begunTerm,
      BEGUN,
      () => `node ${id} enters term ${term}, the last that a candidate began is ${this.#begunTerm}`,
    );
  }

  durable(node: NodeView, write: LogWrite): void {
    if (write.type === 'hard-state') this.#vote(node, write.hardState);
  }

  /** More may be on the disk than the process was told. */
  opened(node: NodeView): void {
    this.#vote(node, node.disk.hardState);
  }

  #claim(node: NodeView, term: Term): void {
    const { id, life } = node;
    const known = this.#leaders.get(term);
    if (known === undefined) {
      this.#leaders.set(term, { id, life });
      this.#checkElected(node, term);
    } else if (known.id !== id || known.life !== life) {
      check(false, LEADER, () => `term ${term} has leaders ${known.id} (life ${known.life}) and ${id} (life ${life})`);
    }
  }

  #checkElected({ id, core }: NodeView, term: Term): void {
    const configs = core?.membership.effective.membership.configs ?? [];
    if (configs.length === 0) return;
    const voters = this.#voters.get(`${term}/${id}`) ?? new Set();
    const isElected = holdsQuorum(configs, (voter) => voters.has(voter));
    check(isElected, ELECTED, () => `node ${id} leads term ${term} with the votes of ${[...voters].join(', ')} only`);
  }

  #vote({ id, diskNumber }: NodeView, next: HardState): void {
    const key = `${id}/${diskNumber}`;
    const last = this.#votes.get(key) ?? INITIAL_HARD_STATE;
    const isKept = last.votedFor === null || next.votedFor === last.votedFor;
    const isLegal = next.term > last.term || (next.term === last.term && isKept);
    check(isLegal, VOTE, () => `node ${id} goes from ${describe(last)} to ${describe(next)}`);
    this.#votes.set(key, next);
    if (next.votedFor === null) return;
    this.#count(next.term, next.votedFor, id);
  }

  #count(term: Term, candidate: NodeId, voter: NodeId): void {
    const ballot = `${term}/${candidate}`;
    this.#voters.set(ballot, (this.#voters.get(ballot) ?? new Set()).add(voter));
  }
}

function describe({ term, votedFor }: HardState): string {
  return `term ${term} vote ${String(votedFor)}`;
}
