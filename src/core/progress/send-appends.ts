/** Decides what goes to a peer now. */
import type { Core } from '../context.ts';
import type { LogIndex } from '../ids.ts';
import { logId } from '../ids.ts';
import type { Leader } from '../role/leader.ts';
import type { Progress } from './progress.ts';

/** Sends to every peer whatever its window allows. */
export function sendAppends(core: Core, leader: Leader): void {
  for (const progress of leader.progress.values()) sendTo(core, leader, progress);
}

function sendTo(core: Core, leader: Leader, progress: Progress): void {
  if (progress.isDiverged || progress.state === 'snapshot') return;
  const { log } = core.state;
  const endIndex =
    (progress.removedAt === null ? log.lastIndex : Math.min(log.lastIndex, progress.removedAt.index)) + 1;
  if (progress.nextIndex - 1 < log.purged.index) {
    if (!progress.isPaused) startSnapshot(core, leader, progress);
    return;
  }
  if (progress.state === 'probe') {
    if (progress.isPaused) return;
    progress.isPaused = true;
    progress.probeRound = leader.rounds.current;
    sendRange(core, leader, progress, endIndex);
    return;
  }
  while (progress.nextIndex < endIndex && !progress.inflights.isFull && progress.unsizedFrom === null) {
    progress.nextIndex = sendRange(core, leader, progress, endIndex);
  }
}

/** Sends one append from `nextIndex` on, without entries when there are none. Returns the index after it. */
function sendRange(core: Core, leader: Leader, progress: Progress, endIndex: LogIndex): LogIndex {
  const { state, options } = core;
  const fromIndex = progress.nextIndex;
  const { maxPayloadEntries, maxPayloadBytes } = options;
  let toIndex: LogIndex = fromIndex;
  if (fromIndex < endIndex) {
    const sizedEnd = state.sizes.endWithin(fromIndex, endIndex, maxPayloadEntries, maxPayloadBytes);
    progress.unsizedFrom = sizedEnd === null ? fromIndex : null;
    toIndex = sizedEnd ?? Math.min(endIndex, fromIndex + maxPayloadEntries);
    const bytes = state.sizes.bytesBetween(fromIndex, toIndex) ?? maxPayloadBytes;
    if (progress.state === 'replicate') progress.inflights.add(toIndex - 1, bytes, leader.rounds.current);
  }
  const { commitIndex } = state;
  progress.sentCommitIndex = Math.max(progress.sentCommitIndex, Math.min(commitIndex, toIndex - 1, knownEnd(progress)));
  replicate(core, leader, progress, { fromIndex, toIndex });
  return toIndex;
}

/** An append without entries after what the peer has received: its answer tells once more what is durable there. */
export function askAgain(core: Core, leader: Leader, progress: Progress, index: LogIndex): void {
  if (core.state.log.termAt(index) === null) progress.becomeProbe(progress.matchIndex + 1);
  else replicate(core, leader, progress, { fromIndex: index + 1, toIndex: index + 1 });
}

interface Range {
  readonly fromIndex: LogIndex;
  readonly toIndex: LogIndex;
}

function replicate({ state, out }: Core, leader: Leader, progress: Progress, { fromIndex, toIndex }: Range): void {
  const prevIndex = fromIndex - 1;
  out.add({
    type: 'replicate',
    to: progress.peer,
    term: leader.term,
    session: progress.session,
    round: leader.rounds.current,
    prevLogId: logId(state.log.termAt(prevIndex) ?? 0, prevIndex),
    fromIndex,
    toIndex,
    commitIndex: state.commitIndex,
  });
}

/** An append of a probe may be refused, and what it said of the commit index with it. */
function knownEnd(progress: Progress): LogIndex {
  return progress.state === 'replicate' && progress.unsizedFrom === null
    ? Number.POSITIVE_INFINITY
    : progress.matchIndex;
}

function startSnapshot(core: Core, leader: Leader, progress: Progress): void {
  progress.becomeSnapshot(core.state.snapshot.index);
  core.out.add({ type: 'send-snapshot', to: progress.peer, term: leader.term, session: progress.session });
}
