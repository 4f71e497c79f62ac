/** Tells a backup from a data directory. */
import { stat } from 'node:fs/promises';

/** `false` also for what is not there: whoever opens it says so better. */
export async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
