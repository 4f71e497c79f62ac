/** From the stores of a node to the state it starts with (openraft's `StorageHelper::get_initial_state`). */
import type { Entry } from '../core/entry.ts';
import type { LogId, LogIndex } from '../core/ids.ts';
import { isSameLogId } from '../core/ids.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type { InitialState } from '../core/state.ts';
import { ConsensusError, CorruptionError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { LogStore, LogStoreState } from '../ports/log-store.ts';
import type { SnapshotStore, StoredSnapshot } from '../ports/snapshot-store.ts';
import type { AppliedState, StateMachine } from '../ports/state-machine.ts';
import { replay } from './replay.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface RecoveryParts {
  readonly logStore: LogStore;
  /** What `logStore.open` resolved with. */
  readonly logState: LogStoreState;
  readonly snapshotStore: SnapshotStore;
  /** What `snapshotStore.open` resolved with. */
  readonly snapshot: StoredSnapshot | null;
  readonly stateMachine: StateMachine<unknown, unknown>;
  /** What `stateMachine.open` resolved with. */
  readonly applied: AppliedState;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Brings log, snapshot and state machine in line:
 * - a state behind the snapshot (an in-memory one is empty) is restored from it;
 * - a snapshot that is damaged gives way to the one before it, or to the log alone, if the log reaches back so far;
 * - a log that ends before the applied state is purged up to it: the state is the proof that all of it was committed;
 * - a log that says something else at the position of the snapshot was about to be discarded for it, and is now;
 * - a log that starts after the applied state leaves a hole, which nothing can fill;
 * - what is known to be committed is applied.
 * @throws CorruptionError
 */
export async function loadInitialState(parts: RecoveryParts): Promise<InitialState> {
  const { logStore, logState } = parts;
  const { applied, snapshot, damage } = await restoreIfBehind(parts);
  const { lastApplied } = applied;
  let { lastPurged: purged, lastLogId: last } = logState;
  if (purged.index > lastApplied.index) throw missingEntries(lastApplied, purged, { ...parts, damage });
  if (last.index < lastApplied.index) {
    await logStore.purge(lastApplied);
    purged = lastApplied;
    last = lastApplied;
  }
  const found = await logIdAt(logStore, lastApplied.index, purged);
  if (found === null || !isSameLogId(found, lastApplied)) {
    const isInterruptedInstall = found !== null && found !== purged && isEndOf(snapshot, lastApplied);
    if (!isInterruptedInstall) throw disagreement(lastApplied, found ?? purged);
    await logStore.truncate(lastApplied.index + 1);
    await logStore.purge(lastApplied);
    purged = lastApplied;
    last = lastApplied;
  }
  const replayed = await replayCommitted(parts, applied, last);
  const tail = await scanTail(logStore, replayed.lastApplied.index + 1, last.index);
  return {
    hardState: logState.hardState,
    boundaries: await findBoundaries(logStore, purged, last),
    purged,
    last,
    committed: logState.committed,
    applied: replayed.lastApplied,
    snapshot: snapshot === null || snapshot.meta.lastLogId.index > lastApplied.index ? purged : snapshot.meta.lastLogId,
    membership: replayed.membership,
    logMemberships: tail.memberships,
    lastTimeMs: Math.max(replayed.lastTimeMs, tail.lastTimeMs),
  };
}

/** The committed position may be newer than the log, or than entries at its end that were about to be replaced. */
async function replayCommitted(parts: RecoveryParts, applied: AppliedState, last: LogId): Promise<AppliedState> {
  const { logStore, logState, stateMachine } = parts;
  const { committed } = logState;
  if (committed.index <= applied.lastApplied.index || committed.index > last.index) return applied;
  const { logId } = await readOne(logStore, committed.index);
  if (!isSameLogId(logId, committed)) return applied;
  await replay(parts, committed);
  return stateMachine.applied();
}

interface Restored {
  readonly applied: AppliedState;
  /** The newest snapshot that is not known to be damaged. */
  readonly snapshot: StoredSnapshot | null;
  /** What was found wrong with newer ones. */
  readonly damage: unknown;
}

async function restoreIfBehind(parts: RecoveryParts): Promise<Restored> {
  const { stateMachine, snapshotStore, logState, applied } = parts;
  let { snapshot } = parts;
  let damage: unknown = null;
  while (snapshot !== null && fillsGap(snapshot.meta.lastLogId.index, applied.lastApplied, logState.lastPurged)) {
    try {
      await restore(parts, snapshot);
      return { applied: stateMachine.applied(), snapshot, damage };
    } catch (error) {
      if (!isDamage(error) || snapshotStore.discardLatest === undefined) throw error;
      damage ??= error;
      snapshot = await snapshotStore.discardLatest(error);
    }
  }
  return { applied, snapshot, damage };
}

/** Is a state at this index further than the applied one, and does the log go on from it? */
function fillsGap(index: LogIndex, applied: LogId, purged: LogId): boolean {
  return index > applied.index && index >= purged.index;
}

async function restore(
  { stateMachine, snapshotStore }: RecoveryParts,
  { meta, codecId }: StoredSnapshot,
): Promise<void> {
  const reader = await snapshotStore.latest();
  if (reader === null) throw new CorruptionError(`snapshot ${meta.id} was found at start but can't be opened`);
  try {
    await stateMachine.restore(meta, codecId, reader.chunks(0));
  } finally {
    await reader.close();
  }
}

/** A state machine may have put an error of its own around that of the store. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (ConsensusError.is(error) && error.code === 'CORRUPTION') || isDamage(error.cause);
}

function missingEntries(
  lastApplied: LogId,
  purged: LogId,
  { snapshotStore, damage }: { readonly snapshotStore: SnapshotStore; readonly damage: unknown },
): CorruptionError {
  const damaged = (snapshotStore.damaged?.() ?? []).map(({ place, problem }) => `${place} (${problem})`);
  const why = damaged.length === 0 ? '' : `; snapshots that are damaged: ${damaged.join(', ')}`;
  return new CorruptionError(
    `the log starts at index ${purged.index + 1}, but the state machine holds entries only up to ${lastApplied.index}, ` +
      `and no snapshot covers those in between${why}: restore the missing data, or remove this node and add it as new`,
    damage ?? undefined,
  );
}

/** What the log says of an index: `purged` itself, an entry of it, or nothing. */
async function logIdAt(logStore: LogStore, index: LogIndex, purged: LogId): Promise<LogId | null> {
  if (index === purged.index) return purged;
  const [entry] = await logStore.read(index, index + 1, READ_BYTES);
  return entry?.logId ?? null;
}

/** A stored snapshot is the proof that what it covers was committed, whatever the log says. */
function isEndOf(snapshot: StoredSnapshot | null, applied: LogId): boolean {
  return snapshot !== null && isSameLogId(snapshot.meta.lastLogId, applied);
}

function disagreement(applied: LogId, found: LogId): CorruptionError {
  return new CorruptionError(
    `the state machine applied ${applied.term}:${applied.index}, but the log has ${found.term}:${found.index} there: log and state are not of the same node`,
  );
}

/** Memberships and the last time of what is not applied yet. Both are in the applied state for the rest. */
async function scanTail(
  logStore: LogStore,
  fromIndex: LogIndex,
  lastIndex: LogIndex,
): Promise<{ memberships: readonly StoredMembership[]; lastTimeMs: number }> {
  const memberships: StoredMembership[] = [];
  let lastTimeMs = 0;
  let index = fromIndex;
  while (index <= lastIndex) {
    const entries = await logStore.read(index, lastIndex + 1, READ_BYTES);
    if (entries.length === 0) throw new CorruptionError(`the log should reach ${lastIndex} but has no entry ${index}`);
    for (const entry of entries) {
      if (entry.logId.index !== index) throw new CorruptionError(`the log has no entry ${index}, which lies within it`);
      index += 1;
      if (entry.membership !== null) memberships.push({ logId: entry.logId, membership: entry.membership });
      lastTimeMs = Math.max(lastTimeMs, entry.timeMs);
    }
  }
  return { memberships, lastTimeMs };
}

/** The first entry of each term, by halving: terms never decrease along the log. */
export async function findBoundaries(logStore: LogStore, purged: LogId, last: LogId): Promise<readonly LogId[]> {
  const boundaries: LogId[] = [];
  const search = async (from: LogId, to: LogId): Promise<void> => {
    if (boundaries.at(-1)?.term !== from.term) boundaries.push(from);
    if (from.term === to.term) return;
    if (from.index + 1 === to.index) {
      boundaries.push(to);
      return;
    }
    const middle = (await readOne(logStore, Math.floor((from.index + to.index) / 2))).logId;
    await search(from, middle);
    await search(middle, to);
  };
  if (last.index > purged.index) await search((await readOne(logStore, purged.index + 1)).logId, last);
  return boundaries;
}

async function readOne(logStore: LogStore, index: LogIndex): Promise<Entry> {
  const [entry] = await logStore.read(index, index + 1, 1);
  if (entry === undefined) throw new CorruptionError(`the log has no entry ${index}, which lies within it`);
  return entry;
}
