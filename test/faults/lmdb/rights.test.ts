import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { faultEntries, LOG_OPTIONS } from './log-process.ts';
import { runLogProcess, temporaryDirectory } from './run-log-process.ts';

test('a directory that can not be written is refused, with a way out', async (t) => {
  const directory = join(temporaryDirectory(t), 'log');
  mkdirSync(directory);
  chmodSync(directory, 0o555);
  const { report, stderr } = await runLogProcess({ type: 'read', directory, isUnprivileged: true });
  assert.equal(report?.code, 'STORAGE', stderr);
  assert.ok(report.message.includes(directory), report.message);
  assert.match(report.message, /give the process the right to write there \(EACCES\)/);
});

test('a log whose files can not be written is refused, and left as it is', async (t) => {
  const directory = join(temporaryDirectory(t), 'log');
  const store = new LmdbLogStore({ directory });
  await store.open(LOG_OPTIONS);
  await store.append(faultEntries(1, 5));
  await store.close();
  chmodSync(join(directory, 'LOCK'), 0o666);
  for (const name of ['data.mdb', 'lock.mdb']) chmodSync(join(directory, name), 0o444);
  chmodSync(directory, 0o555);
  const { report, stderr } = await runLogProcess({ type: 'read', directory, isUnprivileged: true });
  assert.equal(report?.code, 'STORAGE', stderr);
  assert.ok(report.message.includes(directory), report.message);
  assert.match(report.message, /give the process the right to write there \(EACCES\)/);
  chmodSync(directory, 0o755);
  for (const name of ['data.mdb', 'lock.mdb']) chmodSync(join(directory, name), 0o644);
  const again = await runLogProcess({ type: 'read', directory });
  assert.deepEqual([again.report?.code, again.report?.found], [null, 4]);
});
