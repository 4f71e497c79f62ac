/**
 * Election safety (§5.2, figure 3): at most one leader in a term, and one vote of each node in it, also across restarts. A
 * term begins with a candidate that votes for itself, never by asking (thesis §9.6).
 */
import type { HardState } from '../../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../../core/hard-state.ts';
import type { NodeId, Term } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const LEADER = 'election safety';
const VOTE = 'one vote a term';
const BEGUN = 'terms begin with a candidate';

export class ElectionSafety implements Oracle {
  readonly #leaders = new Map<Term, { readonly id: NodeId; readonly life: number }>();
  /** By disk: a node that lost it is another voter. */
  readonly #votes = new Map<string, HardState>();
  /** The last term that a candidate began. */
  #begunTerm: Term = 0;

  settled(node: NodeView): void {
    if (node.core?.role.name === 'leader') this.#claim(node, node.core.hardState.term);
  }

  /** One that led for less than a turn shows only in what it sends. */
  sent(node: NodeView, _to: NodeId, message: Message): void {
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

  #claim({ id, life }: NodeView, term: Term): void {
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, { id, life });
    else if (known.id !== id || known.life !== life) {
      check(false, LEADER, () => `term ${term} has leaders ${known.id} (life ${known.life}) and ${id} (life ${life})`);
    }
  }

  #vote({ id, diskNumber }: NodeView, next: HardState): void {
    const key = `${id}/${diskNumber}`;
    const last = this.#votes.get(key) ?? INITIAL_HARD_STATE;
    const isKept = last.votedFor === null || next.votedFor === last.votedFor;
    const isLegal = next.term > last.term || (next.term === last.term && isKept);
    check(isLegal, VOTE, () => `node ${id} goes from ${describe(last)} to ${describe(next)}`);
    this.#votes.set(key, next);
  }
}

function describe({ term, votedFor }: HardState): string {
  return `term ${term} vote ${String(votedFor)}`;
}
