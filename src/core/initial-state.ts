/** Turns what the stores held into the state a node starts with. */
import type { HardState } from './hard-state.ts';
import type { NodeId } from './ids.ts';
import { DurableLog } from './log/durable-log.ts';
import { LogIds } from './log/log-ids.ts';
import { LogSizes } from './log/log-sizes.ts';
import { voterIds } from './membership/membership.ts';
import { MembershipState } from './membership/membership-state.ts';
import type { CoreOptions } from './options.ts';
import type { CoreState, InitialState } from './state.ts';

/**
 * Throws a `RangeError` when the applied entry is not in the log: the log must be discarded first, as the state proves
 * what was committed.
 *
 * Every node starts as follower or learner: a stored vote for itself is no candidacy, and a stored leadership is over.
 * A node that may have promised a lease to a leader refuses votes for an election timeout.
 */
export function createState(options: CoreOptions, init: InitialState, nowMs: number): CoreState {
  const { nodeId, instanceId, electionTimeoutMinMs, electionTimeoutMaxMs, random } = options;
  const log = new LogIds({ purged: init.purged, boundaries: init.boundaries, last: init.last });
  const { term, index } = init.applied;
  if (!log.has(init.applied)) throw new RangeError(`the applied entry ${term}:${index} is not in the log`);
  // The committed LogId may be newer than the log, or than the entries at its end that were about to be replaced.
  const committedIndex = log.has(init.committed) ? init.committed.index : 0;
  const commitIndex = Math.min(Math.max(committedIndex, init.applied.index), init.last.index);
  const membership = new MembershipState(init.membership, init.logMemberships);
  membership.commitTo(commitIndex);
  return {
    nodeId,
    hardState: hardStateOf(init),
    role: { name: membership.isVoter(nodeId, instanceId) ? 'follower' : 'learner' },
    leaderId: null,
    log,
    sizes: new LogSizes(init.last.index),
    durable: new DurableLog(init.last.index),
    durableIndex: init.last.index,
    commitIndex,
    applied: init.applied,
    snapshot: init.snapshot,
    installing: null,
    verifiedIndex: commitIndex,
    lastTimeMs: init.lastTimeMs,
    membership,
    leaderContactMs: mayHavePromised(init.hardState, membership, nodeId) ? nowMs : Number.NEGATIVE_INFINITY,
    electionResetMs: nowMs,
    electionTimeoutMs: electionTimeoutMinMs + Math.floor(random() * (electionTimeoutMaxMs - electionTimeoutMinMs)),
    ownVoteSeq: null,
    initializing: null,
    transfer: null,
    tickEnabled: true,
    heartbeatEnabled: true,
    electEnabled: true,
  };
}

/**
 * With a slow log store, state or snapshot may have become durable before the term of their last entry did. Nothing was
 * said in that term then, so no vote is forgotten. A log without its term is another matter: the term was lost.
 */
function hardStateOf({ hardState, purged, last }: InitialState): HardState {
  const isOnlyState = last.index === purged.index;
  return isOnlyState && last.term > hardState.term ? { term: last.term, votedFor: null } : hardState;
}

/**
 * Anybody who took part in a term may have followed its leader, also who had voted for itself. Not so the only voter
 * that voted for itself after it became that: no one else could win since then, so it restarts without delay.
 */
function mayHavePromised({ term, votedFor }: HardState, membership: MembershipState, nodeId: NodeId): boolean {
  const { effective } = membership;
  const voters = voterIds(effective.membership);
  const isOnlyVoter = voters.length === 1 && voters[0] === nodeId;
  return term > 0 && !(isOnlyVoter && votedFor === nodeId && term > effective.logId.term);
}
