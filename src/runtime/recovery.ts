/** From the stores of a node to the state it starts with (openraft's `StorageHelper::get_initial_state`). */
import type { Entry } from '../core/entry.ts';
import type { LogId, LogIndex } from '../core/ids.ts';
import { isSameLogId } from '../core/ids.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type { InitialState } from '../core/state.ts';
import { CorruptionError } from '../errors.ts';
import type { LogStore, LogStoreState } from '../ports/log-store.ts';
import type { SnapshotStore, StoredSnapshot } from '../ports/snapshot-store.ts';
import type { AppliedState, StateMachine } from '../ports/state-machine.ts';

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
}

/**
 * Brings log, snapshot and state machine in line:
 * - a state behind the snapshot (an in-memory one is empty) is restored from it;
 * - a log that ends before the applied state is purged up to it: the state is the proof that all of it was committed;
 * - a log that says something else at the position of the snapshot was about to be discarded for it, and is now;
 * - a log that starts after the applied state leaves a hole, which nothing can fill.
 * @throws CorruptionError
 */
export async function loadInitialState(parts: RecoveryParts): Promise<InitialState> {
  const { logStore, logState, snapshot } = parts;
  const applied = await restoreIfBehind(parts);
  const { lastApplied } = applied;
  let { lastPurged: purged, lastLogId: last } = logState;
  if (purged.index > lastApplied.index) throw missingEntries(lastApplied, purged);
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
  const tail = await scanTail(logStore, lastApplied.index + 1, last.index);
  return {
    hardState: logState.hardState,
    boundaries: await findBoundaries(logStore, purged, last),
    purged,
    last,
    committed: logState.committed,
    applied: lastApplied,
    snapshot: snapshot === null || snapshot.meta.lastLogId.index > lastApplied.index ? purged : snapshot.meta.lastLogId,
    membership: applied.membership,
    logMemberships: tail.memberships,
    lastTimeMs: Math.max(applied.lastTimeMs, tail.lastTimeMs),
  };
}

async function restoreIfBehind({
  stateMachine,
  snapshotStore,
  snapshot,
  applied,
}: RecoveryParts): Promise<AppliedState> {
  if (snapshot === null || snapshot.meta.lastLogId.index <= applied.lastApplied.index) return applied;
  const reader = await snapshotStore.latest();
  if (reader === null) throw new CorruptionError(`snapshot ${snapshot.meta.id} was found at start but can't be opened`);
  try {
    await stateMachine.restore(snapshot.meta, snapshot.codecId, reader.chunks(0));
  } finally {
    await reader.close();
  }
  return stateMachine.applied();
}

function missingEntries(lastApplied: LogId, purged: LogId): CorruptionError {
  return new CorruptionError(
    `the log starts at index ${purged.index + 1}, but the state machine holds entries only up to ${lastApplied.index}, ` +
      `and no snapshot covers those in between: restore the missing data, or remove this node and add it as new`,
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
