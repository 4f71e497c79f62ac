import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { Entry } from '../../../src/core/entry.ts';
import { entryBytes, normalEntry } from '../../../src/core/entry.ts';
import type { LogId } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { LogStoreOpenOptions } from '../../../src/ports/log-store.ts';
import { MemLogStore } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';

const OPTIONS: LogStoreOpenOptions = { nodeId: 1, clusterName: 'test', newInstanceId: 'a' };
const ALL = Number.MAX_SAFE_INTEGER;

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

  test('a new object is an empty store with an instance id of its own', async () => {
    await openStore(entries(1, 1, 5));
    const { identity, lastLogId } = await new MemLogStore().open({ ...OPTIONS, newInstanceId: 'b' });
    assert.equal(identity.instanceId, 'b');
    assert.deepEqual(lastLogId, logId(0, 0));
  });

  test('can not be opened twice at once', async () => {
    const store = await openStore();
    await assert.rejects(() => store.open(OPTIONS), { code: 'STORAGE' });
  });

  test('refuses an entry of an earlier term', async () => {
    const store = await openStore(entries(3, 1, 4));
    await assert.rejects(() => store.append(entries(2, 4, 5)), { code: 'STORAGE' });
    assert.equal((await store.read(1, 9, ALL)).length, 3);
  });

  test('takes a cluster id once and changes nothing else of its identity', async () => {
    const identity = { nodeId: 1, instanceId: 'a', clusterId: 'c', clusterName: 'test' };
    for (const change of [{ nodeId: 2 }, { instanceId: 'b' }, { clusterName: 'x' }, { clusterId: 'd' }]) {
      const store = await openStore();
      await store.saveIdentity(identity);
      await store.saveIdentity(identity);
      await assert.rejects(() => store.saveIdentity({ ...identity, ...change }), { code: 'IDENTITY' });
      await store.close();
      assert.deepEqual((await store.open(OPTIONS)).identity, identity);
    }
  });

  test('BUG-6 the last LogId of a fully purged log is the last purged one', async () => {
    const store = await openStore(entries(2, 1, 2049));
    await store.purge(logId(2, 2048));
    await store.close();
    const { lastLogId, lastPurged } = await store.open(OPTIONS);
    assert.deepEqual([lastLogId, lastPurged], [logId(2, 2048), logId(2, 2048)]);
  });

  test('BUG-22 no append leaves a hole and no purge goes back', async () => {
    const store = await openStore(entries(1, 1, 11));
    await store.purge(logId(1, 7));
    await store.purge(logId(1, 3));
    assert.equal((await store.read(1, 99, ALL))[0]?.logId.index, 8);
    await assert.rejects(() => store.append(entries(1, 12, 13)), { code: 'STORAGE' });
  });

  test('releases the memory of what was purged or truncated, and keeps the rest', async () => {
    const collectGarbage = garbageCollector();
    const store = await openStore();
    const refs = await appendOneByOne(store, 5000);
    await store.purge(logId(1, 3500));
    await store.truncate(4501);
    await collectGarbage();
    const live = refs.map((ref) => ref.deref()?.logId.index).filter((index) => index !== undefined);
    assert.deepEqual([live.length, live.at(0), live.at(-1)], [1000, 3501, 4500]);
    assert.equal((await store.read(3501, 4501, ALL)).length, 1000);
  });

  test('reads what a plain array would hold after any appends, truncates and purges', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), reads, async (operations, ranges) => {
        const store = await openStore();
        const twin = new ArrayLog();
        for (const { type, size } of operations) {
          await run(store, twin, type, size);
        }
        const first = twin.lastPurged.index + 1;
        for (const [from, length, maxBytes] of ranges) {
          const fromIndex = Math.max(0, first - 500 + from);
          const expected = twin.read(fromIndex, fromIndex + length, maxBytes);
          assert.deepEqual(ids(await store.read(fromIndex, fromIndex + length, maxBytes)), ids(expected));
        }
        await store.close();
        const { lastLogId, lastPurged } = await store.open(OPTIONS);
        assert.deepEqual([lastLogId, lastPurged], [twin.lastLogId, twin.lastPurged]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Sizes around the length of a chunk, so that its edges are met. */
const operation = fc.record({
  type: fc.constantFrom<'append' | 'truncate' | 'purge'>('append', 'append', 'truncate', 'purge'),
  size: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1000, max: 2100 })),
});

const reads = fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.nat({ max: 3000 }), fc.constantFrom(0, 100, 5000, ALL)), {
  minLength: 5,
  maxLength: 10,
});

async function run(
  store: MemLogStore,
  twin: ArrayLog,
  type: 'append' | 'truncate' | 'purge',
  size: number,
): Promise<void> {
  const last = twin.lastLogId;
  if (type === 'append') {
    const batch = entries(last.term, last.index + 1, last.index + 1 + size);
    twin.entries.push(...batch);
    await store.append(batch);
  } else if (type === 'truncate') {
    const fromIndex = Math.max(twin.lastPurged.index + 1, last.index + 10 - size);
    twin.entries = twin.entries.filter((entry) => entry.logId.index < fromIndex);
    await store.truncate(fromIndex);
  } else {
    const upTo = logId(last.term, twin.lastPurged.index + size);
    twin.purge(upTo);
    await store.purge(upTo);
  }
}

class ArrayLog {
  entries: Entry[] = [];
  lastPurged: LogId = logId(0, 0);

  get lastLogId(): LogId {
    return this.entries.at(-1)?.logId ?? this.lastPurged;
  }

  purge(upTo: LogId): void {
    if (upTo.index > this.lastPurged.index) {
      this.entries = this.entries.filter((entry) => entry.logId.index > upTo.index);
      this.lastPurged = upTo;
    }
  }

  read(fromIndex: number, toIndex: number, maxBytes: number): Entry[] {
    const range = this.entries.filter(({ logId: { index } }) => index >= fromIndex && index < toIndex);
    let bytes = 0;
    const end = range.findIndex((entry, position) => {
      bytes += entryBytes(entry);
      return position > 0 && bytes > maxBytes;
    });
    return end === -1 ? range : range.slice(0, end);
  }
}

async function openStore(log: readonly Entry[] = []): Promise<MemLogStore> {
  const store = new MemLogStore();
  await store.open(OPTIONS);
  await store.append(log);
  return store;
}

function entries(term: number, fromIndex: number, toIndex: number): Entry[] {
  return Array.from({ length: toIndex - fromIndex }, (_, offset) =>
    normalEntry(logId(term, fromIndex + offset), 0, new Uint8Array(8)),
  );
}

function ids(log: readonly Entry[]): string[] {
  return log.map((entry) => `${entry.logId.term}:${entry.logId.index}`);
}

/** In a function of its own, so that no variable holds an entry afterwards. */
async function appendOneByOne(store: MemLogStore, count: number): Promise<WeakRef<Entry>[]> {
  const refs: WeakRef<Entry>[] = [];
  for (let index = 1; index <= count; index += 1) {
    const batch = entries(1, index, index + 1);
    refs.push(...batch.map((entry) => new WeakRef(entry)));
    await store.append(batch);
  }
  return refs;
}

/** Collects all garbage. What a WeakRef was read for in this turn of the event loop stays, so let it pass. */
function garbageCollector(): () => Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  };
}
