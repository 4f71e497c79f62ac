/** How many commits a log has seen: LMDB numbers them. */
import { join } from 'node:path';
import { open } from 'lmdb';

/** Of the log in a node's directory, which another process may have open. */
export async function commitCount(directory: string): Promise<number> {
  const database = open({ path: join(directory, 'log'), noSubdir: false, readOnly: true });
  // The types say nothing of what is counted.
  const { lastTxnId } = database.getStats() as { readonly lastTxnId: number };
  await database.close();
  return lastTxnId;
}
