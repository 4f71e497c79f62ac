/** Watches a cluster of test nodes and throws as soon as anything happens that Raft rules out (figure 3). */
import type { Entry } from '../../src/core/entry.ts';
import type { LogId, LogIndex, NodeId, Term } from '../../src/core/ids.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import { isQuorum } from '../../src/core/quorum/joint.ts';
import type { RoleName } from '../../src/core/role/role.ts';
import type { Envelope } from './core-node.ts';

/** What the oracle wants to know of a node; a `TestNode` has all of it. */
export interface ObservedNode {
  readonly id: NodeId;
  readonly isAlive: boolean;
  readonly role: RoleName;
  readonly term: Term;
  readonly commitIndex: LogIndex;
  readonly applied: readonly Entry[];
  readonly entries: readonly Entry[];
  /** A new object for every life of the node. */
  readonly core: { readonly state: ObservedState };
  readonly disk: ObservedDisk;
}

interface ObservedState {
  readonly log: { readonly purged: LogId };
  readonly membership: { readonly committed: StoredConfigs; readonly effective: StoredConfigs };
}

interface StoredConfigs {
  readonly membership: Pick<Membership, 'configs'>;
}

interface ObservedDisk {
  readonly hardState: { readonly term: Term; readonly votedFor: NodeId | null };
  readonly snapshot: { readonly meta: { readonly lastLogId: LogId } } | null;
  readonly log: { readonly purged: LogId; readonly entries: readonly Entry[] };
}

/** What a node looked like when it was observed last. */
interface View {
  core: unknown;
  entries: readonly Entry[];
  purgedIndex: LogIndex;
  commitIndex: LogIndex;
  appliedCount: number;
  leaderTerm: Term | null;
  lastEntry: Entry | undefined;
  vote: { readonly term: Term; readonly votedFor: NodeId | null };
}

interface KnownEntry {
  readonly entry: Entry;
  readonly prevTerm: Term | null;
}

/** The message names the property; the details say where it broke. */
export class SafetyViolation extends Error {
  readonly property: string;

  constructor(property: string, details: string) {
    super(`${property}: ${details}`);
    this.name = 'SafetyViolation';
    this.property = property;
  }
}

export class SafetyOracle {
  readonly #nodes: ReadonlyMap<NodeId, ObservedNode>;
  readonly #leaders = new Map<Term, NodeId>();
  /** Every entry that was ever in a log, by index and term. */
  readonly #known: Map<Term, KnownEntry>[] = [];
  readonly #committed: Entry[] = [];
  /** The term of the first node that had the entry committed. */
  readonly #committedIn: Term[] = [];
  readonly #views = new Map<NodeId, View>();

  constructor(nodes: ReadonlyMap<NodeId, ObservedNode>) {
    this.#nodes = nodes;
  }

  /** How many entries are committed, as far as any node knows. */
  get committedIndex(): LogIndex {
    return this.#committed.length;
  }

  get committed(): readonly Entry[] {
    return this.#committed;
  }

  /** Call it whenever the node may have changed. */
  observe(node: ObservedNode): void {
    const view = this.#viewOf(node);
    this.#checkVote(node, view);
    if (!node.isAlive) return;
    this.#checkLog(node, view);
    this.#checkLeader(node, view);
    this.#checkCommit(node, view);
    this.#checkApplied(node, view);
  }

  /** Call it for everything that a node sends, when it leaves. */
  sent({ from, cargo }: Envelope): void {
    const node = this.#nodes.get(from);
    if (cargo.type !== 'message' || node === undefined) return;
    const { message } = cargo;
    const { disk } = node;
    if (message.type === 'append-request' || message.type === 'heartbeat-request') {
      // One that led for less than a step was never seen leading.
      const leader = this.#leaders.get(message.term) ?? from;
      this.#leaders.set(message.term, leader);
      check(leader === from, 'election safety', () => `${from} sends as leader of ${message.term}, not ${leader}`);
    }
    if (message.type === 'vote-response' && message.granted) {
      const { term, votedFor } = disk.hardState;
      const isDurable = term > message.term || (term === message.term && votedFor !== null);
      check(isDurable, 'durable votes', () => `${from} grants a vote of term ${message.term}, on disk is term ${term}`);
    }
    // After a later term began, the entries may be replaced already, and the acknowledgement counts no more.
    if (message.type === 'append-response' && message.success && disk.hardState.term <= message.term) {
      const last = disk.log.entries.at(-1)?.logId.index ?? disk.log.purged.index;
      check(
        message.matchIndex <= last,
        'durable appends',
        () => `${from} acknowledges ${message.matchIndex} of ${last}`,
      );
    }
  }

  #viewOf(node: ObservedNode): View {
    const known = this.#views.get(node.id);
    if (known !== undefined && known.core === node.core) return known;
    const view: View = {
      core: node.core,
      entries: [],
      purgedIndex: 0,
      commitIndex: 0,
      appliedCount: 0,
      leaderTerm: null,
      lastEntry: undefined,
      vote: known?.vote ?? { term: 0, votedFor: null },
    };
    this.#views.set(node.id, view);
    return view;
  }

  /** At most one vote a term, also across crashes (§5.2). */
  #checkVote({ id, disk }: ObservedNode, view: View): void {
    const { term, votedFor } = disk.hardState;
    const isKept = view.vote.votedFor === null || votedFor === view.vote.votedFor;
    const isLegal = term > view.vote.term || (term === view.vote.term && isKept);
    check(isLegal, 'one vote a term', () => `${id} had ${JSON.stringify(view.vote)}, now ${term} for ${votedFor}`);
    view.vote = disk.hardState;
  }

  /** Log matching (§5.3): an index and a term name one entry, with one entry before it. */
  #checkLog(node: ObservedNode, view: View): void {
    const { entries } = node;
    const purged = node.core.state.log.purged;
    const shift = purged.index - view.purgedIndex;
    for (const [position, entry] of entries.entries()) {
      const isChecked = view.entries[position + shift] === entry && (position > 0 || shift === 0);
      if (!isChecked) this.#checkEntry(node.id, entry, entries[position - 1]?.logId ?? purged);
    }
    view.entries = [...entries];
    view.purgedIndex = purged.index;
  }

  #checkEntry(id: NodeId, entry: Entry, before: LogId): void {
    const { term, index } = entry.logId;
    const isNext = before.index === index - 1 && before.term <= term;
    check(isNext, 'log matching', () => `${id} has ${term}:${index} after ${before.term}:${before.index}`);
    const terms = this.#known[index] ?? new Map<Term, KnownEntry>();
    this.#known[index] = terms;
    const known = terms.get(term);
    if (known === undefined) {
      terms.set(term, { entry, prevTerm: before.term });
      return;
    }
    const isSame = known.entry === entry && known.prevTerm === before.term;
    check(isSame, 'log matching', () => `${id} has another entry at ${term}:${index}, or another one before it`);
  }

  #checkLeader(node: ObservedNode, view: View): void {
    if (node.role !== 'leader') {
      view.leaderTerm = null;
      return;
    }
    const last = node.entries.at(-1);
    if (view.leaderTerm === node.term) {
      const { lastEntry } = view;
      const kept = lastEntry === undefined || this.#holds(node, lastEntry);
      check(kept, 'leader append-only', () => `leader ${node.id} lost ${lastEntry?.logId.index}`);
    } else {
      this.#checkElected(node);
      view.leaderTerm = node.term;
    }
    view.lastEntry = last;
  }

  /** Election safety (§5.2) and leader completeness (§5.4). */
  #checkElected(node: ObservedNode): void {
    const other = this.#leaders.get(node.term);
    const isOnly = other === undefined || other === node.id;
    check(isOnly, 'election safety', () => `term ${node.term} has leaders ${other} and ${node.id}`);
    this.#leaders.set(node.term, node.id);
    for (const [position, entry] of this.#committed.entries()) {
      if ((this.#committedIn[position] ?? 0) >= node.term) continue;
      check(
        this.#holds(node, entry),
        'leader completeness',
        () => `leader ${node.id} of ${node.term} lacks ${entry.logId.term}:${entry.logId.index}`,
      );
    }
  }

  #holds({ core, entries }: ObservedNode, entry: Entry): boolean {
    const { index } = core.state.log.purged;
    return entry.logId.index <= index || entries[entry.logId.index - index - 1] === entry;
  }

  /** State machine safety (§5.4.3), seen where an index is committed; and commit indexes never go back. */
  #checkCommit(node: ObservedNode, view: View): void {
    const { commitIndex, entries, id } = node;
    check(commitIndex >= view.commitIndex, 'monotonic commit', () => `${id}: ${view.commitIndex} to ${commitIndex}`);
    const purged = node.core.state.log.purged.index;
    for (let index = Math.max(view.commitIndex, purged) + 1; index <= commitIndex; index += 1) {
      const entry = entries[index - purged - 1];
      const known = this.#committed[index - 1];
      if (known === undefined) this.#commit(node, index, entry);
      else {
        const details = (): string => `${id} commits term ${entry?.logId.term} at ${index}, not ${known.logId.term}`;
        check(known === entry, 'state machine safety', details);
      }
    }
    view.commitIndex = commitIndex;
  }

  #commit(node: ObservedNode, index: LogIndex, entry: Entry | undefined): void {
    if (entry === undefined || this.#committed.length !== index - 1) {
      throw new SafetyViolation('state machine safety', `${node.id} commits ${index} after ${this.#committed.length}`);
    }
    const { committed, effective } = node.core.state.membership;
    // The config may have changed in the very step that committed.
    const isDurable = [committed, effective].some(({ membership }) =>
      isQuorum(membership.configs, (id) => this.#hasOnDisk(id, entry)),
    );
    check(isDurable, 'durable commits', () => `no quorum has ${entry.logId.term}:${index} on disk; ${node.id} commits`);
    this.#committed.push(entry);
    this.#committedIn.push(node.term);
  }

  #hasOnDisk(id: NodeId, entry: Entry): boolean {
    const disk = this.#nodes.get(id)?.disk;
    if (disk === undefined) return false;
    const { index } = entry.logId;
    if (index <= (disk.snapshot?.meta.lastLogId.index ?? 0)) return true;
    return disk.log.entries[index - disk.log.purged.index - 1] === entry;
  }

  /** Nothing is applied but what was committed, in order. */
  #checkApplied({ id, applied }: ObservedNode, view: View): void {
    if (applied.length < view.appliedCount) view.appliedCount = 0;
    for (let position = view.appliedCount; position < applied.length; position += 1) {
      const isCommitted = applied[position] === this.#committed[position];
      check(isCommitted, 'state machine safety', () => `${id} applied something else at ${position + 1}`);
    }
    view.appliedCount = applied.length;
  }
}

function check(condition: boolean, property: string, details: () => string): void {
  if (!condition) throw new SafetyViolation(property, details());
}
