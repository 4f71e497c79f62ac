import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LOG_ID } from '../../src/core/ids.ts';
import { Applier } from '../../src/runtime/applier.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { entries, watch } from '../support/fake-node.ts';
import { FakeStateMachine } from '../support/fake-state-machine.ts';
import { FakeLogStore } from '../support/fake-stores.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

interface Kit {
  readonly time: FakeTime;
  readonly store: FakeLogStore;
  readonly cache: LogCache;
  readonly machine: FakeStateMachine;
  readonly applier: Applier;
  readonly results: string[];
  readonly applied: number[];
  readonly failures: unknown[];
}

/** A log of `lastIndex` entries of term 1, all cached, none applied. */
async function makeKit(lastIndex: number, cacheBytes: number = 1e9): Promise<Kit> {
  const time = new FakeTime();
  const store = new FakeLogStore();
  await store.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'i' });
  await store.append(entries(1, 1, lastIndex + 1));
  const cache = new LogCache(0, cacheBytes);
  cache.append(entries(1, 1, lastIndex + 1));
  const machine = new FakeStateMachine();
  const kit = {
    time,
    store,
    cache,
    machine,
    results: [] as string[],
    applied: [] as number[],
    failures: [] as unknown[],
  };
  const applier = new Applier(
    {
      stateMachine: machine,
      logStore: store,
      cache,
      clock: time,
      timers: time,
      durableIndex: () => Number.MAX_SAFE_INTEGER,
      onResult: (id, response) => kit.results.push(`${id.index}=${String(response)}`),
      onApplied: (id) => kit.applied.push(id.index),
      onFailure: (error) => kit.failures.push(error),
    },
    NO_LOG_ID,
  );
  return { ...kit, applier };
}

function journal(machine: FakeStateMachine): number[] {
  return machine.journal.map(({ logId }) => logId.index);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test('applies in order, each entry once, and at once when everything is at hand', async () => {
  const { applier, machine, results, applied } = await makeKit(5);
  applier.commit(3);
  assert.deepEqual([journal(machine), applied], [upTo(3), [3]]);
  applier.commit(2);
  applier.commit(3);
  applier.commit(5);
  assert.deepEqual(journal(machine), upTo(5));
  assert.deepEqual(results, ['1=done r1', '2=done r2', '3=done r3', '4=done r4', '5=done r5']);
  assert.equal(applier.applied.index, 5);
});

test('after about 5 ms of work it lets the loop have a turn', async () => {
  const { time, applier, machine, applied } = await makeKit(3000);
  machine.onApply = () => time.spend(0.01);
  applier.commit(3000);
  assert.ok(applier.applied.index >= 500, `only ${applier.applied.index} entries in a slice`);
  assert.ok(applier.applied.index <= 800, `${applier.applied.index} entries in one slice`);
  assert.ok(time.nowMs() < 8);
  await time.runTurns();
  assert.deepEqual([applier.applied.index, applied.at(-1)], [3000, 3000]);
  assert.deepEqual(journal(machine), upTo(3000));
});

test('entries that left the cache come from the store', async () => {
  const { applier, cache, machine, store } = await makeKit(10, 1);
  cache.evictTo(6);
  applier.commit(10);
  await settle();
  assert.deepEqual(journal(machine), upTo(10));
  assert.equal(store.gate.count('read'), 1);
});

test('commits during a read from the store neither reorder nor repeat', async () => {
  const { applier, cache, machine, store } = await makeKit(10, 1);
  cache.evictTo(6);
  store.gate.hold('read');
  applier.commit(4);
  applier.commit(8);
  await settle();
  assert.deepEqual(journal(machine), []);
  store.gate.release();
  await settle();
  assert.deepEqual(journal(machine), upTo(8));
});

test('an asynchronous state machine is called with one slice at a time', async () => {
  const { applier, machine, results } = await makeKit(600);
  machine.gate.hold('apply');
  applier.commit(2);
  applier.commit(600);
  await settle();
  assert.deepEqual([machine.batches, journal(machine)], [[2], []]);
  assert.equal(applier.startedMs, 0);
  machine.gate.releaseOne();
  await settle();
  assert.deepEqual(
    [machine.batches, journal(machine)],
    [
      [2, 256],
      [1, 2],
    ],
  );
  machine.gate.release();
  await settle();
  assert.deepEqual([journal(machine), results.length], [upTo(600), 600]);
  assert.equal(applier.startedMs, null);
});

test('the age of the call under way is known', async () => {
  const { time, applier, machine } = await makeKit(5);
  machine.gate.hold('apply');
  time.spend(20);
  applier.commit(5);
  time.spend(30);
  assert.equal(applier.startedMs, 20);
});

test('a wrong number of results is a failure, and nobody gets an answer', async () => {
  const { applier, machine, results, failures } = await makeKit(5);
  machine.answer = (all) => all.slice(1);
  applier.commit(5);
  assert.match(String(failures[0]), /answered 4 results for 5 entries/);
  assert.deepEqual([results, failures.length], [[], 1]);
});

test('after a throw nothing is applied any more', async () => {
  const { applier, machine, results, failures } = await makeKit(5);
  const broken = new Error('no');
  machine.gate.failNext('apply', broken);
  applier.commit(3);
  applier.commit(5);
  await settle();
  assert.deepEqual([failures, results, journal(machine)], [[broken], [], []]);
});

test('a rejected call is a failure too', async () => {
  const { applier, machine, results, failures } = await makeKit(5);
  machine.gate.hold('apply');
  applier.commit(3);
  const broken = new Error('no');
  machine.gate.failOne(broken);
  await settle();
  applier.commit(5);
  await settle();
  assert.deepEqual([failures, results, machine.batches], [[broken], [], [3]]);
});

test('a committed entry that the log does not have is a failure', async () => {
  const { applier, failures } = await makeKit(5);
  applier.commit(6);
  await settle();
  assert.match(String(failures[0]), /the log has no entry 1|the log has no entry 6/);
});

test('while it is held nothing is applied; what was being applied ends first', async () => {
  const { applier, machine } = await makeKit(10);
  machine.gate.hold('apply');
  applier.commit(2);
  applier.hold();
  applier.commit(4);
  const quiet = watch(applier.whenQuiet());
  await settle();
  assert.equal(quiet.status(), 'pending');
  machine.gate.release();
  await settle();
  assert.equal(quiet.status(), 'fulfilled');
  assert.deepEqual(journal(machine), [1, 2]);
});

test('after a snapshot took the place of the state it goes on behind it', async () => {
  const { applier, machine, applied } = await makeKit(10);
  applier.commit(2);
  applier.hold();
  applier.commit(9);
  await applier.whenQuiet();
  const lastApplied = { term: 1, index: 7 };
  machine.setApplied({ ...machine.applied(), lastApplied });
  applier.resume(lastApplied);
  assert.deepEqual(journal(machine), [1, 2, 8, 9]);
  assert.deepEqual(applied, [2, 7, 9]);
});

test('stop lets the call under way end, and applies nothing after it', async () => {
  const { applier, machine } = await makeKit(600);
  machine.gate.hold('apply');
  applier.commit(600);
  const stopped = watch(applier.stop());
  await settle();
  assert.equal(stopped.status(), 'pending');
  machine.gate.release();
  await settle();
  assert.equal(stopped.status(), 'fulfilled');
  assert.deepEqual(machine.batches, [256]);
});
