import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { SnapshotStore } from '../../../src/ports/snapshot-store.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import type { Place } from '../../../src/testing/conformance/place.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';
import { SimulatedPlace } from './simulated-place.ts';

describe('FileSnapshotStore on the real file system', () => {
  runSuite(snapshotStoreSuite({ persistent: true, create: () => placeOnDisk({}) }), test);
});

describe('FileSnapshotStore with small blocks and no older snapshots', () => {
  runSuite(
    snapshotStoreSuite({ persistent: true, create: () => placeOnDisk({ keepOlder: 0, blockBytes: 3000 }) }),
    test,
  );
});

for (const options of [{}, { keepOlder: 0, blockBytes: 4096 }, { keepOlder: 3, blockBytes: 30_000 }]) {
  describe(`FileSnapshotStore on a simulated disk ${JSON.stringify(options)}`, () => {
    const create = (): SimulatedPlace => new SimulatedPlace(options);
    const capabilities = ['crash', 'crash-points', 'faults', 'damage'] as const;
    runSuite(snapshotStoreSuite({ persistent: true, create, capabilities }), test);
  });
}

async function placeOnDisk(options: { keepOlder?: number; blockBytes?: number }): Promise<Place<SnapshotStore>> {
  const root = await mkdtemp(join(tmpdir(), 'zlayer-snapshots-'));
  return {
    make: () => new FileSnapshotStore({ directory: join(root, 'made', 'by', 'the-store'), ...options }),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
