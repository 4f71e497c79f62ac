/** Campaigning: first in earnest of nothing (pre-vote), then for a new term. */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import { voterIds } from '../membership/membership.ts';
import { quorumVote } from '../quorum/joint.ts';
import { becomeLeader } from './become-leader.ts';
import { becomeFollower, saveHardState } from './follower.ts';
import { isOwnVoter, resetElectionTimer, setRole } from './own-role.ts';
import type { Ballot } from './role.ts';

/** The election timeout passed, or the user or a leader asked for an election. */
export function campaign(core: Core, { transfer }: { readonly transfer: boolean }): void {
  if (core.state.installing !== null || !isOwnVoter(core)) return;
  if (transfer || !core.options.preVote || otherVoters(core).length === 0) becomeCandidate(core, transfer);
  else becomePreCandidate(core);
}

/** Asks whether a candidacy would succeed. Changes no term anywhere (thesis §9.6). */
function becomePreCandidate(core: Core): void {
  const { state } = core;
  const ballot: Ballot = { votes: new Map([[state.nodeId, true]]) };
  resetElectionTimer(core);
  setRole(core, { name: 'pre-candidate', ballot }, null);
  const term = state.hardState.term + 1;
  const lastLogId = state.log.lastLogId();
  for (const to of otherVoters(core)) core.out.send(to, { type: 'pre-vote-request', term, lastLogId });
}

/** Starts a new term with a vote for itself (§5.2). Nobody is asked, and nothing counted, before that vote is durable. */
function becomeCandidate(core: Core, transfer: boolean): void {
  const { state, out } = core;
  const term = state.hardState.term + 1;
  saveHardState(core, { term, votedFor: state.nodeId });
  state.verifiedIndex = state.commitIndex;
  resetElectionTimer(core);
  setRole(core, { name: 'candidate', ballot: { votes: new Map() }, transfer }, null);
  const lastLogId = state.log.lastLogId();
  for (const to of otherVoters(core)) out.sendWhenDurable(to, { type: 'vote-request', term, lastLogId, transfer });
  state.ownVoteSeq = out.writeSeq();
}

/** The own vote of this term is on disk. */
export function countOwnVote(core: Core): void {
  core.state.ownVoteSeq = null;
  countVote(core, core.state.nodeId, true);
}

/** Counts one answer of a pre-vote or a vote. The first answer of a voter stands. */
export function countVote(core: Core, from: NodeId, granted: boolean): void {
  const { role, hardState, membership } = core.state;
  if (role.name !== 'candidate' && role.name !== 'pre-candidate') return;
  if (!role.ballot.votes.has(from)) role.ballot.votes.set(from, granted);
  const result = quorumVote(membership.effective.membership.configs, role.ballot.votes);
  if (result === 'lost') becomeFollower(core, hardState.term, null);
  if (result !== 'won') return;
  if (role.name === 'pre-candidate') becomeCandidate(core, false);
  else becomeLeader(core);
}

function otherVoters(core: Core): NodeId[] {
  return voterIds(core.state.membership.effective.membership).filter((id) => id !== core.state.nodeId);
}
