/** Majorities of one voter set (§5.2, §5.4). A leaf: nothing is remembered between calls, so no count can go stale. */
import type { NodeId } from '../ids.ts';

/** How a vote stands. `lost`: no further answer could win it. */
export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * The largest value that a majority has reached: with acknowledged indexes, what the set has committed.
 * The empty set has reached everything (`Infinity`), so that an empty half of a joint config never blocks.
 */
export function majorityValue(voters: readonly NodeId[], valueFor: (id: NodeId) => number): number {
  const ascending: number[] = [];
  for (const id of voters) {
    insertSorted(ascending, valueFor(id));
  }
  // The value here and all those above it are just a majority. Only the empty set has none.
  return ascending[voters.length - majoritySize(voters)] ?? Number.POSITIVE_INFINITY;
}

/** How the vote stands in one voter set; answers of others don't count. The empty set has won. */
export function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  let grants = 0;
  let denials = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === true) {
      grants += 1;
    } else if (vote === false) {
      denials += 1;
    }
  }
  const needed = voters.length === 0 ? 0 : majoritySize(voters);
  if (grants >= needed) {
    return 'won';
  }
  return voters.length - denials < needed ? 'lost' : 'pending';
}

/** Do those for which `granted` is true hold a majority of the set? True for the empty set. */
export function isMajority(voters: readonly NodeId[], granted: (id: NodeId) => boolean): boolean {
  let grants = 0;
  for (const id of voters) {
    if (granted(id)) {
      grants += 1;
    }
  }
  return voters.length === 0 || grants >= majoritySize(voters);
}

function majoritySize(voters: readonly NodeId[]): number {
  return Math.floor(voters.length / 2) + 1;
}

/** Insertion sort: voter sets are small, and this runs for every append response. */
function insertSorted(ascending: number[], value: number): void {
  let at = ascending.length;
  ascending.push(value);
  while (at > 0) {
    const before = ascending[at - 1];
    if (before === undefined || before <= value) {
      break;
    }
    ascending[at] = before;
    at -= 1;
  }
  ascending[at] = value;
}
