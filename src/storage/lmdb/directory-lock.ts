/** Keeps a second process out of a directory: two writers of one log would each destroy what the other promised. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { StorageError } from '../../errors.ts';
import { systemFileSystem } from '../../system/system-file-system.ts';
import { systemTimers } from '../../system/system-ports.ts';
import { lmdbError } from './lmdb-errors.ts';

export const LOCK_FILE = 'LOCK';

const SECOND_TRY_MS = 50;

/** The directory is ours until it is released, or the process ends, however it ends. */
export interface DirectoryLock {
  /** Safe to call twice. */
  release(): Promise<void>;
}

/**
 * Makes the directory if need be and locks it. The lock is one of the kernel (an open file description lock, where
 * there are such), on a file that stays: nothing has to be cleaned up after a crash. It also holds within one process.
 * @throws StorageError when somebody else has it, or the directory can't be written
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  let file: FileHandle | null = null;
  try {
    await systemFileSystem.makeDirectory(directory);
    file = await open(join(directory, LOCK_FILE), 'a+');
    if (await tryTwice(file.fd)) return new HeldLock(file);
  } catch (error) {
    await file?.close();
    throw lmdbError('lock the directory', directory, error);
  }
  await file.close();
  throw new StorageError(
    `${directory} is in use by another process, or by another store of this one: stop that first; every node needs a directory of its own`,
  );
}

/** A tool that asks whether the directory is in use has the lock for a moment. */
async function tryTwice(fd: number): Promise<boolean> {
  if (tryLock(fd, { exclusive: true })) return true;
  await new Promise<void>((resolve) => systemTimers.setTimer(SECOND_TRY_MS, resolve));
  return tryLock(fd, { exclusive: true });
}

class HeldLock implements DirectoryLock {
  readonly #file: FileHandle;
  #released: Promise<void> | null = null;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  release(): Promise<void> {
    this.#released ??= this.#file.close();
    return this.#released;
  }
}
