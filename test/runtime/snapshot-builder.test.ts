import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import type { StoredSnapshot } from '../../src/ports/snapshot-store.ts';
import { SnapshotBuilder } from '../../src/runtime/snapshot-builder.ts';
import { drive, entries, watch } from '../support/fake-node.ts';
import { SeededRandom } from '../support/fake-ports.ts';
import { FakeStateMachine } from '../support/fake-state-machine.ts';
import { FakeSnapshotStore } from '../support/fake-stores.ts';
import { FakeTime } from '../support/fake-time.ts';

async function makeKit(options: { logsSinceLast?: number; lastSnapshot?: number } = {}) {
  const time = new FakeTime();
  const machine = new FakeStateMachine();
  const store = new FakeSnapshotStore();
  await store.open();
  const kit = { time, machine, store, built: [] as StoredSnapshot[], failures: [] as unknown[], mayWrite: true };
  const builder = new SnapshotBuilder(
    {
      stateMachine: machine,
      snapshotStore: store,
      timers: time,
      random: new SeededRandom(1),
      logsSinceLast: options.logsSinceLast ?? 10,
      whenDurable: async () => undefined,
      mayWrite: () => kit.mayWrite,
      onBuilt: (snapshot) => kit.built.push(snapshot),
      onFailed: (error) => kit.failures.push(error),
    },
    logId(1, options.lastSnapshot ?? 0),
  );
  const apply = (toIndex: number): void => {
    void machine.apply(entries(1, machine.applied().lastApplied.index + 1, toIndex + 1));
    builder.onApplied(toIndex);
  };
  return Object.assign(kit, { builder, apply });
}

function builtIndexes({ built }: { readonly built: readonly StoredSnapshot[] }): number[] {
  return built.map(({ meta }) => meta.lastLogId.index);
}

test('a snapshot is built each time so many entries were applied since the last one', async () => {
  const kit = await makeKit();
  for (let index = 1; index <= 35; index += 1) {
    kit.apply(index);
    await kit.time.runTurns();
  }
  assert.deepEqual(builtIndexes(kit), [10, 20, 30]);
  const latest = await kit.store.inner.latest();
  assert.equal(latest?.snapshot.meta.lastLogId.index, 30);
});

test('the count goes on after a restart, and after a snapshot of the leader', async () => {
  const kit = await makeKit({ lastSnapshot: 5 });
  kit.machine.setApplied({ ...kit.machine.applied(), lastApplied: logId(1, 5) });
  kit.apply(14);
  await kit.time.runTurns();
  assert.deepEqual(builtIndexes(kit), []);
  kit.builder.onInstalled(14);
  kit.apply(23);
  await kit.time.runTurns();
  assert.deepEqual(builtIndexes(kit), []);
  kit.apply(24);
  await kit.time.runTurns();
  assert.deepEqual(builtIndexes(kit), [24]);
});

test('after a failure it is not tried again with every entry', async () => {
  const kit = await makeKit({ logsSinceLast: 100 });
  kit.store.gate.failNext('create', new Error('no room'));
  for (let index = 95; index <= 112; index += 1) {
    kit.apply(index);
    await kit.time.runTurns();
  }
  assert.equal(kit.failures.length, 1);
  assert.deepEqual(builtIndexes(kit), [110]);
});

test('0 means only on demand', async () => {
  const kit = await makeKit({ logsSinceLast: 0 });
  kit.apply(100);
  await kit.time.runTurns();
  assert.deepEqual(builtIndexes(kit), []);
  const built = await drive(kit.time, kit.builder.build());
  assert.equal(built?.meta.lastLogId.index, 100);
  assert.equal(await drive(kit.time, kit.builder.build()), null);
});

test('one is built at a time; who asks meanwhile joins', async () => {
  const kit = await makeKit();
  kit.machine.gate.hold('chunk');
  kit.apply(10);
  await kit.time.runTurns();
  const joined = kit.builder.build();
  kit.apply(20);
  await kit.time.runTurns();
  assert.equal(kit.machine.gate.count('snapshot'), 1);
  kit.machine.gate.release();
  assert.equal((await drive(kit.time, joined))?.meta.lastLogId.index, 10);
  assert.deepEqual(builtIndexes(kit), [10]);
});

test('the loop gets a turn between two chunks', async () => {
  const kit = await makeKit();
  kit.apply(40);
  let turns = 0;
  while (builtIndexes(kit).length === 0 && turns < 100) {
    await kit.time.runTurn();
    turns += 1;
  }
  assert.ok(turns >= 10, `built within ${turns} turns`);
  assert.equal(kit.machine.openViews, 0);
  assert.equal(kit.store.openWriters, 0);
});

for (const call of ['create', 'write', 'publish'] as const) {
  test(`a store that fails at ${call}: view and writer are closed, the failure is told, the next one succeeds`, async () => {
    const kit = await makeKit();
    const broken = new Error('full');
    kit.store.gate.failNext(call, broken);
    kit.apply(10);
    await kit.time.runTurns();
    assert.deepEqual([kit.failures, kit.built], [[broken], []]);
    assert.deepEqual([kit.machine.openViews, kit.store.openWriters], [0, 0]);
    assert.equal(await kit.store.inner.latest(), null);
    kit.apply(11);
    await kit.time.runTurns();
    assert.deepEqual(builtIndexes(kit), [11]);
  });
}

for (const call of ['snapshot', 'chunk'] as const) {
  test(`a state machine that fails at ${call}: view and writer are closed, the failure is told`, async () => {
    const kit = await makeKit();
    kit.machine.gate.failNext(call);
    kit.apply(10);
    await kit.time.runTurns();
    assert.equal(kit.failures.length, 1);
    assert.deepEqual([kit.machine.openViews, kit.store.openWriters, kit.built], [0, 0, []]);
    await assert.rejects(async () => {
      kit.machine.gate.failNext(call);
      await drive(kit.time, kit.builder.build());
    }, /injected/);
  });
}

test('stop ends the one being built at its next chunk; nothing is published, everything is closed', async () => {
  const kit = await makeKit();
  kit.machine.gate.hold('chunk');
  kit.apply(40);
  await kit.time.runTurns();
  const stopped = watch(kit.builder.stop());
  await kit.time.runTurns();
  assert.equal(stopped.status(), 'pending');
  kit.machine.gate.releaseOne();
  await kit.time.runTurns();
  assert.equal(stopped.status(), 'fulfilled');
  assert.deepEqual([kit.built, kit.failures, kit.store.gate.count('publish')], [[], [], 0]);
  assert.deepEqual([kit.machine.openViews, kit.store.openWriters], [0, 0]);
});

test("nothing is written while a leader's snapshot waits to be installed", async () => {
  const kit = await makeKit();
  kit.mayWrite = false;
  kit.apply(10);
  await kit.time.runTurns();
  assert.equal(kit.store.gate.count('create'), 0);
  assert.deepEqual([kit.machine.openViews, kit.failures], [0, []]);
});

test('two snapshots of one position have different ids', async () => {
  const first = await makeKit();
  first.store.gate.failNext('publish');
  first.apply(10);
  await first.time.runTurns();
  await drive(first.time, first.builder.build());
  assert.deepEqual(
    first.built.map(({ meta }) => meta.id),
    ['1-10-id-1-2'],
  );
});

test('one that can not be used is built anew, although nothing was applied since', async () => {
  const kit = await makeKit();
  kit.apply(5);
  await drive(kit.time, kit.builder.build());
  assert.equal(await drive(kit.time, kit.builder.build()), null);
  assert.equal((await drive(kit.time, kit.builder.rebuild()))?.meta.lastLogId.index, 5);
  assert.deepEqual(builtIndexes(kit), [5, 5]);
});
