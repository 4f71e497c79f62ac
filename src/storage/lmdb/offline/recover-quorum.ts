/** Makes a survivor go on alone, after a majority of the voters is lost for good. */
import { encodeRecord } from '../../../codec/record.ts';
import { encodeHardState, encodeLogPosition, encodeStoreIdentity } from '../../../codec/store-bytes.ts';
import { membershipEntry } from '../../../core/entry.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId, LogIndex, NodeId } from '../../../core/ids.ts';
import type { Membership } from '../../../core/membership/membership.ts';
import { CorruptionError, IdentityError, MembershipError } from '../../../errors.ts';
import type { LogDatabaseChange } from '../../../ports/log-database.ts';
import type { StoreIdentity } from '../../../ports/log-store.ts';
import { systemClock } from '../../../system/system-ports.ts';
import type { DirectoryLock } from '../directory-lock.ts';
import { lockDirectory } from '../directory-lock.ts';
import { LmdbLogDatabase } from '../lmdb-log-database.ts';
import type { Finding } from './finding.ts';
import { findingText } from './finding.ts';
import { isDirectoryInUse } from './lock-probe.ts';
import { LogView } from './log-view.ts';
import { checkNode, membershipOf, newClusterId, nextLogId } from './new-owner.ts';
import { encodeRecoveryNote, RECOVERY_RECORD } from './recovery-note.ts';
import type { SnapshotStatus } from './snapshot-survey.ts';
import { isSnapshotSound } from './snapshot-survey.ts';
import type { StoragePaths } from './storage-paths.ts';
import { findStorage } from './storage-paths.ts';
import type { StorageSurvey } from './survey.ts';
import { conclude, readStorage } from './survey.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface RecoverQuorumOptions extends OfflineOptions {
  /** The survivor's, as for `openDurableStorage`. No node may run on it. */
  readonly directory: string;
  /** Whose directory it is: for safety, the id has to be said. */
  readonly nodeId: NodeId;
  /** `host:port` under which others will reach it. Default: where they reached it so far. */
  readonly address?: string | undefined;
  /** Decides, with the plan at hand; the directory is locked meanwhile. Default: go on. */
  readonly confirm?: ((plan: RecoveryPlan) => boolean | Promise<boolean>) | undefined;
  /** Make the plan, and change nothing. Default `false`. */
  readonly isDryRun?: boolean | undefined;
}

/** What a recovery changes, and what that means. */
export interface RecoveryPlan {
  readonly directory: string;
  readonly nodeId: NodeId;
  readonly before: RecoveryState;
  readonly after: RecoveryState;
  /** Entries of unknown fate that become committed, `[fromIndex, toIndex)`; `null` when there are none. */
  readonly resurrected: { readonly fromIndex: LogIndex; readonly toIndex: LogIndex } | null;
  /** Members of the cluster as it was: what they hold beyond this node's log is lost, and they are shut out. */
  readonly lostMembers: readonly NodeId[];
  /** The log is removed, because it ends before, or contradicts, a snapshot that was about to replace it. */
  readonly isLogDiscarded: boolean;
}

export interface RecoveryState {
  readonly identity: StoreIdentity;
  readonly hardState: HardState;
  readonly lastLogId: LogId;
  readonly committed: LogId;
  readonly membership: Membership;
}

export interface RecoveryReport {
  readonly plan: RecoveryPlan;
  /** `false` after a dry run, or when it was not confirmed. */
  readonly isDone: boolean;
}

/**
 * Appends an entry that makes the node the only voter, in a new term, and gives the store a new cluster id. Members of
 * the old cluster and this node refuse each other from then on. All of it happens in one commit. Nothing that was in
 * the log is changed; everything in it counts as committed.
 *
 * Of several survivors, take the one whose last entry has the highest term and, of those, the highest index: it has
 * every write that was acknowledged by a majority which included one of them.
 * @throws StorageError when the directory is in use, or can't be read or written
 * @throws CorruptionError when the node could not start from what is there
 * @throws IdentityError when it is another node's
 * @throws MembershipError when there is nothing to recover from
 */
export async function recoverQuorum(options: RecoverQuorumOptions): Promise<RecoveryReport> {
  const paths = await findStorage(options.directory);
  if (options.isDryRun === true) {
    const isInUse = await isDirectoryInUse(paths.directory);
    return { plan: (await prepare(paths, isInUse, options)).plan, isDone: false };
  }
  const lock = await lockDirectory(paths.directory);
  try {
    const prepared = await prepare(paths, false, options);
    const isConfirmed = (await options.confirm?.(prepared.plan)) ?? true;
    if (isConfirmed) await commit(paths, prepared, lock);
    return { plan: prepared.plan, isDone: isConfirmed };
  } finally {
    await lock.release();
  }
}

interface Prepared {
  readonly plan: RecoveryPlan;
  readonly changes: readonly LogDatabaseChange[];
}

async function prepare(paths: StoragePaths, isInUse: boolean, options: RecoverQuorumOptions): Promise<Prepared> {
  const work = new Work(options);
  const view = await LogView.open(paths.log, isInUse);
  try {
    const survey = conclude(await readStorage({ paths, view, work, choose: chooseNewest(work) }));
    const plan = planOf(survey, options);
    const groups = plan.isLogDiscarded ? [...view.groupsFrom(0)].map(({ firstIndex }) => firstIndex) : [];
    return { plan, changes: changesOf(plan, survey, groups) };
  } finally {
    await view.close();
  }
}

/** The newest one is read as a whole, as the node will rely on it. */
function chooseNewest(work: Work) {
  return async (
    found: readonly SnapshotStatus[],
    onFinding: (finding: Finding) => void,
  ): Promise<readonly SnapshotStatus[]> => {
    for (const [i, { path }] of found.entries()) {
      if (await isSnapshotSound(path, work, onFinding)) return found.slice(i);
    }
    return [];
  };
}

function planOf(survey: StorageSurvey, options: RecoverQuorumOptions): RecoveryPlan {
  const { nodeId } = options;
  const { paths, records, end, committed, isLogSuperseded } = survey;
  const identity = checkOwner(survey, nodeId);
  checkStartable(survey);
  const { membership } = survey.membership.effective;
  const known = membership.nodes.get(nodeId);
  const address = options.address ?? known?.addr;
  if (address === undefined) {
    throw new MembershipError(`node ${nodeId} is no member of the last membership that it knows: say its address`);
  }
  checkNode(nodeId, address);
  const lastLogId = nextLogId(end, records.hardState.term);
  const { instanceId } = identity;
  return {
    directory: paths.directory,
    nodeId,
    before: { identity, hardState: records.hardState, lastLogId: end, committed, membership },
    after: {
      identity: { ...identity, clusterId: newClusterId(instanceId) },
      hardState: { term: lastLogId.term, votedFor: nodeId },
      lastLogId,
      committed: lastLogId,
      membership: membershipOf({ nodeId, address, instanceId, metadata: known?.metadata ?? null }),
    },
    resurrected: end.index > committed.index ? { fromIndex: committed.index + 1, toIndex: end.index + 1 } : null,
    lostMembers: [...membership.nodes.keys()].filter((id) => id !== nodeId),
    isLogDiscarded: isLogSuperseded,
  };
}

function checkOwner({ paths, records, membership }: StorageSurvey, nodeId: NodeId): StoreIdentity {
  const { identity } = records;
  if (identity === null) throw new CorruptionError(`${paths.log} does not say whose it is: restore a backup instead`);
  if (identity.nodeId !== nodeId) {
    throw new IdentityError(`${paths.directory} belongs to node ${identity.nodeId}, not to node ${nodeId}`);
  }
  const { configs } = membership.effective.membership;
  if (configs.length === 0) {
    throw new MembershipError(`node ${nodeId} belongs to no cluster: there is nothing to recover; bootstrap it`);
  }
  if (configs.flat().every((id) => id === nodeId)) {
    throw new MembershipError(`node ${nodeId} is the only voter of its cluster already: start it, it needs no other`);
  }
  return identity;
}

/** Damage that keeps the node from starting keeps it from being recovered. */
function checkStartable({ paths, findings, records, covered }: StorageSurvey): void {
  const isHole = records.lastPurged.index > covered.index;
  const damage = findings.filter(({ severity, file }) => severity === 'damage' && (isHole || file === paths.log));
  if (damage.length === 0) return;
  throw new CorruptionError(
    `${paths.directory} is damaged (${damage.map(findingText).join('; ')}): recover another survivor, or restore a backup`,
  );
}

function changesOf(
  { before, after, isLogDiscarded }: RecoveryPlan,
  { lastTimeMs }: StorageSurvey,
  groups: readonly LogIndex[],
): readonly LogDatabaseChange[] {
  const timeMs = systemClock.wallMs();
  const entry = membershipEntry(after.lastLogId, Math.max(timeMs, lastTimeMs), after.membership);
  const { identity, hardState, committed, lastLogId } = before;
  const note = { timeMs, clusterId: identity.clusterId, hardState, committed, lastLogId };
  const purge: readonly LogDatabaseChange[] = isLogDiscarded
    ? [
        ...groups.map((firstIndex): LogDatabaseChange => ({ type: 'remove-group', firstIndex })),
        { type: 'put-record', name: 'purged', bytes: encodeLogPosition(lastLogId) },
      ]
    : [];
  return [
    ...purge,
    { type: 'put-record', name: RECOVERY_RECORD, bytes: encodeRecoveryNote(note) },
    { type: 'put-record', name: 'identity', bytes: encodeStoreIdentity(after.identity) },
    { type: 'put-record', name: 'hard-state', bytes: encodeHardState(after.hardState) },
    { type: 'put-record', name: 'committed', bytes: encodeLogPosition(after.committed) },
    { type: 'append-group', firstIndex: entry.logId.index, bytes: encodeRecord(entry) },
  ];
}

/** In one transaction. Closing the database releases the lock, which may be done twice. */
async function commit(paths: StoragePaths, { changes }: Prepared, lock: DirectoryLock): Promise<void> {
  const database = new LmdbLogDatabase({ directory: paths.log, lock });
  try {
    await database.open();
    await database.write(changes);
  } finally {
    await database.close();
  }
}
