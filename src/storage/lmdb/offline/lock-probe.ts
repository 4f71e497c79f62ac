/** Is somebody using a directory? Asked without keeping anybody out. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { LOCK_FILE } from '../directory-lock.ts';
import { lmdbError } from '../lmdb-errors.ts';

/** For the moment of the question nobody else can take the lock, so who takes it tries twice. */
export async function isDirectoryInUse(directory: string): Promise<boolean> {
  const path = join(directory, LOCK_FILE);
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw lmdbError('look at the lock', path, error);
  }
  try {
    return !tryLock(file.fd, { shared: true });
  } finally {
    await file.close();
  }
}
