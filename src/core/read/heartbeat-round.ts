/** Heartbeat rounds: they keep followers from campaigning, prove leadership for reads, and carry the commit index. */
import type { Core } from '../context.ts';
import type { Progress } from '../progress/progress.ts';
import type { Leader } from '../role/leader.ts';

/** Sends a heartbeat to every peer and restarts the heartbeat timer. Returns the number of the round. */
export function startRound(core: Core, leader: Leader): number {
  const { nowMs } = core.time;
  const round = leader.rounds.start(nowMs);
  leader.nextHeartbeatMs = nowMs + core.options.heartbeatIntervalMs;
  for (const progress of leader.progress.values()) sendHeartbeat(core, leader, progress);
  return round;
}

/** Tells the commit index to peers that could use it and were not told by an append. */
export function sendCommitNotices(core: Core, leader: Leader): void {
  leader.isNoticeDue = false;
  for (const progress of leader.progress.values()) {
    if (usableCommit(core, progress) > progress.sentCommitIndex) sendHeartbeat(core, leader, progress);
  }
}

/** A commit index never goes beyond what the peer is known to hold, or it would commit what it must truncate. */
export function usableCommit(core: Core, progress: Progress): number {
  return Math.min(core.state.commitIndex, progress.matchIndex);
}

function sendHeartbeat(core: Core, leader: Leader, progress: Progress): void {
  const commitIndex = usableCommit(core, progress);
  progress.sentCommitIndex = Math.max(progress.sentCommitIndex, commitIndex);
  const { session } = progress;
  core.out.send(progress.peer, {
    type: 'heartbeat-request',
    term: leader.term,
    session,
    round: leader.rounds.current,
    commitIndex,
  });
}
