/** Log store cases about what a read returns, also while something else is written. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import type { LogIndex } from '../../core/ids.ts';
import { logId } from '../../core/ids.ts';
import type { Checks } from './conformance-suite.ts';
import { expectEntries } from './expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { idsOf, NO_BYTE_LIMIT, readAll } from './log-store-world.ts';
import { sampleEntries, sampleEntry, sampleLog } from './sample-entries.ts';

const LOG = sampleLog();

export const readChecks: Checks<LogStoreWorld> = {
  'D-15 an empty range holds nothing': async ({ store }) => {
    await store.append(LOG);
    assert.deepEqual(await store.read(4, 4, NO_BYTE_LIMIT), []);
    assert.deepEqual(await store.read(4, 4, 1), []);
    assert.deepEqual(await store.read(12, 100, NO_BYTE_LIMIT), []);
  },

  'D-15 a range holds its first index and not its last': async ({ store }) => {
    await store.append(LOG);
    expectEntries(await readAll(store, 6, 8), LOG.slice(5, 7));
  },

  'D-15 a read with a limit returns a prefix with at least one entry': async ({ store }) => {
    await store.append(LOG);
    for (const maxBytes of [0, 1, 200, NO_BYTE_LIMIT]) {
      const page = await store.read(6, 8, maxBytes);
      assert.ok(page.length === 1 || page.length === 2, `${page.length} entries`);
      expectEntries(page, LOG.slice(5, 5 + page.length));
    }
  },

  'D-16 an entry that is purged or not there yet is left out': async ({ store }) => {
    await store.append(LOG);
    await store.purge(logId(1, 1));
    assert.deepEqual(idsOf(await store.read(4, 5, NO_BYTE_LIMIT)), ['2:4']);
    assert.deepEqual(idsOf(await store.read(1, 2, NO_BYTE_LIMIT)), []);
    assert.deepEqual(idsOf(await store.read(12, 13, NO_BYTE_LIMIT)), []);
    assert.deepEqual(idsOf(await readAll(store, 0, 4)), ['2:2', '2:3']);
    assert.deepEqual(idsOf(await readAll(store, 10, 99)), ['2:10', '2:11']);
  },

  'a read stays below its limit once it has one entry': async ({ store }) => {
    const log = sampleEntries(1, 1, 41, 1000);
    await store.append(log);
    for (const maxBytes of [1, 1000, 1100, 5000, 20_000]) {
      const page = await store.read(3, 41, maxBytes);
      const payloadBytes = page.reduce((sum, { payload }) => sum + payload.byteLength, 0);
      assert.ok(page.length === 1 || payloadBytes <= maxBytes, `${payloadBytes} bytes for a limit of ${maxBytes}`);
      expectEntries(page, log.slice(2, 2 + page.length));
      expectEntries(await readAll(store, 3, 41, maxBytes), log.slice(2));
    }
  },

  'a range of a long log is read from anywhere': async ({ store }) => {
    const log = sampleEntries(1, 1, 5001, 8);
    await store.append(log);
    await store.purge(logId(1, 1234));
    for (const [fromIndex, toIndex] of [
      [1235, 1240],
      [2040, 2060],
      [4090, 4110],
      [4999, 5001],
    ] as const) {
      expectEntries(await readAll(store, fromIndex, toIndex), log.slice(fromIndex - 1, toIndex - 1));
    }
    expectEntries(await readAll(store), log.slice(1234));
  },

  'an entry of 16 MiB is read whole, whatever the limit': async ({ store }) => {
    const log = [sampleEntry(1, 1), sampleEntry(1, 2, 16 * 1024 * 1024), sampleEntry(1, 3)];
    await store.append(log);
    expectEntries(await store.read(2, 4, 1000), log.slice(1, 2));
    expectEntries(await readAll(store, 1, 4, 1000), log);
  },

  'what was read stays as it is, whatever is written later': async ({ store }) => {
    const log = sampleEntries(1, 1, 31, 2000);
    await store.append(log);
    const pages = [await readAll(store), await store.read(5, 9, 4500), await store.read(30, 31, NO_BYTE_LIMIT)];
    await store.purge(logId(1, 10));
    await store.truncate(21);
    for (let round = 0; round < 20; round += 1) {
      const { logId: last } = (await readAll(store)).at(-1) ?? { logId: logId(1, 20) };
      await store.append(sampleEntries(2, last.index + 1, last.index + 21, 2000));
      await readAll(store);
    }
    for (const [page, expected] of [
      [pages[0], log],
      [pages[1], log.slice(4, 4 + (pages[1]?.length ?? 0))],
      [pages[2], log.slice(29)],
    ] as const) {
      expectEntries(page ?? [], expected);
    }
  },

  'D-33 a read after a write resolved sees exactly what was written': async ({ store }) => {
    await store.append(sampleEntries(1, 1, 21));
    assert.equal((await readAll(store)).length, 20);
    await store.truncate(11);
    assert.equal((await readAll(store)).length, 10);
    await store.append(sampleEntries(2, 11, 16));
    assert.deepEqual(idsOf(await readAll(store, 10)), ['1:10', '2:11', '2:12', '2:13', '2:14', '2:15']);
    await store.purge(logId(1, 9));
    assert.deepEqual(idsOf(await readAll(store)), ['1:10', '2:11', '2:12', '2:13', '2:14', '2:15']);
  },

  'D-33 a read during truncate and append returns no gap and no mix of old and new': readDuringTruncate,
  'D-33 a read during a purge returns no gap': readDuringPurge,
};

/** For stores that keep their data. */
export const reopenedReadChecks: Checks<LogStoreWorld> = {
  'entries of 16 MiB are read whole when reopened, whatever the limit': async (world) => {
    const size = 16 * 1024 * 1024;
    const log = [sampleEntry(1, 1), ...sampleEntries(1, 2, 4, size), sampleEntry(1, 4)];
    await world.store.append(log);
    await world.reopen();
    expectEntries(await world.store.read(2, 5, 1000), log.slice(1, 2));
    expectEntries(await readAll(world.store, 1, 5, 1000), log);
    expectEntries(await readAll(world.store, 1, 5, size + 1000), log);
  },

  'a read stays below its limit once it has one entry, also when reopened': async (world) => {
    const log = [...sampleEntries(1, 1, 11, 1000), ...sampleEntries(1, 11, 14, 7000), ...sampleEntries(1, 14, 41, 300)];
    for (const [fromIndex, toIndex] of [
      [1, 10],
      [10, 11],
      [11, 41],
    ] as const) {
      await world.store.append(log.slice(fromIndex - 1, toIndex - 1));
    }
    await world.reopen();
    for (const maxBytes of [0, 1, 299, 1000, 1100, 5000, 7500, 20_000]) {
      for (let fromIndex = 1; fromIndex < 41; fromIndex += 1) {
        const page = await world.store.read(fromIndex, 41, maxBytes);
        const payloadBytes = page.reduce((sum, { payload }) => sum + payload.byteLength, 0);
        assert.ok(page.length > 0, `nothing from ${fromIndex} on with a limit of ${maxBytes}`);
        assert.ok(page.length === 1 || payloadBytes <= maxBytes, `${payloadBytes} bytes for a limit of ${maxBytes}`);
        expectEntries(page, log.slice(fromIndex - 1, fromIndex - 1 + page.length));
      }
    }
  },
};

async function readDuringTruncate({ store }: LogStoreWorld): Promise<void> {
  let log = sampleEntries(1, 1, 61);
  await store.append(log);
  for (let term = 2; term <= 30; term += 1) {
    const fromIndex: LogIndex = 20 + term;
    const kept = log.slice(0, fromIndex - 1);
    const suffix = sampleEntries(term, fromIndex, 61);
    const reads = [store.read(10, 61, NO_BYTE_LIMIT)];
    const truncated = store.truncate(fromIndex);
    reads.push(store.read(10, 61, NO_BYTE_LIMIT), store.read(10, 61, NO_BYTE_LIMIT));
    const appended = store.append(suffix);
    reads.push(store.read(10, 61, NO_BYTE_LIMIT), store.read(10, 61, NO_BYTE_LIMIT));
    const possible = [log, kept, [...kept, ...suffix]].map((state) => idsOf(state.slice(9)));
    const [pages] = await Promise.all([Promise.all(reads), truncated, appended]);
    for (const page of pages) {
      expectPrefixOfOne(page, possible);
    }
    log = [...kept, ...suffix];
    expectEntries(await readAll(store), log);
  }
}

async function readDuringPurge({ store }: LogStoreWorld): Promise<void> {
  const log = sampleEntries(1, 1, 301);
  await store.append(log);
  for (let purgedTo = 10; purgedTo <= 250; purgedTo += 10) {
    const reads = [store.read(1, 301, NO_BYTE_LIMIT)];
    const purged = store.purge(logId(1, purgedTo));
    reads.push(store.read(1, 301, NO_BYTE_LIMIT), store.read(1, 301, NO_BYTE_LIMIT));
    const possible = [purgedTo - 10, purgedTo].map((count) => idsOf(log.slice(count)));
    const [pages] = await Promise.all([Promise.all(reads), purged]);
    for (const page of pages) {
      expectPrefixOfOne(page, possible);
    }
    expectEntries(await readAll(store), log.slice(purgedTo));
  }
}

function expectPrefixOfOne(page: readonly Entry[], possible: readonly (readonly string[])[]): void {
  const ids = idsOf(page);
  const isPrefix = possible.some((state) => ids.every((id, position) => id === state[position]));
  assert.ok(isPrefix, `a read returned ${ids.join(' ')}, which the log never was`);
}
