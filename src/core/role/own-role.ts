/** The role as seen from outside: who may vote, who leads, and when the next election may start. */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import type { Role, RoleName } from './role.ts';

/**
 * Only a voter campaigns. Also one whose removal is not committed yet: until then its vote counts, and if its log is
 * the longest nobody else can win (thesis §4.2.2).
 */
export function isOwnVoter({ state, options }: Core): boolean {
  return state.membership.isVoter(state.nodeId, options.instanceId);
}

export function setRole(core: Core, role: Role, leaderId: NodeId | null): void {
  const { state } = core;
  const hasChanged = state.role.name !== role.name || state.leaderId !== leaderId;
  const term = state.hardState.term;
  state.role = role;
  state.leaderId = leaderId;
  if (hasChanged || isCampaign(role.name)) core.out.add({ type: 'role-changed', role: role.name, term, leaderId });
}

/** The membership changed: a learner may have become a voter, or a voter a learner. */
export function updateRole(core: Core): void {
  const { state } = core;
  const mayVote = isOwnVoter(core);
  if (state.role.name === 'leader') return;
  if (mayVote && state.role.name === 'learner') {
    resetElectionTimer(core);
    setRole(core, { name: 'follower' }, state.leaderId);
  }
  if (!mayVote && state.role.name !== 'learner') setRole(core, { name: 'learner' }, state.leaderId);
}

/** Draws a new timeout: equal ones would split the vote again and again (§5.2). */
export function resetElectionTimer(core: Core): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs, random } = core.options;
  const span = electionTimeoutMaxMs - electionTimeoutMinMs;
  core.state.electionTimeoutMs = electionTimeoutMinMs + Math.floor(random() * span);
  core.state.electionResetMs = core.time.nowMs;
}

function isCampaign(name: RoleName): boolean {
  return name === 'candidate' || name === 'pre-candidate';
}
