import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { LOG_OPTIONS } from './log-process.ts';
import { startLogProcess, temporaryDirectory, whenHolding } from './run-log-process.ts';

test('D-30 a second process is kept out with an error that names the directory and the cure, until the first one is dead', async (t) => {
  const directory = join(temporaryDirectory(t), 'log');
  const holder = startLogProcess({ type: 'hold', directory });
  t.after(() => holder.kill('SIGKILL'));
  await whenHolding(holder);
  await assert.rejects(new LmdbLogStore({ directory }).open(LOG_OPTIONS), (error: Error & { code: string }) => {
    assert.equal(error.code, 'STORAGE');
    assert.ok(error.message.startsWith(`${directory} is in use by another process`), error.message);
    assert.match(error.message, /stop that first; every node needs a directory of its own/);
    return true;
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const store = new LmdbLogStore({ directory });
  assert.equal((await store.open(LOG_OPTIONS)).identity.instanceId, LOG_OPTIONS.newInstanceId);
  await store.close();
});
