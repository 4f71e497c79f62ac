/** What happens because time passed. */
import type { Core } from '../context.ts';
import { startRound } from '../read/heartbeat-round.ts';
import { quorumContactMs } from '../read/lease.ts';
import { campaign } from '../role/candidate.ts';
import { becomeFollower, leaderLiveUntilMs } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';
import { isOwnVoter } from '../role/own-role.ts';
import { dropRemoved } from '../role/sync-progress.ts';
import { expireReads } from './read-index.ts';
import { expireTransfer } from './transfer.ts';

/** When the core wants its next `tick`, monotonic ms; `Infinity` when it waits for nothing. */
export function nextDeadlineMs(core: Core): number {
  const { state } = core;
  if (!state.tickEnabled) return Number.POSITIVE_INFINITY;
  const transferMs = state.transfer?.deadlineMs ?? Number.POSITIVE_INFINITY;
  if (state.role.name !== 'leader') return Math.min(transferMs, electionDeadlineMs(core));
  const { nextHeartbeatMs, reads } = state.role.leader;
  return Math.min(transferMs, nextHeartbeatMs, reads.open?.deadlineMs ?? Number.POSITIVE_INFINITY);
}

/**
 * Only a voter campaigns, and not while its state is being replaced or its first entry written. The only voter need not
 * wait for others, but for the end of what it promised to a leader that is being removed.
 */
function electionDeadlineMs(core: Core): number {
  const { state } = core;
  if (!state.electEnabled || !isOwnVoter(core)) return Number.POSITIVE_INFINITY;
  if (state.installing !== null || state.initializing !== null) return Number.POSITIVE_INFINITY;
  if (state.role.name === 'follower' && isOnlyVoter(core))
    return Math.max(state.electionResetMs, leaderLiveUntilMs(core));
  return state.electionResetMs + state.electionTimeoutMs;
}

function isOnlyVoter({ state }: Core): boolean {
  // Asked after every step of a follower: without copying or sorting the voters.
  const { configs } = state.membership.effective.membership;
  return (
    configs.some((voters) => voters.length > 0) && configs.every((voters) => voters.every((id) => id === state.nodeId))
  );
}

export function handleTick(core: Core): void {
  const { state, time } = core;
  if (!state.tickEnabled) return;
  expireTransfer(core);
  if (state.role.name === 'leader') tickLeader(core, state.role.leader);
  else if (time.nowMs >= electionDeadlineMs(core)) campaign(core, { transfer: false });
}

function tickLeader(core: Core, leader: Leader): void {
  const { state, options, time } = core;
  expireReads(core, leader);
  if (options.checkQuorum && time.nowMs - quorumContactMs(core, leader) > options.electionTimeoutMaxMs) {
    becomeFollower(core, state.hardState.term, null);
    return;
  }
  if (time.nowMs < leader.nextHeartbeatMs) return;
  dropRemoved(core, leader);
  if (state.heartbeatEnabled) startRound(core, leader);
  else leader.nextHeartbeatMs = time.nowMs + options.heartbeatIntervalMs;
}
