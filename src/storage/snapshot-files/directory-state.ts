/** What a snapshot store finds in its directory when it is opened. */
import { join } from 'node:path';
import type { FileSystem } from '../../ports/file-system.ts';
import type { DamagedSnapshot } from '../../ports/snapshot-store.ts';
import { isDamage } from './file-format.ts';
import type { FileName } from './file-names.ts';
import { findFileNames } from './file-names.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { openSnapshotFile, readHeader } from './snapshot-file.ts';
import type { UnfinishedPlace } from './unfinished-snapshot.ts';

export interface FoundSnapshot {
  readonly sequence: number;
  readonly file: SnapshotFile;
}

export interface FoundDamage extends DamagedSnapshot {
  readonly sequence: number;
  readonly isSetAside: boolean;
}

export interface DirectoryState {
  /** The greatest number that was ever used, as far as it can be seen. */
  readonly lastSequence: number;
  /** Those whose header, trailer and size are right, oldest first. */
  readonly snapshots: readonly FoundSnapshot[];
  /** Oldest first. */
  readonly damaged: readonly FoundDamage[];
  /** The newest unfinished one, if its header is sound. */
  readonly unfinished: UnfinishedPlace | null;
  /** Paths of other unfinished ones. */
  readonly useless: readonly string[];
}

/**
 * Looks at every file of the store, and changes nothing.
 * @throws StorageError when one can't be read, or is of another release
 */
export async function readDirectory(fileSystem: FileSystem, directory: string): Promise<DirectoryState> {
  const names = findFileNames(await fileSystem.list(directory));
  const snapshots: FoundSnapshot[] = [];
  const damaged: FoundDamage[] = [];
  for (const { name, kind, sequence } of names) {
    const path = join(directory, name);
    if (kind === 'damaged') {
      damaged.push({ sequence, place: path, problem: 'set aside by an earlier run', isSetAside: true });
    } else if (kind === 'snapshot') {
      const found = await orDamage(() => openSnapshotFile(fileSystem, path));
      if (typeof found === 'string') damaged.push({ sequence, place: path, problem: found, isSetAside: false });
      else snapshots.push({ sequence, file: found });
    }
  }
  const unfinished = names.filter(({ kind }) => kind === 'unfinished');
  const place = await newestPlace(fileSystem, directory, unfinished.at(-1));
  const useless = unfinished.map(({ name }) => join(directory, name)).filter((path) => path !== place?.path);
  return { lastSequence: names.at(-1)?.sequence ?? 0, snapshots, damaged, unfinished: place, useless };
}

async function newestPlace(
  fileSystem: FileSystem,
  directory: string,
  newest: FileName | undefined,
): Promise<UnfinishedPlace | null> {
  if (newest === undefined) return null;
  const path = join(directory, newest.name);
  const file = await fileSystem.openForReading(path);
  try {
    const header = await orDamage(() => readHeader(file, path));
    return typeof header === 'string' ? null : { path, sequence: newest.sequence, header };
  } finally {
    await file.close();
  }
}

/** What is wrong with the file, instead of a CorruptionError. */
async function orDamage<T>(read: () => Promise<T>): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) return error.message;
    throw error;
  }
}
