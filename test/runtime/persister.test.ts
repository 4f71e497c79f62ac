import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstallSnapshotEffect, OutgoingMessage, PersistEffect } from '../../src/core/effect.ts';
import { logId } from '../../src/core/ids.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import { Persister } from '../../src/runtime/persister.ts';
import { entries } from '../support/fake-node.ts';
import { RecordingObserver } from '../support/fake-ports.ts';
import { FakeLogStore } from '../support/fake-stores.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

interface Kit {
  readonly time: FakeTime;
  readonly store: FakeLogStore;
  readonly persister: Persister;
  /** What was reported as durable, in order: `seq: messages`. */
  readonly durable: string[];
  readonly failures: unknown[];
  readonly installs: number[];
  finishInstall: () => void;
}

async function makeKit(): Promise<Kit> {
  const time = new FakeTime();
  const store = new FakeLogStore();
  await store.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'i' });
  const kit = {
    time,
    store,
    durable: [],
    failures: [],
    installs: [],
    finishInstall: () => undefined,
  } as unknown as Kit;
  const persister = new Persister({
    logStore: store,
    clock: time,
    observer: new RecordingObserver(),
    install: ({ seq }) => {
      kit.installs.push(seq);
      return new Promise((resolve) => {
        kit.finishInstall = resolve;
      });
    },
    onDurable: (seq, messages) => kit.durable.push(`${seq}: ${messages.map(({ to }) => to).join(' ')}`),
    onFailure: (error) => kit.failures.push(error),
  });
  return Object.assign(kit, { persister });
}

/** A message that is told apart by its target. */
function messageTo(to: number): OutgoingMessage {
  return { to, token: 0, message: { type: 'timeout-now', term: 1 } };
}

function persist(seq: number, parts: Partial<PersistEffect> = {}): PersistEffect {
  const afterDurable = [messageTo(100 + seq)];
  return { type: 'persist', seq, hardState: null, truncateFrom: null, entries: [], afterDurable, ...parts };
}

function install(seq: number): InstallSnapshotEffect {
  const meta = { id: 's', lastLogId: logId(1, 50), lastTimeMs: 0, membership: NO_MEMBERSHIP };
  return { type: 'install-snapshot', seq, meta, discardLog: true, afterDurable: [messageTo(100 + seq)] };
}

test('messages leave only after what they promise is durable', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  persister.enqueue(persist(1, { entries: entries(1, 1, 3) }));
  await settle();
  assert.deepEqual([store.writes, durable], [['append 1-2'], []]);
  store.gate.release();
  await settle();
  assert.deepEqual(durable, ['1: 101']);
});

test('the term is written before the entries of it', async () => {
  const { store, persister } = await makeKit();
  persister.enqueue(persist(1, { entries: entries(2, 1, 2), hardState: { term: 2, votedFor: 3 } }));
  await settle();
  assert.deepEqual(store.writes, ['hard-state 2/3', 'append 1-1']);
});

test('while four groups are under way the next writes become one group, messages in order', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 9; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  await settle();
  assert.deepEqual(store.writes, ['append 1-1', 'append 2-2', 'append 3-3', 'append 4-4']);
  store.gate.releaseOne();
  await settle();
  assert.deepEqual(store.writes.slice(4), ['append 5-9']);
  assert.deepEqual(durable, ['1: 101']);
  store.gate.release();
  await settle();
  assert.deepEqual(durable, ['1: 101', '2: 102', '3: 103', '4: 104', '9: 105 106 107 108 109']);
});

test('a group writes the newest hard state once, and first', async () => {
  const { store, persister } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 4; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  persister.enqueue(persist(5, { entries: entries(1, 5, 6) }));
  persister.enqueue(persist(6, { hardState: { term: 2, votedFor: null } }));
  persister.enqueue(persist(7, { hardState: { term: 3, votedFor: 2 } }));
  store.gate.release();
  await settle();
  assert.deepEqual(store.writes.slice(4), ['hard-state 3/2', 'append 5-5']);
});

test('groups that the store finishes out of order are reported in order', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 3; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  await settle();
  store.gate.releaseOne(2);
  store.gate.releaseOne(1);
  await settle();
  assert.deepEqual(durable, []);
  store.gate.releaseOne(0);
  await settle();
  assert.deepEqual(durable, ['1: 101', '2: 102', '3: 103']);
});

test('a truncation between two appends of a group keeps its place', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 4; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  persister.enqueue(persist(5, { entries: entries(1, 5, 9) }));
  persister.enqueue(persist(6, { truncateFrom: 7, entries: entries(2, 7, 8) }));
  persister.enqueue(persist(7, { entries: entries(2, 8, 10) }));
  store.gate.release();
  await settle();
  assert.deepEqual(store.writes.slice(4), ['append 5-8', 'truncate 7', 'append 7-9']);
  assert.equal(durable.at(-1), '7: 105 106 107');
  const terms = (await store.read(1, 100, 1e6)).map((entry) => entry.logId.term);
  assert.deepEqual(terms, [1, 1, 1, 1, 1, 1, 2, 2, 2]);
});

test('a write without content is a barrier: it waits for those before it', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  persister.enqueue(persist(1, { entries: entries(1, 1, 2) }));
  persister.enqueue(persist(2));
  await settle();
  assert.deepEqual(durable, []);
  store.gate.release();
  await settle();
  assert.deepEqual(durable, ['1: 101', '2: 102']);
});

test('an installation waits for the writes before it, and those after it wait for the installation', async () => {
  const kit = await makeKit();
  const { store, persister, durable, installs } = kit;
  store.holdWrites();
  persister.enqueue(persist(1, { entries: entries(1, 1, 2) }));
  persister.enqueue(install(2));
  persister.enqueue(persist(3, { hardState: { term: 2, votedFor: null } }));
  await settle();
  assert.deepEqual([installs, store.writes], [[], ['append 1-1']]);
  store.gate.release();
  await settle();
  assert.deepEqual([installs, store.writes, durable], [[2], ['append 1-1'], ['1: 101']]);
  kit.finishInstall();
  await settle();
  assert.deepEqual(store.writes, ['append 1-1', 'hard-state 2/null']);
  assert.deepEqual(durable, ['1: 101', '2: 102', '3: 103']);
});

test('a purge never overtakes appends that still wait for the disk', async () => {
  const { store, persister, failures } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 5; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  persister.purge(logId(1, 5));
  await settle();
  assert.ok(!store.writes.includes('purge 5'));
  store.gate.release();
  await settle();
  assert.deepEqual(store.writes.slice(3), ['append 4-4', 'append 5-5', 'purge 5']);
  persister.enqueue(persist(6, { entries: entries(1, 6, 7) }));
  await settle();
  assert.deepEqual([failures, store.writes.at(-1)], [[], 'append 6-6']);
});

test('after a failed write nothing is written or sent any more, and the failure is reported once', async () => {
  const { store, persister, durable, failures } = await makeKit();
  const broken = new Error('disk full');
  store.holdWrites();
  for (let seq = 1; seq <= 6; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  await settle();
  store.gate.failOne(broken);
  await settle();
  assert.deepEqual(failures, [broken]);
  store.gate.release();
  persister.enqueue(persist(7, { entries: entries(1, 7, 8) }));
  persister.saveCommitted(logId(1, 1));
  persister.purge(logId(1, 1));
  await settle();
  assert.deepEqual([durable, failures.length], [[], 1]);
  assert.deepEqual(store.writes, ['append 1-1', 'append 2-2', 'append 3-3', 'append 4-4']);
});

test('several failures at once are one failure', async () => {
  const { store, persister, failures } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 3; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  await settle();
  store.gate.failOne(new Error('first'));
  store.gate.failOne(new Error('second'));
  await settle();
  assert.deepEqual(
    failures.map((error) => (error as Error).message),
    ['first'],
  );
});

for (const [name, write] of [
  ['purge', (persister: Persister) => persister.purge(logId(1, 1))],
  ['saveCommitted', (persister: Persister) => persister.saveCommitted(logId(1, 1))],
] as const) {
  test(`a failed ${name}, for which nobody waits, stops the writing too`, async () => {
    const { store, persister, failures, durable } = await makeKit();
    store.gate.failNext(name);
    write(persister);
    await settle();
    assert.equal(failures.length, 1);
    persister.enqueue(persist(1, { hardState: { term: 1, votedFor: 1 } }));
    await settle();
    assert.deepEqual([store.writes, durable], [[], []]);
  });
}

test('the age of the oldest write under way is known', async () => {
  const { time, store, persister } = await makeKit();
  assert.equal(persister.oldestWriteMs, null);
  store.holdWrites();
  time.spend(10);
  persister.enqueue(persist(1, { entries: entries(1, 1, 2) }));
  time.spend(10);
  persister.enqueue(persist(2, { entries: entries(1, 2, 3) }));
  assert.equal(persister.oldestWriteMs, 10);
  store.gate.releaseOne();
  await settle();
  assert.equal(persister.oldestWriteMs, 20);
  store.gate.release();
  await settle();
  assert.equal(persister.oldestWriteMs, null);
});

test('stop waits for the writes under way, reports nothing more and drops what is queued', async () => {
  const { store, persister, durable } = await makeKit();
  store.holdWrites();
  for (let seq = 1; seq <= 5; seq += 1) persister.enqueue(persist(seq, { entries: entries(1, seq, seq + 1) }));
  let isStopped = false;
  const stopped = persister.stop().then(() => {
    isStopped = true;
  });
  await settle();
  assert.equal(isStopped, false);
  store.gate.release();
  await stopped;
  assert.deepEqual([durable, store.writes.length], [[], 4]);
});
