import { describe, test } from 'node:test';
import { MemLogStore } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';

describe('MemLogStore', () => {
  runSuite(
    logStoreSuite({
      persistent: true,
      create: () => {
        const store = new MemLogStore();
        return { make: () => store };
      },
    }),
    test,
  );
});
