/** Quorums by definition: try every subset of the voters. Slow and obvious, to check the fast ones against. */
import type { NodeId } from '../../../src/core/ids.ts';
import type { VoteResult } from '../../../src/core/quorum/majority.ts';

/** All subsets of the voters that hold more than half of them; for no voters, the empty one. */
function majorities(voters: readonly NodeId[]): NodeId[][] {
  if (voters.length === 0) {
    return [[]];
  }
  return subsets(voters).filter((subset) => 2 * subset.length > voters.length);
}

export function subsets(ids: readonly NodeId[]): NodeId[][] {
  const [first, ...rest] = ids;
  if (first === undefined) {
    return [[]];
  }
  const without = subsets(rest);
  return [...without, ...without.map((subset) => [first, ...subset])];
}

/** The best that any majority has reached as a whole. */
export function naiveMajorityValue(voters: readonly NodeId[], valueFor: (id: NodeId) => number): number {
  return Math.max(...majorities(voters).map((ids) => Math.min(...ids.map(valueFor))));
}

/** Won if some majority has granted, lost if none still can. */
export function naiveMajorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (majorities(voters).some((ids) => ids.every((id) => votes.get(id) === true))) {
    return 'won';
  }
  return majorities(voters).some((ids) => ids.every((id) => votes.get(id) !== false)) ? 'pending' : 'lost';
}

export function naiveQuorumValue(configs: readonly NodeId[][], valueFor: (id: NodeId) => number): number {
  const lowest = Math.min(...configs.map((voters) => naiveMajorityValue(voters, valueFor)));
  return configs.flat().length === 0 ? 0 : lowest;
}

export function naiveQuorumVote(configs: readonly NodeId[][], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const results = new Set(configs.map((voters) => naiveMajorityVote(voters, votes)));
  if (configs.flat().length === 0) {
    return 'pending';
  }
  return results.has('lost') ? 'lost' : results.has('pending') ? 'pending' : 'won';
}

export function naiveIsQuorum(configs: readonly NodeId[][], granted: ReadonlySet<NodeId>): boolean {
  const hold = (voters: readonly NodeId[]): boolean =>
    majorities(voters).some((ids) => ids.every((id) => granted.has(id)));
  return configs.flat().length > 0 && configs.every(hold);
}
