/** Makes a backup of a data directory. */
import { dirname, resolve } from 'node:path';
import type { LogId } from '../../../core/ids.ts';
import { CorruptionError, StorageError } from '../../../errors.ts';
import type { StoredSnapshot } from '../../../ports/snapshot-store.ts';
import { systemFileSystem } from '../../../system/system-file-system.ts';
import { systemClock } from '../../../system/system-ports.ts';
import { openSnapshotFile } from '../../snapshot-files/snapshot-file.ts';
import type { BackupHeader } from './backup-format.ts';
import { BackupWriter, checkFree } from './backup-writer.ts';
import { findingText } from './finding.ts';
import { isDirectoryInUse } from './lock-probe.ts';
import { LogView } from './log-view.ts';
import type { SnapshotStatus } from './snapshot-survey.ts';
import { isMissing, readSnapshot } from './snapshot-survey.ts';
import type { StoragePaths } from './storage-paths.ts';
import { findStorage } from './storage-paths.ts';
import type { StorageSurvey } from './survey.ts';
import { conclude, readStorage } from './survey.ts';
import { walkLog } from './walk-log.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface BackupOptions extends OfflineOptions {
  /** As for `openDurableStorage`. */
  readonly directory: string;
  /** The file to write. There must be none of that name, but its directory. */
  readonly file: string;
  /** Write nothing. Default `false`. */
  readonly isDryRun?: boolean | undefined;
}

export interface BackupReport {
  readonly directory: string;
  readonly isInUse: boolean;
  readonly file: string;
  readonly header: BackupHeader;
  /** Of the file; nearly so after a dry run. */
  readonly sizeBytes: number;
  /** The last entry of the log. What lies behind the last one of the backup was not known to be committed. */
  readonly lastLogId: LogId;
}

/** A running node removes snapshots while they are looked for. */
const ATTEMPTS_MAX = 10;

/**
 * Writes the newest sound snapshot and the committed entries behind it to one file, which has its name when all of it is
 * on the disk. Takes no lock: a node may run on the directory, and goes on.
 *
 * What was acknowledged last may be missing: a node notes the committed position with some of its writes only. A node
 * that was shut down has noted all of it; of a running one, have a snapshot built first (`trigger().snapshot()`).
 * @throws CorruptionError when what is to be copied is damaged
 * @throws StorageError when something can't be read or written, or there is nothing to back up
 */
export async function backupStorage(options: BackupOptions): Promise<BackupReport> {
  const paths = await findStorage(options.directory);
  const file = resolve(options.file);
  await checkFree(systemFileSystem, file);
  await systemFileSystem.list(dirname(file)).catch((error: unknown) => {
    throw new StorageError(`can't write to ${dirname(file)}: make that directory first`, error);
  });
  const isInUse = await isDirectoryInUse(paths.directory);
  const damaged = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const backup = new Backup(paths, { ...options, file, isInUse }, damaged);
    try {
      const made = await backup.make();
      return { directory: paths.directory, isInUse, file, ...made };
    } catch (error) {
      if (!backup.mayRetry(error) || attempt >= ATTEMPTS_MAX) throw error;
    }
  }
}

class Backup {
  readonly #paths: StoragePaths;
  readonly #options: BackupOptions;
  readonly #isInUse: boolean;
  readonly #work: Work;
  /** Snapshots that turned out to be damaged. */
  readonly #damaged: Set<string>;
  #snapshot: SnapshotStatus | null = null;
  #isReadingSnapshot = false;

  constructor(paths: StoragePaths, options: BackupOptions & { readonly isInUse: boolean }, damaged: Set<string>) {
    this.#paths = paths;
    this.#options = options;
    this.#isInUse = options.isInUse;
    this.#work = new Work(options);
    this.#damaged = damaged;
  }

  async make(): Promise<Pick<BackupReport, 'header' | 'sizeBytes' | 'lastLogId'>> {
    const view = await LogView.open(this.#paths.log, this.#isInUse);
    let writer: BackupWriter | null = null;
    try {
      const survey = conclude(await this.#read(view));
      this.#snapshot = survey.snapshots[0] ?? null;
      const header = headerOf(survey, this.#snapshot?.snapshot ?? null);
      const { lastLogId } = survey;
      if (this.#options.isDryRun === true) {
        const entriesBytes = await this.#copyEntries(view, survey, null);
        return { header, lastLogId, sizeBytes: entriesBytes + (header.snapshot?.sizeBytes ?? 0) };
      }
      writer = await BackupWriter.create(systemFileSystem, this.#options.file);
      await writer.header(header);
      await this.#copyEntries(view, survey, writer);
      await view.close();
      await this.#copySnapshot(writer);
      await writer.publish();
      return { header, lastLogId, sizeBytes: writer.sizeBytes };
    } finally {
      await view.close();
      await writer?.discard();
    }
  }

  /** Another snapshot may do, or the same one under another name. */
  mayRetry(error: unknown): boolean {
    if (!this.#isReadingSnapshot || this.#snapshot === null) return false;
    const isDamaged = error instanceof CorruptionError;
    if (isDamaged) this.#damaged.add(this.#snapshot.path);
    return isDamaged || isMissing(error);
  }

  async #read(view: LogView): ReturnType<typeof readStorage> {
    const choose = async (found: readonly SnapshotStatus[]): Promise<readonly SnapshotStatus[]> =>
      found.filter(({ path }) => !this.#damaged.has(path));
    return await readStorage({ paths: this.#paths, view, work: this.#work, isStateIgnored: true, choose });
  }

  /** Resolves with how many bytes that are. */
  async #copyEntries(
    view: LogView,
    { covered, committed }: StorageSurvey,
    writer: BackupWriter | null,
  ): Promise<number> {
    const work = this.#work;
    const fromIndex = covered.index + 1;
    const toIndex = committed.index + 1;
    let bytes = 0;
    if (toIndex === fromIndex) return bytes;
    work.begin('log', toIndex - fromIndex, 'entries');
    await walkLog(
      { view, fromIndex, toIndex, work },
      {
        onEntry: async ({ logId }, record) => {
          bytes += record.byteLength;
          await writer?.record(logId.index, record);
        },
        onFinding: (finding) => {
          throw new CorruptionError(`the log is damaged: ${findingText(finding)}; ${CURE}`);
        },
      },
    );
    work.end();
    return bytes;
  }

  async #copySnapshot(writer: BackupWriter): Promise<void> {
    if (this.#snapshot === null) return;
    this.#isReadingSnapshot = true;
    const opened = await openSnapshotFile(systemFileSystem, this.#snapshot.path);
    this.#work.begin('snapshot', opened.snapshot.sizeBytes, 'bytes');
    for await (const piece of readSnapshot(opened, this.#work)) await writer.piece(piece);
    this.#work.end();
    this.#isReadingSnapshot = false;
  }
}

const CURE = 'back up another node of the cluster';

/** @throws CorruptionError, StorageError when there is nothing that would make a whole backup */
function headerOf(survey: StorageSurvey, snapshot: StoredSnapshot | null): BackupHeader {
  const { paths, records, covered, committed, findings } = survey;
  const { identity: source, hardState, lastPurged } = records;
  if (lastPurged.index > covered.index) {
    throw new CorruptionError(
      `no sound snapshot in ${paths.snapshots} covers entries ${covered.index + 1} to ${lastPurged.index}, which the log has no more: have the node build a snapshot (trigger().snapshot()), or ${CURE}`,
    );
  }
  const damage = findings.find(
    ({ severity, file, index }) =>
      severity === 'damage' && file === paths.log && (index === null || index <= committed.index),
  );
  if (damage !== undefined) throw new CorruptionError(`the log is damaged: ${findingText(damage)}; ${CURE}`);
  if (source === null || committed.index === 0) {
    throw new StorageError(
      `${paths.directory} holds nothing that is known to be committed: there is nothing to back up`,
    );
  }
  const entryCount = committed.index - covered.index;
  return { createdMs: systemClock.wallMs(), source, hardState, lastLogId: committed, snapshot, entryCount };
}
