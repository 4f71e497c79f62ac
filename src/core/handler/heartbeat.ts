/** The heartbeat exchange: overtakes appends, and waits for no disk once the term is durable. */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../message.ts';
import { noteContact } from '../progress/contact.ts';
import type { Progress } from '../progress/progress.ts';
import { askAgain } from '../progress/send-appends.ts';
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
    if (response.round > progress.probeRound && core.time.nowMs >= progress.retryMs) progress.isPaused = false;
  } else if (progress.state === 'replicate') recoverLost(core, leader, progress, response);
}

/** Two rounds after an append was sent there is no answer: either the append is lost or the answer to it. */
function recoverLost(
  core: Core,
  leader: Leader,
  progress: Progress,
  { round, verifiedIndex }: HeartbeatResponse,
): void {
  const { oldest } = progress.inflights;
  if (oldest === null) {
    // The follower restarted, and must verify its log anew before it may use a commit index.
    if (round > progress.matchRound && verifiedIndex < progress.matchIndex) progress.becomeProbe(verifiedIndex + 1);
  } else if (round > oldest.round + 1) {
    if (verifiedIndex < oldest.lastIndex) progress.becomeProbe(verifiedIndex + 1);
    else askAgain(core, leader, progress, verifiedIndex);
  }
}
