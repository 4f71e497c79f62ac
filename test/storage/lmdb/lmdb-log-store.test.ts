import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';

describe('LmdbLogStore', () => {
  runSuite(
    logStoreSuite({
      persistent: true,
      create: () => {
        const directory = mkdtempSync(join(tmpdir(), 'zlayer-log-'));
        return {
          make: () => new LmdbLogStore({ directory }),
          remove: () => rmSync(directory, { recursive: true }),
        };
      },
    }),
    test,
  );
});
