/** Starts of nodes whose snapshots are damaged: on a real store over a simulated disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogId } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { InitialState } from '../../src/core/state.ts';
import { CorruptionError } from '../../src/errors.ts';
import type { SnapshotStore } from '../../src/ports/snapshot-store.ts';
import { loadInitialState } from '../../src/runtime/recovery.ts';
import { FileSnapshotStore } from '../../src/storage/snapshot-files/index.ts';
import { systemClock, systemTimers } from '../../src/system/system-ports.ts';
import { MemFileSystem } from '../../src/testing/disk/mem-file-system.ts';
import { entries } from '../support/fake-node.ts';
import { FakeStateMachine } from '../support/fake-state-machine.ts';
import { FakeLogStore } from '../support/fake-stores.ts';
import { override } from '../support/override.ts';

const OPEN = { nodeId: 1, clusterName: 'test', newInstanceId: 'i' };
const LAST = 40;
const NEWEST = 30;
const OLDER = 20;
const directory = '/node/snapshots';
const newestPath = `${directory}/0000000000000002.snapshot`;

/** The disk of a node that has applied everything and taken two snapshots on the way. */
async function diskOfNode(): Promise<MemFileSystem> {
  const fileSystem = new MemFileSystem();
  const store = new FileSnapshotStore({ directory, fileSystem });
  await store.open();
  const stateMachine = new FakeStateMachine();
  for (const index of [OLDER, NEWEST]) {
    await stateMachine.apply(entries(1, stateMachine.applied().lastApplied.index + 1, index + 1));
    const view = await stateMachine.snapshot();
    const { lastApplied, lastTimeMs, membership } = view.applied;
    const writer = await store.create(
      { id: `s${index}`, lastLogId: lastApplied, lastTimeMs, membership },
      view.codecId,
    );
    for await (const chunk of view.chunks()) await writer.write(chunk);
    await writer.publish();
    await writer.close({ keep: false });
  }
  await store.close();
  return fileSystem;
}

interface Start {
  readonly initial: InitialState;
  readonly stateMachine: FakeStateMachine;
}

/** Starts a node with a log of which everything up to `purgedIndex` is gone. */
async function start(
  fileSystem: MemFileSystem,
  purgedIndex: number,
  { stateMachine = new FakeStateMachine(), wrap = (store: SnapshotStore) => store } = {},
): Promise<Start> {
  const log = new FakeLogStore();
  await log.open(OPEN);
  if (purgedIndex > 0) await log.purge(logId(1, purgedIndex));
  await log.append(entries(1, purgedIndex + 1, LAST + 1));
  await log.saveCommitted(logId(1, LAST));
  await log.close();
  const snapshotStore = wrap(new FileSnapshotStore({ directory, fileSystem }));
  const parts = { logStore: log, logState: await log.open(OPEN), snapshotStore, snapshot: await snapshotStore.open() };
  const time = { clock: systemClock, timers: systemTimers };
  const initial = await loadInitialState({ ...parts, ...time, stateMachine, applied: await stateMachine.open() });
  await snapshotStore.close();
  return { initial, stateMachine };
}

/** Where a bit is flipped: in the header, which is seen at once, or in a block, which is seen when it is read. */
const places = [
  ['header', 200],
  ['bytes', 8 * 250],
] as const;

const all = entries(1, 1, LAST + 1).map(({ logId: { index } }) => `r${index}`);

for (const [where, bit] of places) {
  test(`a snapshot with damaged ${where} gives way to the one before it, if the log reaches back so far`, async () => {
    const fileSystem = await diskOfNode();
    fileSystem.flipBit(newestPath, bit);
    const { initial, stateMachine } = await start(fileSystem, OLDER);
    assert.deepEqual(stateMachine.state, all);
    assert.deepEqual([initial.applied, initial.snapshot, initial.last], [at(LAST), at(OLDER), at(LAST)]);
    assert.ok(fileSystem.filePaths().includes(`${newestPath}.damaged`));
  });

  test(`a snapshot with damaged ${where} gives way to the log alone, if that has everything`, async () => {
    const fileSystem = await diskOfNode();
    fileSystem.flipBit(newestPath, bit);
    fileSystem.flipBit(`${directory}/0000000000000001.snapshot`, bit);
    const { initial, stateMachine } = await start(fileSystem, 0);
    assert.deepEqual(stateMachine.state, all);
    assert.deepEqual([initial.applied, initial.snapshot], [at(LAST), NO_LOG_ID]);
  });

  test(`a snapshot with damaged ${where} that nothing replaces stops the start; every time the file is named`, async () => {
    const fileSystem = await diskOfNode();
    fileSystem.flipBit(newestPath, bit);
    for (const problem of ['is damaged at byte \\d+: ', 'set aside by an earlier run']) {
      await assert.rejects(start(fileSystem, OLDER + 1), (error: unknown) => {
        assert.ok(error instanceof CorruptionError);
        assert.match(error.message, /^the log starts at index 22, .* holds entries only up to 0, /);
        assert.match(error.message, new RegExp(`; snapshots that are damaged: ${newestPath}.damaged \\(.*${problem}`));
        assert.match(error.message, /: restore the missing data, or remove this node and add it as new$/);
        return true;
      });
    }
    assert.ok(fileSystem.filePaths().includes(`${newestPath}.damaged`));
  });

  test(`a state that is further than a snapshot with damaged ${where} does not need it`, async () => {
    const fileSystem = await diskOfNode();
    fileSystem.flipBit(newestPath, bit);
    const stateMachine = new FakeStateMachine();
    stateMachine.isDurable = true;
    await stateMachine.apply(entries(1, 1, 36));
    const { initial } = await start(fileSystem, NEWEST, { stateMachine });
    assert.deepEqual([initial.applied, stateMachine.state], [at(LAST), all]);
  });
}

test('a state machine may put an error of its own around that of the store', async () => {
  const fileSystem = await diskOfNode();
  fileSystem.flipBit(newestPath, 8 * 250);
  const inner = new FakeStateMachine();
  const stateMachine = override(inner, {
    restore: async (meta, codecId, chunks) => {
      await inner.restore(meta, codecId, chunks).catch((cause: unknown) => {
        throw new Error('it could not be restored', { cause });
      });
    },
  });
  await start(fileSystem, OLDER, { stateMachine });
  assert.deepEqual(inner.state, all);
});

test('a failure that is no damage stops the start, and the snapshot stays where it is', async () => {
  const fileSystem = await diskOfNode();
  const stateMachine = new FakeStateMachine();
  stateMachine.gate.failNext('restore');
  await assert.rejects(start(fileSystem, OLDER, { stateMachine }), /injected/);
  assert.ok(fileSystem.filePaths().includes(newestPath));
});

test('a store that keeps no older snapshots reports the damage as it is', async () => {
  const fileSystem = await diskOfNode();
  fileSystem.flipBit(newestPath, 8 * 250);
  const wrap = (store: SnapshotStore): SnapshotStore => ({
    open: () => store.open(),
    create: (meta, codecId) => store.create(meta, codecId),
    latest: () => store.latest(),
    close: () => store.close(),
  });
  await assert.rejects(start(fileSystem, OLDER, { wrap }), (error: unknown) => {
    assert.ok(error instanceof CorruptionError);
    assert.match(error.message, /^snapshot file .* is damaged at byte/);
    return true;
  });
});

function at(index: number): LogId {
  return logId(1, index);
}
