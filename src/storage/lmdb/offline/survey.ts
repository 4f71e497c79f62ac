/** What a data directory holds, and what a node would make of it at its next start. */
import type { LogId, LogIndex } from '../../../core/ids.ts';
import { NO_LOG_ID } from '../../../core/ids.ts';
import type { StoredMembership } from '../../../core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../../core/membership/membership.ts';
import type { StoredSnapshot } from '../../../ports/snapshot-store.ts';
import type { Finding } from './finding.ts';
import { LogTail } from './log-tail.ts';
import type { LogView } from './log-view.ts';
import { placePositions } from './positions.ts';
import type { SnapshotStatus } from './snapshot-survey.ts';
import { surveySnapshots } from './snapshot-survey.ts';
import type { StateStatus } from './state-survey.ts';
import { surveyState } from './state-survey.ts';
import type { StoragePaths } from './storage-paths.ts';
import type { StoredRecords } from './stored-records.ts';
import { readRecords } from './stored-records.ts';
import { walkLog } from './walk-log.ts';
import type { Work } from './work.ts';

/** What was read. */
export interface StorageContent {
  readonly paths: StoragePaths;
  readonly records: StoredRecords;
  /** Sound as far as they were checked, newest first. */
  readonly snapshots: readonly SnapshotStatus[];
  readonly state: StateStatus | null;
  readonly tail: LogTail;
  readonly findings: readonly Finding[];
}

/** What follows from it. */
export interface StorageSurvey extends Omit<StorageContent, 'tail'> {
  /** The last entry that can be read, or the last purged one. */
  readonly lastLogId: LogId;
  /** What snapshot and state cover: the log counts only behind it. */
  readonly covered: LogId;
  /** The last entry that counts: that of the log, or what is covered when the log is about to be discarded for it. */
  readonly end: LogId;
  /** The log contradicts a newer snapshot, or ends before it: an installation was interrupted. */
  readonly isLogSuperseded: boolean;
  /** Known to be committed. */
  readonly committed: LogId;
  /** Of the last entry that counts; 0 when there is none. */
  readonly lastTimeMs: number;
  readonly membership: { readonly effective: StoredMembership; readonly committed: StoredMembership };
}

export interface ReadStorageOptions {
  readonly paths: StoragePaths;
  readonly view: LogView;
  readonly work: Work;
  /** Which of the snapshots, newest first, to rely on. Default: all whose ends are sound. */
  readonly choose?: (
    snapshots: readonly SnapshotStatus[],
    onFinding: (finding: Finding) => void,
  ) => Promise<readonly SnapshotStatus[]>;
  /** As if the state were not there: for what is to be made of snapshot and log only. */
  readonly isStateIgnored?: boolean;
  /** Read the log from here on, also where a snapshot covers it. Default: only behind what is covered. */
  readonly fromIndex?: LogIndex;
}

/** Reads everything that decides how the node would start. Changes nothing. */
export async function readStorage(options: ReadStorageOptions): Promise<StorageContent> {
  const { paths, view, work, choose } = options;
  const findings: Finding[] = [];
  const onFinding = (finding: Finding): void => void findings.push(finding);
  const records = readRecords(view, onFinding);
  // After the view: whatever it says was purged is in one of these.
  const found = await surveySnapshots(paths.snapshots, onFinding);
  const snapshots = choose === undefined ? found : await choose(found, onFinding);
  const state = options.isStateIgnored === true ? null : await surveyState(paths.state, view.isInUse, onFinding);

  const tail = new LogTail(view.place, records.lastPurged, onFinding);
  const firstIndex = records.lastPurged.index + 1;
  const lastGroup = view.lastFirstIndex() ?? firstIndex;
  const neededIndex = options.fromIndex ?? coveredBy(snapshots, state).lastLogId.index;
  const fromIndex = Math.max(firstIndex, Math.min(neededIndex, lastGroup));
  work.begin('log', Math.max(0, lastGroup - fromIndex), 'entries');
  await walkLog({ view, fromIndex, work }, tail);
  work.end();
  return { paths, records, snapshots, state, tail, findings };
}

/** Draws the conclusions a node would draw. */
export function conclude(content: StorageContent): StorageSurvey {
  const { paths, records, snapshots, state, tail } = content;
  const covered = coveredBy(snapshots, state);
  const newest = snapshots[0]?.snapshot ?? null;
  const place = paths.log;
  const { findings, ...positions } = placePositions({ place, records, newest, covered: covered.lastLogId, tail });
  const memberships = tail.memberships.filter(
    ({ logId }) => !positions.isLogSuperseded && logId.index > covered.lastLogId.index,
  );
  const effective = memberships.at(-1) ?? covered.membership;
  // What the disk of the only voter holds is committed, whether it was noted or not.
  const isAlone = isOnlyVoter(effective, records);
  const committed = isAlone ? positions.end : positions.committed;
  return {
    paths,
    records,
    snapshots,
    state,
    ...positions,
    committed,
    lastLogId: tail.lastLogId,
    covered: covered.lastLogId,
    lastTimeMs: positions.isLogSuperseded ? covered.timeMs : Math.max(covered.timeMs, tail.lastTimeMs),
    membership: {
      effective,
      committed: memberships.findLast(({ logId }) => logId.index <= committed.index) ?? covered.membership,
    },
    findings: [...content.findings, ...findings],
  };
}

function isOnlyVoter({ membership }: StoredMembership, { identity }: StoredRecords): boolean {
  const [voters, ...others] = membership.configs;
  return others.length === 0 && voters?.length === 1 && voters[0] === identity?.nodeId;
}

interface Covered {
  readonly lastLogId: LogId;
  readonly timeMs: number;
  readonly membership: StoredMembership;
}

const NOTHING: Covered = Object.freeze({ lastLogId: NO_LOG_ID, timeMs: 0, membership: NO_MEMBERSHIP });

/** That of the state, unless the newest snapshot is newer: then it is restored from that. */
function coveredBy(snapshots: readonly SnapshotStatus[], state: StateStatus | null): Covered {
  const newest: StoredSnapshot | undefined = snapshots[0]?.snapshot;
  const applied = state?.applied;
  if (newest !== undefined && newest.meta.lastLogId.index > (applied?.lastApplied.index ?? -1)) {
    const { lastLogId, lastTimeMs, membership } = newest.meta;
    return { lastLogId, timeMs: lastTimeMs, membership };
  }
  if (applied === undefined) return NOTHING;
  return { lastLogId: applied.lastApplied, timeMs: applied.lastTimeMs, membership: applied.membership };
}
