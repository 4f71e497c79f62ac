/**
 * Membership safety (§6): a node acts by the latest configuration in its log; a configuration follows from the one before it
 * in a way that keeps their quorums meeting; a leader starts a change only when the one before is committed, and so is an
 * entry of its own term (thesis §4.1).
 */
import type { Entry } from '../../../core/entry.ts';
import type { LogId, NodeId, Term } from '../../../core/ids.ts';
import { isSameLogId } from '../../../core/ids.ts';
import type { Membership, StoredMembership } from '../../../core/membership/membership.ts';
import type { Message } from '../../../core/message.ts';
import { describeMembership } from '../observation/entries.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { CoreView, NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';
import { doQuorumsMeet } from './own-quorum.ts';

const PROPERTY = 'membership safety';

interface Seen {
  readonly life: number;
  readonly effective: StoredMembership;
  /** The term in which it was leading then. */
  readonly leaderTerm: Term | null;
}

export class MembershipSafety implements Oracle {
  readonly #seen = new Map<NodeId, Seen>();
  /** Steps that were looked at already. */
  readonly #legal = new Set<string>();
  /** All configs that were ever sent or written, ascending by index. */
  readonly #known: LogId[] = [];

  sent(_node: NodeView, _to: NodeId, message: Message): void {
    if (message.type === 'append-request') this.#note(message.entries);
  }

  issued(_node: NodeView, write: LogWrite): void {
    if (write.type === 'append') this.#note(write.entries);
  }

  settled({ id, life, core }: NodeView): void {
    if (core === null) return;
    const { effective, committed } = core.membership;
    this.#checkLatest(id, core);
    const seen = this.#seen.get(id);
    const leaderTerm = core.role.name === 'leader' ? core.hardState.term : null;
    if (seen?.life === life && seen.effective === effective && seen.leaderTerm === leaderTerm) return;
    this.#seen.set(id, { life, effective, leaderTerm });
    const isKnown = committed.logId.index <= core.commitIndex;
    check(isKnown, PROPERTY, () => `node ${id} takes ${describe(committed)} as committed at ${core.commitIndex}`);
    const wasLeading = seen?.life === life && leaderTerm !== null && seen.leaderTerm === leaderTerm;
    if (wasLeading && seen.effective !== effective) this.#checkChange(id, core, seen.effective);
  }

  #note(entries: readonly Entry[]): void {
    for (const { membership, logId } of entries) {
      if (membership === null || this.#known.some((known) => isSameLogId(known, logId))) continue;
      const position = this.#known.findLastIndex(({ index }) => index < logId.index) + 1;
      this.#known.splice(position, 0, logId);
    }
  }

  /** It stands in the log still, and no later one does. */
  #checkLatest(id: NodeId, { log, membership }: CoreView): void {
    const { logId } = membership.effective;
    const isThere = logId.index <= log.purged.index || log.termAt(logId.index) === logId.term;
    check(isThere, PROPERTY, () => `node ${id} acts by ${describe(membership.effective)}, which is not in its log`);
    for (let position = this.#known.length - 1; position >= 0; position -= 1) {
      const later = this.#known[position];
      if (later === undefined || later.index <= logId.index) return;
      const isHeld = later.index > log.purged.index && log.termAt(later.index) === later.term;
      check(
        !isHeld,
        PROPERTY,
        () => `node ${id} acts by ${describe(membership.effective)}, but has one at ${later.index}`,
      );
    }
  }

  /** A leader appended a config. */
  #checkChange(id: NodeId, core: CoreView, before: StoredMembership): void {
    const { effective } = core.membership;
    const details = (): string => `leader ${id} goes from ${describe(before)} to ${describe(effective)}`;
    check(before.logId.index <= core.commitIndex, PROPERTY, () => `${details()}, which is not committed yet`);
    const isOwnTermCommitted = core.log.termAt(core.commitIndex) === core.hardState.term;
    check(isOwnTermCommitted, PROPERTY, () => `${details()} before it committed an entry of its term`);
    this.#checkStep(before.membership, effective.membership, details);
  }

  #checkStep(before: Membership, after: Membership, details: () => string): void {
    const key = `${JSON.stringify(before.configs)}>${JSON.stringify(after.configs)}`;
    if (this.#legal.has(key)) return;
    check(isStep(before, after), PROPERTY, details);
    check(doQuorumsMeet(before.configs, after.configs), PROPERTY, () => `${details()}, whose quorums need not meet`);
    this.#legal.add(key);
  }
}

/** Of two different voter sets, one is joint and shares a set with the other. */
function isStep(before: Membership, after: Membership): boolean {
  const [from, to] = [before.configs.map(String), after.configs.map(String)];
  if (to.length > 2 || to.length === 0) return false;
  if (from.length === 1 && to.length === 1) return from[0] === to[0];
  return from.some((set) => to.includes(set));
}

function describe({ logId, membership }: StoredMembership): string {
  return `${describeMembership(membership)} at ${logId.term}:${logId.index}`;
}
