/** Shows what is in a data directory. */
import type { Entry, EntryKind } from '../../../core/entry.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../../core/ids.ts';
import type { Membership, StoredMembership } from '../../../core/membership/membership.ts';
import type { StoreIdentity } from '../../../ports/log-store.ts';
import type { Finding } from './finding.ts';
import { isDirectoryInUse } from './lock-probe.ts';
import { LogView } from './log-view.ts';
import type { RecoveryNote } from './recovery-note.ts';
import type { SnapshotStatus } from './snapshot-survey.ts';
import { findStorage } from './storage-paths.ts';
import type { StorageSurvey } from './survey.ts';
import { conclude, readStorage } from './survey.ts';
import { walkLog } from './walk-log.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface InspectOptions extends OfflineOptions {
  /** As for `openDurableStorage`. */
  readonly directory: string;
  /** Entries to show: from this index on, ... */
  readonly fromIndex?: LogIndex | undefined;
  /** ... before this one, ... */
  readonly toIndex?: LogIndex | undefined;
  /** ... at most so many; without `fromIndex` the last ones. Default 10. */
  readonly limit?: number | undefined;
}

export interface InspectedEntry {
  readonly logId: LogId;
  readonly kind: EntryKind;
  readonly timeMs: number;
  /** Of its record: what it takes on the disk, nearly. */
  readonly sizeBytes: number;
  readonly payload: Uint8Array;
  readonly membership: Membership | null;
}

export interface LogStatus {
  readonly path: string;
  /** The first entry that is there; one more than the last if there is none. */
  readonly firstIndex: LogIndex;
  readonly lastLogId: LogId;
  readonly lastPurged: LogId;
  /** As it was saved last, which is not with every commit. */
  readonly savedCommitted: LogId;
  /** Known to be committed, from the saved position, snapshot and state. */
  readonly committed: LogId;
  /** What was appended together is a group. */
  readonly groupCount: number;
}

export interface StorageReport {
  readonly directory: string;
  /** A node has it open: it may look different now. */
  readonly isInUse: boolean;
  readonly identity: StoreIdentity | null;
  readonly hardState: HardState;
  readonly log: LogStatus;
  /** Newest first. */
  readonly snapshots: readonly SnapshotStatus[];
  /** How far the state is on the disk, if it is kept there. */
  readonly stateApplied: LogId | null;
  /** The one to act by, and the last one that is known to be committed. */
  readonly membership: { readonly effective: StoredMembership; readonly committed: StoredMembership };
  /** What the store was before its last `recoverQuorum`. */
  readonly recovery: RecoveryNote | null;
  /** Every one was checked. */
  readonly entries: readonly InspectedEntry[];
  /** Of what was looked at: the log behind the newest snapshot, the entries above, the ends of the snapshot files. */
  readonly findings: readonly Finding[];
}

const DEFAULT_LIMIT = 10;

/**
 * Reads and changes nothing, also while a node runs on the directory: then it shows one moment of it.
 * @throws StorageError when the directory is none of a node or can't be read
 * @throws CorruptionError when the database is damaged as a whole
 */
export async function inspectStorage(options: InspectOptions): Promise<StorageReport> {
  const paths = await findStorage(options.directory);
  const isInUse = await isDirectoryInUse(paths.directory);
  const work = new Work(options);
  const view = await LogView.open(paths.log, isInUse);
  try {
    const survey = conclude(await readStorage({ paths, view, work }));
    const { entries, findings } = await readEntries(view, survey, options);
    return reportOf(survey, { isInUse, groupCount: view.groupCount(), entries, findings });
  } finally {
    await view.close();
  }
}

async function readEntries(
  view: LogView,
  { records, lastLogId }: StorageSurvey,
  options: InspectOptions,
): Promise<Pick<StorageReport, 'entries' | 'findings'>> {
  const { fromIndex, limit = DEFAULT_LIMIT } = options;
  const firstIndex = records.lastPurged.index + 1;
  const end = Math.min(options.toIndex ?? Number.MAX_SAFE_INTEGER, lastLogId.index + 1);
  const start = Math.max(firstIndex, fromIndex ?? end - limit);
  const toIndex = Math.min(end, start + limit);
  const entries: InspectedEntry[] = [];
  const findings: Finding[] = [];
  if (toIndex <= start) return { entries, findings };
  const onEntry = ({ logId, kind, timeMs, payload, membership }: Entry, record: Uint8Array): void => {
    entries.push({ logId, kind, timeMs, sizeBytes: record.byteLength, payload, membership });
  };
  await walkLog(
    { view, fromIndex: start, toIndex, work: new Work({ signal: options.signal }) },
    { onEntry, onFinding: (finding) => void findings.push(finding) },
  );
  return { entries, findings };
}

function reportOf(
  survey: StorageSurvey,
  found: Pick<StorageReport, 'isInUse' | 'entries' | 'findings'> & { readonly groupCount: number },
): StorageReport {
  const { paths, records, committed, lastLogId } = survey;
  const { lastPurged } = records;
  return {
    directory: paths.directory,
    isInUse: found.isInUse,
    identity: records.identity,
    hardState: records.hardState,
    log: {
      path: paths.log,
      firstIndex: lastPurged.index + 1,
      lastLogId,
      lastPurged,
      savedCommitted: records.committed,
      committed,
      groupCount: found.groupCount,
    },
    snapshots: survey.snapshots,
    stateApplied: survey.state?.applied.lastApplied ?? null,
    membership: survey.membership,
    recovery: records.recovery,
    entries: found.entries,
    findings: withoutRepetitions([...survey.findings, ...found.findings]),
  };
}

/** Part of the log was read twice. */
function withoutRepetitions(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
