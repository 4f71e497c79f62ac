/** A look at the snapshot files. */
import { CorruptionError } from '../../../errors.ts';
import type { StoredSnapshot } from '../../../ports/snapshot-store.ts';
import { systemFileSystem } from '../../../system/system-file-system.ts';
import { listSnapshotFiles } from '../../snapshot-files/inspect-files.ts';
import type { SnapshotFile } from '../../snapshot-files/snapshot-file.ts';
import { openSnapshotFile, readChecked } from '../../snapshot-files/snapshot-file.ts';
import type { Finding } from './finding.ts';
import type { Work } from './work.ts';

export interface SnapshotStatus {
  readonly path: string;
  readonly snapshot: StoredSnapshot;
  /** `ends`: header, end and size were checked; `all`: every byte was read. */
  readonly checked: 'ends' | 'all';
}

/** A running node removes files between the look at the directory and the look at the file. */
const ATTEMPTS = 10;

/** Sound snapshots, newest first, and what is wrong with the others. Nothing is changed. */
export async function surveySnapshots(
  directory: string,
  onFinding: (finding: Finding) => void,
): Promise<readonly SnapshotStatus[]> {
  const { snapshots, damaged, unfinished } = await listFiles(directory);
  for (const { path, problem } of damaged) {
    const isSetAside = path.endsWith('.damaged');
    onFinding({
      severity: isSetAside ? 'note' : 'damage',
      file: path,
      index: null,
      problem: isSetAside ? 'a damaged snapshot that the node has set aside; it is not used' : problem,
    });
  }
  for (const path of unfinished) {
    onFinding({ severity: 'note', file: path, index: null, problem: 'an unfinished snapshot; it is not used' });
  }
  return snapshots.map(({ path, snapshot }) => ({ path, snapshot, checked: 'ends' as const })).toReversed();
}

/**
 * All bytes of a snapshot, in pieces.
 * @throws CorruptionError when they are damaged
 */
export async function* readSnapshot(opened: SnapshotFile, work: Work): AsyncGenerator<Uint8Array, void> {
  const { sizeBytes } = opened.snapshot;
  const file = await systemFileSystem.openForReading(opened.path);
  try {
    for await (const piece of readChecked({ ...opened, file, sizeBytes }, opened.snapshot)) {
      yield piece;
      const turn = work.advance(piece.byteLength, piece.byteLength);
      if (turn !== null) await turn;
    }
  } finally {
    await file.close();
  }
}

/** Reads every byte. `false` when they are damaged, which is reported. */
export async function isSnapshotSound(
  path: string,
  work: Work,
  onFinding: (finding: Finding) => void,
): Promise<boolean> {
  try {
    const opened = await openSnapshotFile(systemFileSystem, path);
    work.begin('snapshot', opened.snapshot.sizeBytes, 'bytes');
    const pieces = readSnapshot(opened, work);
    while ((await pieces.next()).done !== true);
    work.end();
    return true;
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    onFinding({ severity: 'damage', file: path, index: null, problem: error.message });
    return false;
  }
}

async function listFiles(directory: string): ReturnType<typeof listSnapshotFiles> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listSnapshotFiles(directory);
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (!(await isDirectoryThere(directory))) return { snapshots: [], damaged: [], unfinished: [] };
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function isDirectoryThere(directory: string): Promise<boolean> {
  return await systemFileSystem.list(directory).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

/** Of a file, or of a directory: somebody removed it. */
export function isMissing(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return code === 'ENOENT' || (cause !== undefined && cause !== null && isMissing(cause));
}
