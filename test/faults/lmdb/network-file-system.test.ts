import assert from 'node:assert/strict';
import fileSystem from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { LOG_OPTIONS } from './log-process.ts';
import { temporaryDirectory } from './run-log-process.ts';

/** What statfs says of a mount, and what it is called. */
const NETWORK_TYPES = [
  [0x6969, 'NFS'],
  [0xff53_4d42, 'CIFS'],
  // As a system with signed numbers gives it.
  [0xff53_4d42 | 0, 'CIFS'],
  [0x0102_1997, '9P'],
] as const;

for (const [type, name] of NETWORK_TYPES) {
  test(`a log on a network file system (${name}, ${type}) is refused`, async (t) => {
    const directory = join(temporaryDirectory(t), 'log');
    const { statfs } = fileSystem;
    t.mock.method(fileSystem, 'statfs', async (path: string) => ({ ...(await statfs(path)), type }));
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    await assert.rejects(new LmdbLogStore({ directory }).open(LOG_OPTIONS), {
      code: 'STORAGE',
      message: `${directory} is on a network file system (${name}): memory maps and locks can't be relied on there; use a local disk`,
    });
  });
}
