/** Looks at snapshot files without a store, and changes nothing: for tools, on a node that is stopped. */
import type { FileSystem } from '../../ports/file-system.ts';
import type { StoredSnapshot } from '../../ports/snapshot-store.ts';
import { systemFileSystem } from '../../system/system-file-system.ts';
import { checkedFileSystem } from './checked-file-system.ts';
import { readDirectory } from './directory-state.ts';
import { isDamage } from './file-format.ts';
import { openSnapshotFile, readChecked } from './snapshot-file.ts';

/** A complete snapshot in its file. */
export interface KeptFile {
  readonly path: string;
  readonly snapshot: StoredSnapshot;
}

/** A file of which every byte was read. */
export interface VerifiedFile {
  readonly path: string;
  /** `null` when the file does not say, because of what is wrong with it. */
  readonly snapshot: StoredSnapshot | null;
  /** What is wrong and where; `null` when all of it is sound. */
  readonly problem: string | null;
}

/** The files of a snapshot store, oldest first. */
export interface SnapshotFiles {
  /** Header, end and size are right; blocks were not read. */
  readonly snapshots: readonly KeptFile[];
  readonly damaged: readonly { readonly path: string; readonly problem: string }[];
  readonly unfinished: readonly string[];
}

/** @throws StorageError when the directory or a file can't be read, or is of a newer release */
export async function listSnapshotFiles(
  directory: string,
  fileSystem: FileSystem = systemFileSystem,
): Promise<SnapshotFiles> {
  const state = await readDirectory(checkedFileSystem(fileSystem), directory);
  const unfinished = state.unfinished === null ? [] : [state.unfinished.path];
  return {
    snapshots: state.snapshots.map(({ file: { path, snapshot } }) => ({ path, snapshot })),
    damaged: state.damaged.map(({ place, problem }) => ({ path: place, problem })),
    unfinished: [...state.useless, ...unfinished],
  };
}

/**
 * Reads every byte of a complete snapshot file, whatever its name is.
 * @throws StorageError when it can't be read, or is of a newer release
 */
export async function verifySnapshotFile(
  path: string,
  fileSystem: FileSystem = systemFileSystem,
): Promise<VerifiedFile> {
  const files = checkedFileSystem(fileSystem);
  let snapshot: StoredSnapshot | null = null;
  const problem = await findProblem(async () => {
    const opened = await openSnapshotFile(files, path);
    snapshot = opened.snapshot;
    const file = await files.openForReading(path);
    try {
      await drain(readChecked({ ...opened, file, sizeBytes: snapshot.sizeBytes }, snapshot));
    } finally {
      await file.close();
    }
  });
  return { path, snapshot, problem };
}

/** The message of a CorruptionError, `null` when there is none. */
export async function findProblem(read: () => Promise<void>): Promise<string | null> {
  try {
    await read();
    return null;
  } catch (error) {
    if (isDamage(error)) return error.message;
    throw error;
  }
}

/** Reads to the end. */
export async function drain(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}
