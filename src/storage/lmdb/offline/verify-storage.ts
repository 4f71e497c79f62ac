/** Reads everything in a data directory, and tells what is wrong with it. */
import { CorruptionError } from '../../../errors.ts';
import type { Finding } from './finding.ts';
import { hasDamage } from './finding.ts';
import { isDirectoryInUse } from './lock-probe.ts';
import { LogView } from './log-view.ts';
import type { SnapshotStatus } from './snapshot-survey.ts';
import { isMissing, isSnapshotSound } from './snapshot-survey.ts';
import { verifyState } from './state-survey.ts';
import type { StoragePaths } from './storage-paths.ts';
import { findStorage } from './storage-paths.ts';
import type { StorageContent } from './survey.ts';
import { conclude, readStorage } from './survey.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface VerifyOptions extends OfflineOptions {
  /** As for `openDurableStorage`. */
  readonly directory: string;
}

export interface VerifyReport {
  readonly directory: string;
  /** A node has it open: it may look different now. */
  readonly isInUse: boolean;
  /** Nothing is damaged, missing or contradictory; there may still be notes. */
  readonly isSound: boolean;
  readonly findings: readonly Finding[];
  /** What was read and is sound. */
  readonly entryCount: number;
  readonly snapshotCount: number;
  /** `null` when the state is not kept on the disk. */
  readonly stateRowCount: number | null;
}

/**
 * Reads every record of the log, every snapshot and every row of a state, and checks what they say against their
 * checksums and against each other: is the log without holes, do terms never decrease, does a snapshot cover what was
 * purged? Changes nothing, also while a node runs on the directory.
 * @throws StorageError when the directory is none of a node or can't be read
 */
export async function verifyStorage(options: VerifyOptions): Promise<VerifyReport> {
  const paths = await findStorage(options.directory);
  const isInUse = await isDirectoryInUse(paths.directory);
  const work = new Work(options);
  const content = await readLog(paths, isInUse, work);
  if ('problem' in content) {
    const finding: Finding = { severity: 'damage', file: paths.log, index: null, problem: content.problem };
    const nothing = { entryCount: 0, snapshotCount: 0, stateRowCount: null };
    return { directory: paths.directory, isInUse, isSound: false, findings: [finding], ...nothing };
  }
  const found: Finding[] = [];
  const onFinding = (finding: Finding): void => void found.push(finding);
  const snapshots = await readSnapshots(content.snapshots, work, onFinding);
  const { state, findings } = conclude({ ...content, snapshots, findings: [...content.findings, ...found] });
  const rowFindings: Finding[] = [];
  const onRowFinding = (finding: Finding): void => void rowFindings.push(finding);
  const stateRowCount = state === null ? null : await verifyState(state.path, work, onRowFinding);
  const all = [...findings, ...rowFindings];
  return {
    directory: paths.directory,
    isInUse,
    isSound: !hasDamage(all),
    findings: all,
    entryCount: content.tail.entryCount,
    snapshotCount: snapshots.length,
    stateRowCount,
  };
}

/** The view is closed before the snapshots are read, which may take long. */
async function readLog(
  paths: StoragePaths,
  isInUse: boolean,
  work: Work,
): Promise<StorageContent | { readonly problem: string }> {
  let view: LogView;
  try {
    view = await LogView.open(paths.log, isInUse);
  } catch (error) {
    if (error instanceof CorruptionError) return { problem: error.message };
    throw error;
  }
  try {
    return await readStorage({ paths, view, work, fromIndex: 1 });
  } finally {
    await view.close();
  }
}

/** The sound ones. One that a running node has removed meanwhile is neither sound nor damaged. */
async function readSnapshots(
  found: readonly SnapshotStatus[],
  work: Work,
  onFinding: (finding: Finding) => void,
): Promise<readonly SnapshotStatus[]> {
  const sound: SnapshotStatus[] = [];
  for (const status of found) {
    const isSound = await isSnapshotSound(status.path, work, onFinding).catch((error: unknown) => {
      if (isMissing(error)) return true;
      throw error;
    });
    if (isSound) sound.push({ ...status, checked: 'all' });
  }
  return sound;
}
