/** Turns what the stores held into the state a node starts with. */
import type { HardState } from './hard-state.ts';
import type { NodeId } from './ids.ts';
import { DurableLog } from './log/durable-log.ts';
import { LogIds } from './log/log-ids.ts';
import { LogSizes } from './log/log-sizes.ts';
import { MembershipState } from './membership/membership-state.ts';
import type { CoreOptions } from './options.ts';
import type { CoreState, InitialState } from './state.ts';

/**
 * Every node starts as follower or learner: a stored vote for itself is no candidacy, and a stored leadership is over.
 * A node that may have promised a lease to a leader refuses votes for an election timeout.
 */
export function createState(options: CoreOptions, init: InitialState, nowMs: number): CoreState {
  const { nodeId, electionTimeoutMinMs, electionTimeoutMaxMs, random } = options;
  const commitIndex = Math.min(Math.max(init.committed.index, init.applied.index), init.last.index);
  const membership = new MembershipState(init.membership, init.logMemberships);
  membership.commitTo(commitIndex);
  return {
    nodeId,
    hardState: init.hardState,
    role: { name: membership.isVoter(nodeId) ? 'follower' : 'learner' },
    leaderId: null,
    log: new LogIds({ purged: init.purged, boundaries: init.boundaries, last: init.last }),
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
    leaderContactMs: mayHavePromised(init.hardState, nodeId) ? nowMs : Number.NEGATIVE_INFINITY,
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

/** Who voted for itself knows no other leader of that term, and had no promise to keep when it campaigned. */
function mayHavePromised({ term, votedFor }: HardState, nodeId: NodeId): boolean {
  return term > 0 && votedFor !== nodeId;
}
