/** A store whose disk stops or fails at every single operation of its life. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Random } from '../../../src/ports/random.ts';
import type { DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { SeededRandom } from '../../support/fake-ports.ts';
import { expectDiskError, FaultAt } from './snapshot-disk.ts';
import { Workload } from './workload.ts';

const SEEDS = 8;

/** How many operations the workload has when nothing happens to it. */
const OPERATIONS = await countOperations();

test('the workload runs through when nothing happens to it', async () => {
  const fileSystem = new MemFileSystem();
  const workload = new Workload(fileSystem);
  await workload.run();
  assert.deepEqual([workload.published, workload.failures], [[0, 1, 2, 3, 4, 5], []]);
  await workload.check(fileSystem.kill());
  assert.ok(OPERATIONS > 100, `${OPERATIONS} operations`);
});

describe('before any operation', () => {
  test('a process that is killed leaves what it acknowledged', async () => {
    await atEveryOperation(async (number) => {
      const { workload, fileSystem } = await runUntil(number);
      await workload.check(fileSystem.kill());
    });
  });

  test('a power failure that takes all that was not synced leaves what was acknowledged', async () => {
    await atEveryOperation(async (number) => {
      const { workload, fileSystem } = await runUntil(number);
      await workload.check(fileSystem.crash());
    });
  });

  test('a power failure that leaves any part of what was not synced leaves what was acknowledged', async () => {
    await atEveryOperation(async (number) => {
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const { workload, fileSystem } = await runUntil(number);
        const random: Random = new SeededRandom(number * SEEDS + seed);
        await workload.check(fileSystem.crash(random));
      }
    });
  });
});

for (const [what, doneBytes] of [
  ['without effect', 0],
  ['after a part of it', 100],
] as const) {
  describe(`an operation that fails ${what}`, () => {
    test('is reported where something depends on it, and takes nothing that was acknowledged', async () => {
      const reported = new Map<DiskOperation['type'], number>();
      await atEveryOperation(async (number) => {
        let failed: DiskOperation['type'] | null = null;
        const faults = new FaultAt(number, (operation) => {
          failed = operation.type;
          return { error: systemError('EIO', operation), doneBytes };
        });
        const fileSystem = new MemFileSystem({ faults });
        const workload = new Workload(fileSystem);
        await workload.run();
        assert.ok(failed !== null);
        reported.set(failed, (reported.get(failed) ?? 0) + workload.failures.length);
        const [first] = workload.failures;
        if (first !== undefined) expectDiskError(first, 'EIO');
        await workload.check(fileSystem.crash(number % 2 === 0 ? null : new SeededRandom(number)));
      });
      for (const type of ['make-directory', 'open', 'write', 'sync', 'rename', 'sync-directory'] as const) {
        assert.ok((reported.get(type) ?? 0) > 0, `a failed ${type} is never reported`);
      }
    });
  });
}

async function atEveryOperation(check: (number: number) => Promise<void>): Promise<void> {
  for (let number = 1; number <= OPERATIONS; number += 1) {
    try {
      await check(number);
    } catch (error) {
      throw new Error(`at operation ${number} of ${OPERATIONS}`, { cause: error });
    }
  }
}

/** Runs the workload; the operation of this number, and with it the workload, never goes on. */
async function runUntil(number: number): Promise<{ workload: Workload; fileSystem: MemFileSystem }> {
  const reached = Promise.withResolvers<void>();
  const faults = new FaultAt(number, () => {
    reached.resolve();
    return new Promise(() => {});
  });
  const fileSystem = new MemFileSystem({ faults });
  const workload = new Workload(fileSystem);
  await Promise.race([reached.promise, workload.run()]);
  return { workload, fileSystem };
}

async function countOperations(): Promise<number> {
  const faults = new FaultAt(0, () => null);
  await new Workload(new MemFileSystem({ faults })).run();
  return faults.count;
}
