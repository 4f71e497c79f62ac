/** Is there room on the disk? LMDB's own answers to a full one are of no use: see below. */
import { statfs } from 'node:fs/promises';

/** Less than this is a full disk. */
const ROOM_BYTES_MIN = 1024 * 1024;

const EIO = 5;

/**
 * To be called before LMDB opens anything: a process dies by a signal when there is no room for the first pages of the
 * lock file, which is mapped with holes (SIGBUS), or of the database, whose clean-up then goes wrong (SIGSEGV).
 * @throws an error with code `ENOSPC`
 */
export async function checkRoom(directory: string): Promise<void> {
  if (await isFull(directory)) {
    throw Object.assign(new Error(`ENOSPC: less than ${ROOM_BYTES_MIN} bytes are free`), { code: 'ENOSPC' });
  }
}

/** What really went wrong with a write: LMDB says that the disk failed (EIO) when it took only a part of the bytes. */
export async function causeOfFailedWrite(directory: string, error: unknown): Promise<unknown> {
  const { code } = error as { readonly code?: unknown };
  if (code !== EIO || !(await isFull(directory))) return error;
  return Object.assign(new Error('ENOSPC: a part of the bytes was written', { cause: error }), { code: 'ENOSPC' });
}

async function isFull(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize < ROOM_BYTES_MIN;
}
