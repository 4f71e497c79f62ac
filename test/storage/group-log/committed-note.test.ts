/** When the committed position goes to the disk although nothing is written that could take it along. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import type { Timers } from '../../../src/ports/clock.ts';
import { GroupLogStore } from '../../../src/storage/group-log/group-log-store.ts';
import type { DiskFault, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemLogDatabase, MemLogDisk } from '../../../src/testing/disk/mem-log-database.ts';

const OPTIONS = { nodeId: 1, clusterName: 'test', newInstanceId: 'a' } as const;

/** A disk that counts commits and can be broken, and time that passes when the test says so. */
class Bench {
  readonly disk = new MemLogDisk();
  readonly waiting: (() => void)[] = [];
  commits = 0;
  isBroken = false;

  async open(): Promise<GroupLogStore> {
    const timers: Timers = {
      setTimer: (_delayMs, callback) => {
        this.waiting.push(callback);
        return { cancel: () => undefined };
      },
      nextTurn: (callback) => void setImmediate(callback),
    };
    const before = (operation: DiskOperation): DiskFault | null => {
      if (operation.type === 'commit') this.commits += 1;
      return this.isBroken ? { error: systemError('EIO', operation), doneBytes: 0 } : null;
    };
    const store = new GroupLogStore(new MemLogDatabase(this.disk, { faults: { before } }), { timers });
    await store.open(OPTIONS);
    this.commits = 0;
    return store;
  }

  async committed(): Promise<unknown> {
    this.disk.owner = null;
    return (await new GroupLogStore(new MemLogDatabase(this.disk)).open(OPTIONS)).committed;
  }
}

describe('the committed position', () => {
  test('gets a commit of its own after a while, once for all that was saved meanwhile', async () => {
    const bench = new Bench();
    const store = await bench.open();
    const saved = Array.from({ length: 9 }, (_, index) => store.saveCommitted(logId(1, index + 1)));
    assert.deepEqual([bench.waiting.length, bench.commits], [1, 0]);
    bench.waiting.pop()?.();
    await Promise.all(saved);
    assert.equal(bench.commits, 1);
    assert.deepEqual(await bench.committed(), logId(1, 9));
  });

  test('gets none when another write took it along', async () => {
    const bench = new Bench();
    const store = await bench.open();
    const saved = store.saveCommitted(logId(1, 3));
    await store.saveHardState({ term: 1, votedFor: null });
    bench.waiting.pop()?.();
    await saved;
    assert.equal(bench.commits, 1);
    assert.deepEqual(await bench.committed(), logId(1, 3));
  });

  test('is on the disk when the store was closed, and nobody waits for it any more', async () => {
    const bench = new Bench();
    const store = await bench.open();
    const saved = store.saveCommitted(logId(1, 4));
    await store.close();
    await saved;
    assert.equal(bench.commits, 1);
    assert.deepEqual(await bench.committed(), logId(1, 4));
  });

  test('that could not be noted is a failed write, and who saved it hears of it', async () => {
    const bench = new Bench();
    const store = await bench.open();
    const saved = store.saveCommitted(logId(1, 5));
    bench.isBroken = true;
    bench.waiting.pop()?.();
    await assert.rejects(saved, { code: 'STORAGE' });
    await assert.rejects(store.saveHardState({ term: 1, votedFor: null }), { code: 'STORAGE' });
    await store.close();
  });
});
