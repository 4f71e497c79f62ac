/** The memberships a node knows of: the committed one, and those in the log that are not committed yet. */
import type { LogIndex, NodeId } from '../ids.ts';
import type { StoredMembership } from './membership.ts';
import { isVotingStore } from './membership.ts';

/**
 * A membership is effective as soon as it is appended (§6), and no longer when its entry is truncated:
 *
 * ```text
 *   committed <= uncommitted[0] < ... < uncommitted[n]      effective = the newest
 * ```
 */
export class MembershipState {
  #committed: StoredMembership;
  #uncommitted: StoredMembership[] = [];

  /** `uncommitted`: ascending by index. */
  constructor(committed: StoredMembership, uncommitted: readonly StoredMembership[]) {
    this.#committed = committed;
    for (const stored of uncommitted) {
      this.append(stored);
    }
  }

  get committed(): StoredMembership {
    return this.#committed;
  }

  /** The newest, committed or not: the one to act by. */
  get effective(): StoredMembership {
    return this.#uncommitted.at(-1) ?? this.#committed;
  }

  /** In the newest membership, or in the committed one: a vote is lost only when the change that ends it is committed. */
  isVoter(id: NodeId, instanceId: string | null): boolean {
    const memberships = [this.effective.membership, this.#committed.membership];
    return memberships.some((membership) => isVotingStore(membership, id, instanceId));
  }

  /** Takes in the membership of an appended entry. Throws a `RangeError` when it is not newer than the effective one. */
  append(stored: StoredMembership): void {
    const { index } = this.effective.logId;
    if (stored.logId.index <= index) {
      throw new RangeError(`membership at index ${stored.logId.index} does not follow the one at ${index}`);
    }
    this.#uncommitted.push(stored);
  }

  /**
   * Drops what stood in the truncated entries and tells whether the effective membership changed. Throws a
   * `RangeError` when the committed membership would go: committed entries are never truncated.
   */
  truncateFrom(index: LogIndex): boolean {
    if (index <= this.#committed.logId.index) {
      throw new RangeError(
        `cannot truncate from ${index}: a membership is committed at ${this.#committed.logId.index}`,
      );
    }
    const before = this.#uncommitted.length;
    this.#uncommitted = this.#uncommitted.filter((stored) => stored.logId.index < index);
    return this.#uncommitted.length !== before;
  }

  /** Entries up to `index` are committed. Tells whether the committed membership changed. */
  commitTo(index: LogIndex): boolean {
    let changed = false;
    for (
      let next = this.#uncommitted[0];
      next !== undefined && next.logId.index <= index;
      next = this.#uncommitted[0]
    ) {
      this.#committed = next;
      this.#uncommitted.shift();
      changed = true;
    }
    return changed;
  }

  /** A snapshot says what is committed. What stands in the log after it stays in use. */
  replaceCommitted(stored: StoredMembership): void {
    this.#committed = stored;
  }

  /** The log was replaced by a snapshot: its membership is the only one. Not for a snapshot the log reaches beyond. */
  resetTo(stored: StoredMembership): void {
    this.#committed = stored;
    this.#uncommitted = [];
  }
}
