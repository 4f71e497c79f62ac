/** Log store cases about writes: what is refused, in which order they take effect, and what closing does. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { logId } from '../../core/ids.ts';
import type { LogStore } from '../../ports/log-store.ts';
import type { Checks } from './conformance-suite.ts';
import { expectEntries, expectRejection, startedEarly } from './expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { idsOf, NO_BYTE_LIMIT, PRISTINE_STATE, readAll } from './log-store-world.ts';
import { sampleEntries, sampleEntry, sampleLog } from './sample-entries.ts';

const LOG = sampleLog();

export const writeChecks: Checks<LogStoreWorld> = {
  'D-01 a new store holds nothing and takes the identity it is opened with': async ({ state }) => {
    assert.deepEqual(structuredClone(state), structuredClone(PRISTINE_STATE));
  },

  'refuses a first entry that leaves a hole': ({ store }) => refusesAppend(store, [], [sampleEntry(1, 2)]),

  'refuses an entry that leaves a hole after the last one': ({ store }) =>
    refusesAppend(store, LOG, [sampleEntry(2, 13)]),

  'refuses a batch with a hole in it as a whole': ({ store }) =>
    refusesAppend(store, LOG, [sampleEntry(2, 12), sampleEntry(2, 14)]),

  'refuses an entry for an index that is taken': ({ store }) => refusesAppend(store, LOG, [sampleEntry(3, 11)]),

  'refuses an entry that leaves a hole after a purge beyond the end': async ({ store }) => {
    await store.append(LOG);
    await store.purge(logId(2, 20));
    await expectRejection(() => store.append([sampleEntry(2, 12)]), 'STORAGE');
  },

  'writes nothing any more once a write failed': async ({ store }) => {
    await store.append(LOG);
    await expectRejection(() => store.append([sampleEntry(2, 13)]), 'STORAGE');
    await expectRejection(() => store.append([sampleEntry(2, 12)]), 'STORAGE');
    await expectRejection(() => store.saveHardState({ term: 9, votedFor: 1 }), 'STORAGE');
    await expectRejection(() => store.truncate(3), 'STORAGE');
    await expectRejection(() => store.purge(logId(2, 3)), 'STORAGE');
  },

  'writes nothing of what was called after a write that failed, without waiting in between': async ({ store }) => {
    await store.append(LOG);
    const outcomes = await Promise.allSettled([
      store.append([sampleEntry(2, 13)]),
      store.append([sampleEntry(2, 12)]),
      store.saveHardState({ term: 9, votedFor: 1 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
  },

  'writes take effect in the order of the calls, without waiting in between': async ({ store }) => {
    await Promise.all(writeWithoutWaiting(store));
    assert.deepEqual(idsOf(await readAll(store)), ['1:3', '2:4', '3:5', '3:6']);
  },

  'promises resolve in the order of the calls': (world) => resolvesInOrder(world, { withIdle: false }),

  'a write that changes nothing resolves after those that were called before it': (world) =>
    resolvesInOrder(world, { withIdle: true }),

  'a purge of 100,000 entries leaves the rest': async ({ store }) => {
    await appendMany(store, 100_010);
    await store.purge(logId(1, 100_000));
    expectEntries(await readAll(store), sampleEntries(1, 100_001, 100_011, 16));
    assert.deepEqual(await store.read(1, 100_001, NO_BYTE_LIMIT), []);
    await store.append([sampleEntry(2, 100_011)]);
  },

  'refuses every call after it was closed': async ({ store, state }) => {
    await store.append(LOG);
    await store.close();
    await expectRejection(() => store.append([sampleEntry(2, 12)]), 'STORAGE');
    await expectRejection(() => store.truncate(3), 'STORAGE');
    await expectRejection(() => store.purge(logId(2, 3)), 'STORAGE');
    await expectRejection(() => store.saveHardState({ term: 9, votedFor: 1 }), 'STORAGE');
    await expectRejection(() => store.saveIdentity({ ...state.identity, clusterId: 'c' }), 'STORAGE');
    await expectRejection(() => store.read(1, 2, NO_BYTE_LIMIT), 'STORAGE');
  },

  'can be closed twice, also at once': async ({ store }) => {
    await store.append(LOG);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await expectRejection(() => store.append([sampleEntry(2, 12)]), 'STORAGE');
  },

  'finishes the writes under way before it is closed': async ({ store }) => {
    const outcomes: string[] = [];
    const writes = [store.append(LOG), store.saveHardState({ term: 2, votedFor: 7 })];
    const noted = startedEarly(Promise.all(writes.map((write) => write.then(() => outcomes.push('written')))));
    await store.close();
    await noted;
    assert.deepEqual(outcomes, ['written', 'written']);
  },
};

/** For stores that keep their data. */
export const reopenedWriteChecks: Checks<LogStoreWorld> = {
  'D-14 the hard state is the last one saved, when reopened': async (world) => {
    await world.store.saveHardState({ term: 100, votedFor: 1 });
    assert.deepEqual({ ...(await world.reopen()).hardState }, { term: 100, votedFor: 1 });
    await world.store.saveHardState({ term: 101, votedFor: null });
    await world.store.saveHardState({ term: 102, votedFor: 3 });
    assert.deepEqual({ ...(await world.reopen()).hardState }, { term: 102, votedFor: 3 });
    await world.store.saveHardState({ term: 103, votedFor: null });
    assert.deepEqual({ ...(await world.reopen()).hardState }, { term: 103, votedFor: null });
  },

  'the committed LogId is the last one saved, or none, when reopened': async (world) => {
    await world.store.append(LOG);
    await world.store.saveCommitted(logId(2, 5));
    const { committed } = await world.reopen();
    // It may be written lazily, so it may be missing; it may not be anything else.
    assert.ok(['2:5', '0:0'].includes(`${committed.term}:${committed.index}`), `${committed.term}:${committed.index}`);
  },

  'the identity stays that of the first open, with the cluster id that was saved': async (world) => {
    const { identity } = await world.reopen();
    assert.deepEqual({ ...identity }, PRISTINE_STATE.identity);
    await world.store.saveIdentity({ ...identity, clusterId: 'cluster-1' });
    const reopened = await world.reopen();
    assert.deepEqual({ ...reopened.identity }, { ...PRISTINE_STATE.identity, clusterId: 'cluster-1' });
  },

  'refuses to open for another node': async (world) => {
    const { nodeId, clusterName, instanceId } = world.state.identity;
    const store = await world.makeNext();
    await expectRejection(() => store.open({ nodeId: nodeId + 1, clusterName, newInstanceId: instanceId }), 'IDENTITY');
  },

  'refuses to open for another cluster name': async (world) => {
    const { nodeId, instanceId } = world.state.identity;
    const store = await world.makeNext();
    await expectRejection(() => store.open({ nodeId, clusterName: 'other', newInstanceId: instanceId }), 'IDENTITY');
  },

  'nothing of a refused batch is there when reopened': async (world) => {
    await world.store.append(LOG);
    await expectRejection(() => world.store.append([sampleEntry(2, 12), sampleEntry(2, 14)]), 'STORAGE');
    await world.reopen();
    expectEntries(await readAll(world.store), LOG);
    await world.store.append([sampleEntry(2, 12)]);
  },

  'writes took effect in the order of the calls, when reopened': async (world) => {
    await Promise.all(writeWithoutWaiting(world.store));
    const { hardState, lastPurged, lastLogId } = await world.reopen();
    assert.deepEqual({ ...hardState }, { term: 3, votedFor: 2 });
    assert.deepEqual({ ...lastPurged }, logId(1, 2));
    assert.deepEqual({ ...lastLogId }, logId(3, 6));
    assert.deepEqual(idsOf(await readAll(world.store)), ['1:3', '2:4', '3:5', '3:6']);
  },

  'writes under way when it was closed are there when reopened': async (world) => {
    const { store } = world;
    const writes = startedEarly(Promise.all([store.append(LOG), store.saveHardState({ term: 2, votedFor: 7 })]));
    const { hardState, lastLogId } = await world.reopen();
    await writes;
    assert.deepEqual({ ...lastLogId }, logId(2, 11));
    assert.deepEqual({ ...hardState }, { term: 2, votedFor: 7 });
    expectEntries(await readAll(world.store), LOG);
  },

  'a purge of 100,000 entries is there when reopened': async (world) => {
    await appendMany(world.store, 100_010);
    await world.store.purge(logId(1, 100_000));
    const { lastPurged, lastLogId } = await world.reopen();
    assert.deepEqual({ ...lastPurged }, logId(1, 100_000));
    assert.deepEqual({ ...lastLogId }, logId(1, 100_010));
    expectEntries(await readAll(world.store), sampleEntries(1, 100_001, 100_011, 16));
  },
};

/** A refused append leaves no entry behind. Whether a store that refused one can still be read is up to it. */
async function refusesAppend(store: LogStore, log: readonly Entry[], batch: readonly Entry[]): Promise<void> {
  await store.append(log);
  await expectRejection(() => store.append(batch), 'STORAGE');
  const found = await readAll(store).catch(() => null);
  if (found !== null) {
    expectEntries(found, log);
  }
}

function writeWithoutWaiting(store: LogStore): Promise<void>[] {
  return [
    store.saveHardState({ term: 1, votedFor: 1 }),
    store.append(sampleEntries(1, 1, 6)),
    store.saveHardState({ term: 2, votedFor: null }),
    store.truncate(4),
    store.append(sampleEntries(2, 4, 8)),
    store.saveHardState({ term: 3, votedFor: 2 }),
    store.truncate(5),
    store.append([sampleEntry(3, 5)]),
    store.purge(logId(1, 2)),
    store.append([sampleEntry(3, 6)]),
  ];
}

/** Large groups beside small ones, so that a later write could be done before an earlier one. */
async function resolvesInOrder({ store }: LogStoreWorld, { withIdle }: { readonly withIdle: boolean }): Promise<void> {
  const writes: (() => Promise<void>)[] = [];
  for (let round = 0; round < 6; round += 1) {
    const [term, first] = [round + 1, 100 * round + 1];
    writes.push(
      () => store.append(sampleEntries(term, first, first + 100, round % 2 === 0 ? 5000 : 10)),
      () => store.saveHardState({ term, votedFor: 7 }),
      () => store.truncate(first + 99),
      () => store.append([sampleEntry(term, first + 99)]),
      () => store.purge(logId(term, first + 9)),
    );
    const idle = [() => store.append([]), () => store.truncate(first + 500), () => store.purge(logId(term, first))];
    writes.push(...(withIdle ? idle : []));
  }
  const resolved: number[] = [];
  await Promise.all(writes.map((write, position) => write().then(() => resolved.push(position))));
  assert.deepEqual(resolved, [...writes.keys()], 'the order in which the promises resolved');
}

async function appendMany(store: LogStore, count: number): Promise<void> {
  const batch = 1000;
  for (let fromIndex = 1; fromIndex <= count; fromIndex += batch) {
    await store.append(sampleEntries(1, fromIndex, Math.min(fromIndex + batch, count + 1), 16));
  }
}
