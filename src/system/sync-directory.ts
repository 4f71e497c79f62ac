/** Makes the names in a directory durable. */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What was made, renamed or removed in the directory is on the disk when it resolves. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The same for a directory that may be new itself. */
export async function syncNewDirectory(path: string): Promise<void> {
  await syncDirectory(path);
  await syncDirectory(dirname(path));
}
