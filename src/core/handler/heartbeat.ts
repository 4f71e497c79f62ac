/** The heartbeat exchange: never waits for the disk, and overtakes appends. */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../message.ts';
import { noteContact } from '../progress/contact.ts';
import type { Progress } from '../progress/progress.ts';
import { commitTo } from '../role/commit.ts';
import { followLeader } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';

export function handleHeartbeatRequest(core: Core, from: NodeId, request: HeartbeatRequest, token: number): void {
  followLeader(core, from);
  commitTo(core, Math.min(request.commitIndex, core.state.verifiedIndex));
  reply(core, from, request, token);
}

/** Tells a leader of an earlier term that its term is over. */
export function refuseOldHeartbeat(core: Core, from: NodeId, request: HeartbeatRequest, token: number): void {
  reply(core, from, request, token);
}

function reply(core: Core, to: NodeId, { session, round }: HeartbeatRequest, token: number): void {
  const { hardState, verifiedIndex } = core.state;
  core.out.send(to, { type: 'heartbeat-response', term: hardState.term, session, round, verifiedIndex }, token);
}

export function handleHeartbeatResponse(core: Core, leader: Leader, from: NodeId, response: HeartbeatResponse): void {
  const progress = leader.progress.get(from);
  if (progress === undefined || progress.session !== response.session) return;
  noteContact(core, leader, progress, response.round);
  if (progress.state === 'probe') {
    // A heartbeat overtakes appends: only one sent after the probe shows that the probe must have been lost.
    if (response.round > progress.probeRound) progress.isPaused = false;
  } else if (hasLostAppends(progress, response)) progress.becomeProbe(response.verifiedIndex + 1);
}

/**
 * Two rounds after an append was sent the follower has not even seen it: it is lost. Or the follower restarted and
 * must verify its log anew before it may use a commit index.
 */
function hasLostAppends(progress: Progress, { round, verifiedIndex }: HeartbeatResponse): boolean {
  if (progress.state !== 'replicate') return false;
  const { oldest } = progress.inflights;
  if (oldest !== null) return round > oldest.round + 1 && verifiedIndex < oldest.lastIndex;
  return round > progress.matchRound && verifiedIndex < progress.matchIndex;
}
