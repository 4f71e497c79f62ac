import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import type { LogStoreOpenOptions } from '../../../src/ports/log-store.ts';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { expectCode } from '../../../src/testing/conformance/expect.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';
import { sampleEntries, sampleEntry } from '../../../src/testing/conformance/sample-entries.ts';
import { lmdbPlace } from './lmdb-place.ts';

const OPTIONS: LogStoreOpenOptions = { nodeId: 1, clusterName: 'test', newInstanceId: 'a' };

describe('LmdbLogStore', () => {
  const suite = logStoreSuite({ persistent: true, capabilities: ['lock', 'damage'], create: lmdbPlace });
  runSuite(suite, test);

  test('a file whose last pages are free and were never written is whole', async (t) => {
    const { directory, store } = await newLog(t);
    await store.append(sampleEntries(1, 1, 3));
    // One commit: the pages of what is appended are given back before any is written.
    const appends = [3, 4, 5, 6, 7].map((index) => store.append([sampleEntry(1, index, 20_000)]));
    await Promise.all([...appends, store.truncate(3)]);
    await store.close();
    assert.ok(statSync(join(directory, 'data.mdb')).size < 20 * 4096, 'the pages were written after all');
    const reopened = new LmdbLogStore({ directory });
    const { lastLogId } = await reopened.open(OPTIONS);
    assert.deepEqual(lastLogId, logId(1, 2));
    await reopened.append(sampleEntries(1, 3, 100));
    await reopened.close();
  });

  test('a file that was cut short is refused, however little of what is in use is missing', async (t) => {
    const { directory, store } = await newLog(t);
    for (let index = 1; index <= 40; index += 1) await store.append([sampleEntry(1, index, 3000)]);
    await store.purge(logId(1, 20));
    await store.close();
    const path = join(directory, 'data.mdb');
    const whole = readFileSync(path);
    let refused = 0;
    for (let size = whole.byteLength - 4096; size > 0; size -= 4096) {
      writeFileSync(path, whole.subarray(0, size));
      const cut = new LmdbLogStore({ directory });
      try {
        await cut.open(OPTIONS);
        assert.deepEqual(await cut.read(21, 41, Number.MAX_SAFE_INTEGER), sampleEntries(1, 21, 41, 3000));
        await cut.close();
      } catch (error) {
        expectCode(error, 'CORRUPTION');
        refused += 1;
      }
    }
    assert.ok(refused > 20, `${refused} files were refused`);
  });

  test('of the conformance suite only what needs a disk that fails is left to other tests', () => {
    const reasons = new Set(suite.notCovered.map(({ reason }) => reason.replace(/ \(.*/, '')));
    assert.deepEqual([...reasons].sort(), ["places can't crash a store", "the disk of a place can't be made to fail"]);
  });
});

async function newLog(t: TestContext): Promise<{ directory: string; store: LmdbLogStore }> {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const store = new LmdbLogStore({ directory });
  await store.open(OPTIONS);
  return { directory, store };
}
