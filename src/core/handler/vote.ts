/** The vote exchange (§5.2, §5.4.1). */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import type { VoteRequest, VoteResponse } from '../message.ts';
import { quorumContactMs } from '../read/lease.ts';
import { countVote } from '../role/candidate.ts';
import { becomeFollower, isLeaderLive, isUpToDate, saveHardState } from '../role/follower.ts';
import { resetElectionTimer } from '../role/own-role.ts';

/**
 * Grants one vote a term, to a candidate whose log is at least as up to date, and never while a live leader is known
 * unless that leader asked for the election. A grant leaves only once it is durable, also a repeated one.
 */
export function handleVoteRequest(core: Core, from: NodeId, request: VoteRequest, token: number): void {
  const { state, out } = core;
  const isLive = !request.transfer && (isLeaderLive(core) || isLeadingQuorum(core));
  if (!isLive && request.term > state.hardState.term) becomeFollower(core, request.term, null);
  const { term, votedFor } = state.hardState;
  const granted =
    !isLive &&
    request.term === term &&
    (votedFor === null || votedFor === from) &&
    state.role.name !== 'leader' &&
    isUpToDate(core, request.lastLogId);
  const response: VoteResponse = { type: 'vote-response', term, granted, lastLogId: state.log.lastLogId() };
  if (!granted) {
    out.send(from, response, token);
    return;
  }
  if (votedFor === null) saveHardState(core, { term, votedFor: from });
  resetElectionTimer(core);
  out.sendWhenDurable(from, response, token);
}

export function handleVoteResponse(core: Core, from: NodeId, response: VoteResponse): void {
  if (core.state.role.name === 'candidate') countVote(core, from, response.granted);
}

/** A leader that a quorum answered just now is itself the live leader whose term others must not disturb. */
export function isLeadingQuorum(core: Core): boolean {
  const { role } = core.state;
  if (role.name !== 'leader') return false;
  return core.time.nowMs - quorumContactMs(core, role.leader) < core.options.electionTimeoutMinMs;
}
