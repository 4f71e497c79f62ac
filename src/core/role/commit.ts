/** Committing: the leader's rule (§5.3, §5.4.2), and what follows from it on every node. */
import type { Core } from '../context.ts';
import type { LogIndex } from '../ids.ts';
import { quorumValue } from '../quorum/joint.ts';
import type { Leader } from './leader.ts';
import { updateRole } from './own-role.ts';

/**
 * Commits what a quorum of every config holds durably, the leader's own disk being one voter among them. An entry of
 * an earlier term is committed only together with one of this term (figure 8).
 */
export function commitAcknowledged(core: Core, leader: Leader): boolean {
  if (!leader.isCommitDirty) return false;
  leader.isCommitDirty = false;
  const { state } = core;
  const { configs } = state.membership.effective.membership;
  const index = quorumValue(configs, (id) =>
    id === state.nodeId ? state.durableIndex : (leader.progress.get(id)?.matchIndex ?? 0),
  );
  if (index <= state.commitIndex || state.log.termAt(index) !== leader.term) return false;
  leader.isNoticeDue = true;
  return commitTo(core, index);
}

/** Marks the log as committed up to `index`, and tells what follows from it. */
export function commitTo(core: Core, index: LogIndex): boolean {
  const { state } = core;
  if (index <= state.commitIndex) return false;
  const logId = state.log.logIdAt(index);
  if (logId === null) return false;
  state.commitIndex = index;
  if (state.membership.commitTo(index)) {
    core.out.add({ type: 'membership-effective', membership: state.membership.committed, isCommitted: true });
    updateRole(core);
  }
  core.out.add({ type: 'commit', logId });
  return true;
}
