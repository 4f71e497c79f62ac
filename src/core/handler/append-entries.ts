/** The append exchange (§5.3). */
import type { Core } from '../context.ts';
import type { Entry } from '../entry.ts';
import type { LogId, LogIndex, NodeId } from '../ids.ts';
import { logId } from '../ids.ts';
import { appendToLog, truncateLog } from '../log/append.ts';
import type { AppendRequest, AppendResponse } from '../message.ts';
import { noteContact } from '../progress/contact.ts';
import type { Progress } from '../progress/progress.ts';
import { usableCommit } from '../read/heartbeat-round.ts';
import { commitTo } from '../role/commit.ts';
import { followLeader } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';

/** Of this term, so from its leader. An acknowledgement leaves only once what it acknowledges is durable. */
export function handleAppendRequest(core: Core, from: NodeId, request: AppendRequest, token: number): void {
  const { state, out } = core;
  followLeader(core, from);
  if (!isContiguous(request)) return;
  const { prevLogId, entries } = sinceCommit(core, request);
  if (!state.log.has(prevLogId)) {
    const response = conflict(core, request, prevLogId);
    if (prevLogId.index <= state.log.lastIndex) truncateLog(core, prevLogId.index);
    out.send(from, response, token);
    return;
  }
  appendNew(core, entries);
  const matchIndex = prevLogId.index + entries.length;
  state.verifiedIndex = Math.max(state.verifiedIndex, matchIndex);
  out.sendWhenDurable(from, { ...answer(core, request), success: true, matchIndex }, token);
  commitTo(core, Math.min(request.commitIndex, state.verifiedIndex));
}

/** Bytes of peers are checked before they get here; this keeps a faulty peer from making a hole. */
function isContiguous({ prevLogId, entries, term }: AppendRequest): boolean {
  let previous: LogId = prevLogId;
  for (const { logId: next } of entries) {
    if (next.index !== previous.index + 1 || next.term < previous.term || next.term > term) return false;
    previous = next;
  }
  return true;
}

/** What is committed here equals the leader's log, even where it is purged already: start after it. */
function sinceCommit(core: Core, request: AppendRequest): { prevLogId: LogId; entries: readonly Entry[] } {
  const { prevLogId, entries } = request;
  const { commitIndex, log } = core.state;
  const known = commitIndex - prevLogId.index;
  if (known <= 0) return { prevLogId, entries };
  return { prevLogId: logId(log.termAt(commitIndex) ?? 0, commitIndex), entries: entries.slice(known) };
}

/** Skips what is there already: an old, shorter request must not remove newer entries. */
function appendNew(core: Core, entries: readonly Entry[]): void {
  const { log } = core.state;
  for (const entry of entries) {
    if (entry.logId.index <= log.lastIndex) {
      if (log.has(entry.logId)) continue;
      truncateLog(core, entry.logId.index);
    }
    appendToLog(core, entry);
  }
}

function answer(core: Core, request: AppendRequest): AppendResponse {
  return {
    type: 'append-response',
    term: core.state.hardState.term,
    session: request.session,
    round: request.round,
    prevIndex: request.prevLogId.index,
    success: false,
    matchIndex: 0,
    conflictHint: null,
    lastIndex: core.state.log.lastIndex,
  };
}

/**
 * Names the last entry here that may still match: not after the one that was asked for, and not of a later term than
 * it. A whole term of wrong entries costs one exchange.
 */
function conflict(core: Core, request: AppendRequest, prevLogId: LogId): AppendResponse {
  const { log } = core.state;
  const index = log.lastIndexWithTermAtMost(
    prevLogId.term,
    prevLogId.index - (log.termAt(prevLogId.index) === null ? 0 : 1),
  );
  return { ...answer(core, request), conflictHint: log.logIdAt(index) ?? log.purged };
}

/** Refuses a leader of an earlier term, and tells it that its term is over. */
export function refuseOldAppend(core: Core, from: NodeId, request: AppendRequest, token: number): void {
  core.out.send(from, answer(core, request), token);
}

/** What a follower answered to this leader. */
export function handleAppendResponse(core: Core, leader: Leader, from: NodeId, response: AppendResponse): void {
  const progress = leader.progress.get(from);
  if (progress === undefined || progress.session !== response.session) return;
  noteContact(core, leader, progress, response.round);
  if (response.success) onAccepted(core, leader, progress, response.matchIndex);
  else onRefused(core, progress, response);
}

export function onAccepted(core: Core, leader: Leader, progress: Progress, matchIndex: LogIndex): void {
  if (progress.isDiverged || matchIndex > core.state.log.lastIndex) return;
  if (progress.acknowledge(matchIndex, leader.rounds.current)) {
    leader.isCommitDirty = true;
    // What it acknowledges only now may have been committed without it.
    if (usableCommit(core, progress) > progress.sentCommitIndex) leader.isNoticeDue = true;
  }
  const isReplicating = progress.state === 'replicate';
  const isSnapshotPending = progress.state === 'snapshot' && progress.matchIndex < core.state.log.purged.index;
  if (!isReplicating && !isSnapshotPending) progress.becomeReplicate();
}

function onRefused(core: Core, progress: Progress, response: AppendResponse): void {
  if (progress.state === 'snapshot' || response.conflictHint === null) return;
  if (response.prevIndex <= progress.matchIndex) {
    detectLoss(core, progress, response);
    return;
  }
  if (progress.state === 'probe' && response.prevIndex !== progress.nextIndex - 1) return;
  progress.becomeProbe(lastPossibleMatch(core, response.conflictHint, response.prevIndex) + 1);
}

/** May lie before the own log: then only a snapshot helps. */
function lastPossibleMatch({ state }: Core, hint: LogId, refusedIndex: LogIndex): LogIndex {
  const maxIndex = Math.min(hint.index, refusedIndex - 1);
  if (maxIndex < state.log.purged.index) return maxIndex;
  return state.log.lastIndexWithTermAtMost(hint.term, maxIndex);
}

/** A refusal of what was acknowledged is stale, or the follower lost its log and can't be trusted any more. */
function detectLoss(core: Core, progress: Progress, response: AppendResponse): void {
  const isCurrent = response.round > progress.matchRound;
  if (!isCurrent || response.lastIndex >= progress.matchIndex || progress.isDiverged) return;
  const { peer, matchIndex } = progress;
  core.out.add({ type: 'peer-diverged', peer, matchIndex, lastIndex: response.lastIndex });
  progress.isDiverged = true;
  // What it lost is no part of any quorum.
  progress.matchIndex = 0;
}
