import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lockDirectory } from '../../../../src/storage/lmdb/directory-lock.ts';
import { isDirectoryInUse } from '../../../../src/storage/lmdb/offline/lock-probe.ts';
import { Ground } from './durable-cluster.ts';

describe('the question whether a directory is in use', () => {
  test('is answered', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = ground.at('locked');
    assert.equal(await isDirectoryInUse(directory), false);
    const lock = await lockDirectory(directory);
    assert.equal(await isDirectoryInUse(directory), true);
    await lock.release();
    assert.equal(await isDirectoryInUse(directory), false);
  });

  test('keeps nobody out of it', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = ground.at('locked');
    for (let i = 0; i < 50; i++) {
      const [, lock] = await Promise.all([isDirectoryInUse(directory), lockDirectory(directory)]);
      await lock.release();
    }
  });
});
