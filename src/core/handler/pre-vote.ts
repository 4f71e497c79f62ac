/** The pre-vote exchange (thesis §9.6): nobody's term changes by asking. */

import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import type { PreVoteRequest, PreVoteResponse } from '../message.ts';
import { countVote } from '../role/candidate.ts';
import { becomeFollower, isLeaderLive, isUpToDate } from '../role/follower.ts';
import { isLeadingQuorum } from './vote.ts';

export function handlePreVoteRequest(core: Core, from: NodeId, request: PreVoteRequest, token: number): void {
  const { hardState, log } = core.state;
  const isLive = isLeaderLive(core) || isLeadingQuorum(core);
  const mayVote = request.term > hardState.term || (request.term === hardState.term && hardState.votedFor === null);
  const granted = !isLive && mayVote && isUpToDate(core, request.lastLogId);
  const term = granted ? request.term : hardState.term;
  core.out.send(from, { type: 'pre-vote-response', term, granted, lastLogId: log.lastLogId() }, token);
}

export function handlePreVoteResponse(core: Core, from: NodeId, response: PreVoteResponse): void {
  const { hardState, role } = core.state;
  if (!response.granted && response.term > hardState.term) {
    becomeFollower(core, response.term, null);
    return;
  }
  if (role.name !== 'pre-candidate') return;
  if (response.granted && response.term !== hardState.term + 1) return;
  countVote(core, from, response.granted);
}
