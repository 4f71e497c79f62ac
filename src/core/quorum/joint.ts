/**
 * Quorums of a configuration: a majority of every voter set in it (§6). An empty half of a joint config never blocks;
 * a configuration without any voter never decides anything.
 */
import type { NodeId } from '../ids.ts';
import type { VoteResult } from './majority.ts';
import { isMajority, majorityValue, majorityVote } from './majority.ts';

/** The largest value that a majority of every voter set has reached; 0 without voters. */
export function quorumValue(configs: readonly (readonly NodeId[])[], valueFor: (id: NodeId) => number): number {
  if (!hasVoters(configs)) {
    return 0;
  }
  let lowest = Number.POSITIVE_INFINITY;
  for (const voters of configs) {
    lowest = Math.min(lowest, majorityValue(voters, valueFor));
  }
  return lowest;
}

/** How a vote stands: won when every voter set grants it, lost when one can't any more. Pending without voters. */
export function quorumVote(configs: readonly (readonly NodeId[])[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  let result: VoteResult = hasVoters(configs) ? 'won' : 'pending';
  for (const voters of configs) {
    const vote = majorityVote(voters, votes);
    if (vote === 'lost') {
      return 'lost';
    }
    if (vote === 'pending') {
      result = 'pending';
    }
  }
  return result;
}

/** Do those for which `granted` is true hold a majority of every voter set? False without voters. */
export function isQuorum(configs: readonly (readonly NodeId[])[], granted: (id: NodeId) => boolean): boolean {
  for (const voters of configs) {
    if (!isMajority(voters, granted)) {
      return false;
    }
  }
  return hasVoters(configs);
}

function hasVoters(configs: readonly (readonly NodeId[])[]): boolean {
  for (const voters of configs) {
    if (voters.length > 0) {
      return true;
    }
  }
  return false;
}
