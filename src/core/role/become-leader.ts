/** Winning an election. */
import type { Core } from '../context.ts';
import { blankEntry } from '../entry.ts';
import { logId } from '../ids.ts';
import { appendToLog } from '../log/append.ts';
import { startRound } from '../read/heartbeat-round.ts';
import { ReadQueue } from '../read/read-queue.ts';
import { Rounds } from '../read/rounds.ts';
import { settleTransfer } from './follower.ts';
import type { Leader } from './leader.ts';
import { setRole } from './own-role.ts';
import { syncProgress } from './sync-progress.ts';

/** Takes the lead, and appends the blank entry that lets this term commit (§8). */
export function becomeLeader(core: Core): void {
  const { state, time } = core;
  const term = state.hardState.term;
  const blankIndex = state.log.lastIndex + 1;
  const leader: Leader = {
    term,
    blankIndex,
    progress: new Map(),
    rounds: new Rounds(),
    reads: new ReadQueue(),
    nextSession: 1,
    nextHeartbeatMs: time.nowMs,
    isCommitDirty: false,
    isNoticeDue: false,
    change: null,
    queuedChanges: [],
    isLeaseForfeit: false,
  };
  const { effective } = state.membership;
  if (effective.logId.index > state.commitIndex || effective.membership.configs.length > 1)
    leader.change = { id: null };
  setRole(core, { name: 'leader', leader }, state.nodeId);
  // One that this node started in an earlier term came to nothing.
  settleTransfer(core, null);
  syncProgress(core, leader);
  appendToLog(core, blankEntry(logId(term, blankIndex), nextTimeMs(core)));
  startRound(core, leader);
}

/** The wall clock, held back where it would make an entry older than the one before. */
export function nextTimeMs(core: Core): number {
  return Math.max(Math.floor(core.time.wallMs), core.state.lastTimeMs);
}
