/** Where the parts of a node's data are, as `openDurableStorage` lays them out. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StorageError } from '../../../errors.ts';
import { lmdbError } from '../lmdb-errors.ts';

export interface StoragePaths {
  readonly directory: string;
  readonly log: string;
  readonly snapshots: string;
  readonly state: string;
}

/** @throws StorageError when that is no data directory */
export async function findStorage(directory: string): Promise<StoragePaths> {
  const path = resolve(directory);
  const paths = {
    directory: path,
    log: join(path, 'log'),
    snapshots: join(path, 'snapshots'),
    state: join(path, 'state'),
  };
  if (await isThere(join(paths.log, 'data.mdb'))) return paths;
  if (await isThere(join(path, 'data.mdb'))) {
    throw new StorageError(`${path} is the database of a log itself: name the data directory it is in`);
  }
  const what = (await isThere(path)) ? 'has no log in it' : 'does not exist';
  throw new StorageError(`${path} ${what}: name a directory that a node was started with (openDurableStorage)`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return false;
    throw lmdbError('look at it', path, error);
  }
}
