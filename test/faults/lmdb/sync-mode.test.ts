import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { open } from 'lmdb';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { faultEntries, LOG_OPTIONS } from './log-process.ts';
import { temporaryDirectory } from './run-log-process.ts';

/**
 * Where LMDB notes, in the middle of the first page, what it has synced later than it made it valid. Nothing is there
 * when every commit was synced first, page by page, as the log must have it.
 */
function syncedLater(directory: string): boolean {
  const page = readFileSync(join(directory, 'data.mdb')).subarray(0, 4096);
  return page.subarray(2048).some((byte) => byte !== 0);
}

async function writeLog(t: TestContext): Promise<string> {
  const directory = join(temporaryDirectory(t), 'log');
  const store = new LmdbLogStore({ directory });
  await store.open(LOG_OPTIONS);
  for (let index = 1; index <= 20; index += 1) await store.append(faultEntries(index, index + 1));
  await store.purge({ term: 1, index: 10 });
  await store.close();
  return directory;
}

test('a commit of the log is never made valid before its pages are synced', async (t) => {
  assert.equal(syncedLater(await writeLog(t)), false);
});

test('a database that syncs later is told apart', async (t) => {
  const directory = join(temporaryDirectory(t), 'other');
  const root = open<string, string>({ path: directory, noSubdir: false, overlappingSync: true, pageSize: 4096 });
  for (let key = 1; key <= 20; key += 1) await root.put(String(key), 'value');
  await root.flushed;
  await root.close();
  assert.equal(syncedLater(directory), true);
});
