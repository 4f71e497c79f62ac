import { describe, test } from 'node:test';
import { MemSnapshotStore } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';

describe('MemSnapshotStore', () => {
  runSuite(
    snapshotStoreSuite({
      persistent: true,
      create: () => {
        const store = new MemSnapshotStore();
        return { make: () => store };
      },
    }),
    test,
  );
});
