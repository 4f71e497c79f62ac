/** Snapshots: own ones compact the log, a leader's replace log and state (§7). */
import type { Core } from '../context.ts';
import type { LogIndex, NodeId } from '../ids.ts';
import { isSameLogId } from '../ids.ts';
import type { SnapshotMeta, SnapshotOffer, SnapshotResponse } from '../message.ts';
import { noteContact } from '../progress/contact.ts';
import type { Progress } from '../progress/progress.ts';
import { followLeader } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';
import { updateRole } from '../role/own-role.ts';
import { onAccepted } from './append-entries.ts';

/** Before any byte is streamed: is the snapshot of use? Of this term, so from its leader. */
export function handleSnapshotOffer(core: Core, from: NodeId, offer: SnapshotOffer, token: number): void {
  followLeader(core, from);
  const isUseless = offer.meta.lastLogId.index <= core.state.commitIndex;
  const verdict = isUseless
    ? ({ accept: false, response: alreadyThere(core, offer) } as const)
    : ({ accept: true } as const);
  core.out.add({ type: 'snapshot-verdict', token, verdict });
}

export function refuseSnapshotOffer(core: Core, offer: SnapshotOffer, token: number): void {
  core.out.add({ type: 'snapshot-verdict', token, verdict: { accept: false, response: response(core, offer, 0) } });
}

/** A leader of an earlier term finished its stream too late. */
export function refuseSnapshot(core: Core, from: NodeId, offer: SnapshotOffer, token: number): void {
  core.out.send(from, response(core, offer, 0), token);
}

/** The stream is complete: take its place in the log. The answer leaves once state, snapshot and log are durable. */
export function handleSnapshotReceived(core: Core, from: NodeId, offer: SnapshotOffer, token: number): void {
  const { state, out } = core;
  followLeader(core, from);
  const { meta } = offer;
  const last = meta.lastLogId;
  if (last.index <= state.commitIndex || state.installing !== null) {
    out.send(from, alreadyThere(core, offer), token);
    return;
  }
  const keepSuffix = state.log.has(last);
  const before = state.membership.committed;
  if (keepSuffix) keepAfterSnapshot(core, meta);
  else discardLog(core, meta);
  state.commitIndex = last.index;
  state.verifiedIndex = Math.max(state.verifiedIndex, last.index);
  state.lastTimeMs = Math.max(state.lastTimeMs, meta.lastTimeMs);
  const reply = { to: from, message: response(core, offer, last.index), token };
  state.installing = { meta, seq: out.installSnapshot(meta, !keepSuffix, reply, state.log.lastIndex) };
  state.durableIndex = state.durable.index();
  if (state.membership.committed === before) return;
  out.add({ type: 'membership-effective', membership: state.membership.committed, isCommitted: true });
  updateRole(core);
}

/** The log agrees with the snapshot: what follows it stays (§7). */
function keepAfterSnapshot({ state }: Core, { lastLogId, membership }: SnapshotMeta): void {
  state.log.purgeTo(lastLogId);
  state.membership.commitTo(lastLogId.index);
  if (!isSameLogId(state.membership.committed.logId, membership.logId)) state.membership.replaceCommitted(membership);
}

function discardLog({ state }: Core, { lastLogId, membership }: SnapshotMeta): void {
  state.log.resetTo(lastLogId);
  state.sizes.resetTo(lastLogId.index);
  state.membership.resetTo(membership);
}

/** The installation is durable. */
export function finishInstallation(core: Core): void {
  const { state } = core;
  if (state.installing === null) return;
  const { lastLogId } = state.installing.meta;
  state.installing = null;
  // What a newer leader committed meanwhile may be applied already.
  if (state.applied.index < lastLogId.index) state.applied = lastLogId;
  state.snapshot = lastLogId;
}

/** A snapshot of the own state machine is stored: the log before it may go, except what slow peers still need. */
export function handleSnapshotBuilt(core: Core, meta: SnapshotMeta): void {
  const { state, options } = core;
  if (meta.lastLogId.index <= state.snapshot.index || meta.lastLogId.index > state.applied.index) return;
  state.snapshot = meta.lastLogId;
  purge(core, state.snapshot.index - options.maxInSnapshotLogToKeep);
}

/** Never beyond the snapshot, nor beyond what a peer that is receiving a snapshot needs after it. */
export function purge(core: Core, wantedIndex: LogIndex): void {
  const { state, out } = core;
  let index = Math.min(wantedIndex, state.snapshot.index);
  if (state.role.name === 'leader') {
    for (const progress of state.role.leader.progress.values()) {
      if (progress.state === 'snapshot') index = Math.min(index, progress.snapshotIndex);
    }
  }
  const upTo = index > state.log.purged.index ? state.log.logIdAt(index) : null;
  if (upTo === null) return;
  state.log.purgeTo(upTo);
  out.add({ type: 'purge', upTo });
}

/** What the peer made of a snapshot. */
export function handleSnapshotResponse(core: Core, leader: Leader, from: NodeId, message: SnapshotResponse): void {
  const progress = leader.progress.get(from);
  if (progress === undefined || progress.session !== message.session) return;
  noteContact(core, leader, progress, progress.ackedRound);
  if (progress.state !== 'snapshot') return;
  if (message.matchIndex <= progress.matchIndex) {
    pauseSnapshots(core, progress);
    return;
  }
  progress.becomeProbe(progress.matchIndex + 1);
  onAccepted(core, leader, progress, message.matchIndex);
}

/** The stream broke for good: try again after the next sign of life. */
export function handleSnapshotSendFailed(core: Core, leader: Leader, to: NodeId, session: number): void {
  const progress = leader.progress.get(to);
  if (progress === undefined || progress.session !== session || progress.state !== 'snapshot') return;
  pauseSnapshots(core, progress);
}

/** Whatever was wrong will often be so again, and reads may bring signs of life all the time. */
function pauseSnapshots({ options, time }: Core, progress: Progress): void {
  progress.becomeProbe(progress.matchIndex + 1);
  progress.isPaused = true;
  progress.retryMs = time.nowMs + options.heartbeatIntervalMs;
}

/** Only what is durable here may be acknowledged. */
function alreadyThere(core: Core, offer: SnapshotOffer): SnapshotResponse {
  return response(core, offer, Math.min(core.state.commitIndex, core.state.durableIndex));
}

function response(core: Core, { session }: SnapshotOffer, matchIndex: LogIndex): SnapshotResponse {
  return { type: 'snapshot-response', term: core.state.hardState.term, session, matchIndex };
}
