/** Writes became durable: only now does this node count itself. */
import type { Core } from '../context.ts';
import { campaign, countOwnVote } from '../role/candidate.ts';
import { finishInstallation } from './install-snapshot.ts';

export function handlePersisted(core: Core, seq: number): void {
  const { state, out } = core;
  state.durable.complete(seq);
  state.durableIndex = state.durable.index();
  if (state.role.name === 'leader') state.role.leader.isCommitDirty = true;
  if (state.installing !== null && seq >= state.installing.seq) finishInstallation(core);
  if (state.initializing !== null && seq >= state.initializing.seq) {
    const { id } = state.initializing;
    state.initializing = null;
    out.add({ type: 'membership-changed', id, result: state.membership.effective });
    if (state.hardState.term === 0) campaign(core, { transfer: false });
  }
  if (state.ownVoteSeq !== null && seq >= state.ownVoteSeq) countOwnVote(core);
}
