import assert from 'node:assert/strict';
import { test } from 'node:test';
import { membershipEntry } from '../../src/core/entry.ts';
import type { LogId } from '../../src/core/ids.ts';
import { logId } from '../../src/core/ids.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import { CorruptionError } from '../../src/errors.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { findBoundaries, loadInitialState } from '../../src/runtime/recovery.ts';
import { systemClock, systemTimers } from '../../src/system/system-ports.ts';
import { basicNode, entries } from '../support/fake-node.ts';
import { encodeText, FakeStateMachine, LIST_CODEC_ID } from '../support/fake-state-machine.ts';
import { FakeLogStore, FakeSnapshotStore } from '../support/fake-stores.ts';
import { override } from '../support/override.ts';

const TIME = { clock: systemClock, timers: systemTimers };
const OPEN = { nodeId: 1, clusterName: 'test', newInstanceId: 'i' };

interface Found {
  readonly log?: FakeLogStore;
  readonly logStore?: LogStore;
  readonly snapshots?: FakeSnapshotStore;
  readonly applied?: LogId;
}

async function load({ log = new FakeLogStore(), logStore = log, snapshots = new FakeSnapshotStore(), applied }: Found) {
  const stateMachine = new FakeStateMachine();
  stateMachine.isDurable = true;
  if (applied !== undefined) {
    stateMachine.setApplied({ lastApplied: applied, lastTimeMs: 0, membership: NO_MEMBERSHIP });
  }
  const logState = await log.open(OPEN);
  const snapshot = await snapshots.open();
  const parts = { logStore, logState, snapshotStore: snapshots, snapshot, stateMachine, ...TIME };
  const initial = await loadInitialState({ ...parts, applied: await stateMachine.open() });
  return { initial, stateMachine, log };
}

/** A closed log of these terms from `fromIndex` on. */
async function logOf(terms: readonly number[], purged: LogId = logId(0, 0)): Promise<FakeLogStore> {
  const log = new FakeLogStore();
  await log.open(OPEN);
  if (purged.index > 0) await log.purge(purged);
  const all = terms.flatMap((term, offset) => {
    const index = purged.index + 1 + offset;
    return entries(term, index, index + 1);
  });
  if (all.length > 0) await log.append(all);
  await log.close();
  return log;
}

async function snapshotAt(id: LogId): Promise<FakeSnapshotStore> {
  const snapshots = new FakeSnapshotStore();
  await snapshots.open();
  const meta = { id: 's', lastLogId: id, lastTimeMs: 0, membership: NO_MEMBERSHIP };
  const writer = await snapshots.create(meta, LIST_CODEC_ID);
  await writer.write(encodeText('["x"]'));
  await writer.publish();
  await snapshots.close();
  return snapshots;
}

test('empty stores make a node that knows nothing', async () => {
  const { initial } = await load({});
  assert.deepEqual([initial.last, initial.applied, initial.boundaries], [logId(0, 0), logId(0, 0), []]);
});

test('a state ahead of its log cuts the log: the state is the proof that all of it was committed', async () => {
  const { initial, log } = await load({ log: await logOf([1, 1, 2]), applied: logId(2, 9) });
  assert.deepEqual([initial.last, initial.purged, initial.applied], [logId(2, 9), logId(2, 9), logId(2, 9)]);
  await log.append(entries(3, 10, 11));
  assert.deepEqual(
    (await log.read(1, 20, 1e6)).map((entry) => entry.logId),
    [logId(3, 10)],
  );
});

test('a state behind the start of the log leaves a hole that nothing can fill', async () => {
  const log = await logOf([2, 2], logId(2, 5));
  await assert.rejects(load({ log, applied: logId(1, 3) }), (error) => {
    assert.ok(error instanceof CorruptionError);
    assert.match(error.message, /starts at index 6.*up to 3/);
    return true;
  });
});

test('a snapshot fills the hole', async () => {
  const log = await logOf([2, 2], logId(2, 5));
  const snapshots = await snapshotAt(logId(2, 5));
  const { initial, stateMachine } = await load({ log, snapshots, applied: logId(1, 3) });
  assert.deepEqual([initial.applied, initial.snapshot, stateMachine.state], [logId(2, 5), logId(2, 5), ['x']]);
  assert.equal(snapshots.openReaders, 0);
});

test('a snapshot that fails to restore is let go, and the failure is told', async () => {
  const snapshots = await snapshotAt(logId(2, 5));
  snapshots.gate.failNext('read');
  await assert.rejects(load({ snapshots }), /injected/);
  assert.equal(snapshots.openReaders, 0);
});

test('a snapshot that vanished after the start found it is corruption', async () => {
  const snapshots = await snapshotAt(logId(2, 5));
  const stateMachine = new FakeStateMachine();
  const log = new FakeLogStore();
  const parts = {
    logStore: log,
    logState: await log.open(OPEN),
    snapshot: await snapshots.open(),
    stateMachine,
    ...TIME,
  };
  const empty = new FakeSnapshotStore();
  await empty.open();
  const applied = stateMachine.applied();
  await assert.rejects(loadInitialState({ ...parts, snapshotStore: empty, applied }), CorruptionError);
});

test('a snapshot whose installation was interrupted takes the place of the log that disagrees with it', async () => {
  const snapshots = await snapshotAt(logId(3, 3));
  const { initial, log, stateMachine } = await load({ log: await logOf([1, 1, 2, 2, 2]), snapshots });
  assert.deepEqual(stateMachine.applied().lastApplied, logId(3, 3));
  assert.deepEqual([initial.purged, initial.last, initial.applied], [logId(3, 3), logId(3, 3), logId(3, 3)]);
  await log.append(entries(3, 4, 5));
});

test('entries after a snapshot that agrees with the log stay', async () => {
  const snapshots = await snapshotAt(logId(2, 3));
  const { initial } = await load({ log: await logOf([1, 1, 2, 2, 2]), snapshots });
  assert.deepEqual([initial.last, initial.applied], [logId(2, 5), logId(2, 3)]);
});

test('a log that was purged to something else than the snapshot covers is of another node', async () => {
  const snapshots = await snapshotAt(logId(3, 5));
  await assert.rejects(load({ log: await logOf([3], logId(2, 5)), snapshots }), CorruptionError);
});

for (const [what, log, applied] of [
  ['in the log', logOf([1, 1, 2, 2]), logId(1, 3)],
  ['at its start', logOf([3], logId(2, 5)), logId(1, 5)],
] as const) {
  test(`a state that disagrees with what is ${what} is of another node`, async () => {
    await assert.rejects(load({ log: await log, applied }), (error) => {
      assert.ok(error instanceof CorruptionError);
      assert.match(error.message, /not of the same node/);
      return true;
    });
  });
}

for (const [what, shrink] of [
  ['ends early', (index: number) => index < 6],
  ['lacks one in the middle', (index: number) => index !== 5],
] as const) {
  test(`a log that ${what} is corruption, not a shorter log`, async () => {
    const log = await logOf([1, 1, 1, 1, 1, 1, 1, 1]);
    const logStore = override<LogStore>(log, {
      read: async (fromIndex, toIndex, maxBytes) => {
        const all = await log.read(fromIndex, toIndex, maxBytes);
        return all.filter((entry) => shrink(entry.logId.index));
      },
    });
    await assert.rejects(load({ log, logStore }), CorruptionError);
  });
}

test('memberships after the applied state are found, oldest first, and the newest time', async () => {
  const log = await logOf([1, 1]);
  await log.open(OPEN);
  const membership: Membership = { configs: [[1]], nodes: new Map([[1, basicNode(1)]]), retainRemoved: false };
  await log.append([membershipEntry(logId(1, 3), 50, membership), membershipEntry(logId(2, 4), 60, membership)]);
  await log.append(entries(2, 5, 6));
  await log.close();
  const { initial } = await load({ log, applied: logId(1, 2) });
  assert.deepEqual(
    initial.logMemberships.map((stored) => stored.logId),
    [logId(1, 3), logId(2, 4)],
  );
  assert.equal(initial.lastTimeMs, 60);
});

test('the boundaries of terms are found with few reads', async () => {
  const terms = [...Array<number>(300).fill(1), ...Array<number>(5).fill(4), 5, ...Array<number>(700).fill(9)];
  const log = await logOf(terms, logId(1, 10));
  await log.open(OPEN);
  const boundaries = await findBoundaries(log, logId(1, 10), logId(9, 10 + terms.length));
  assert.deepEqual(boundaries, [logId(1, 11), logId(4, 311), logId(5, 316), logId(9, 317)]);
  assert.ok(log.gate.count('read') < 60, `${log.gate.count('read')} reads`);
});

test('what is known to be committed is applied at start, in slices, and the rest is not', async () => {
  const log = await logOf(Array.from({ length: 1000 }, () => 1));
  await log.open(OPEN);
  await log.saveCommitted(logId(1, 900));
  await log.close();
  const { initial, stateMachine } = await load({ log, applied: logId(1, 100) });
  assert.deepEqual(initial.applied, logId(1, 900));
  assert.deepEqual(
    stateMachine.journal.map((entry) => entry.logId.index),
    Array.from({ length: 800 }, (_, offset) => 101 + offset),
  );
  assert.ok(stateMachine.batches.length > 1 && Math.max(...stateMachine.batches) <= 256);
});

for (const [what, committed] of [
  ['beyond the log', logId(1, 9)],
  ['of entries that were replaced', logId(1, 5)],
] as const) {
  test(`a committed position ${what} applies nothing`, async () => {
    const log = await logOf([1, 1, 1, 2, 2]);
    await log.open(OPEN);
    await log.saveCommitted(committed);
    await log.close();
    const { initial, stateMachine } = await load({ log });
    assert.deepEqual([initial.applied, stateMachine.journal], [logId(0, 0), []]);
  });
}

test('a state machine that answers too few results at start is not trusted', async () => {
  const log = await logOf([1, 1, 1]);
  await log.open(OPEN);
  await log.saveCommitted(logId(1, 3));
  await log.close();
  const stateMachine = new FakeStateMachine();
  stateMachine.answer = (results) => results.slice(1);
  const snapshots = new FakeSnapshotStore();
  const parts = { logStore: log, logState: await log.open(OPEN), snapshotStore: snapshots, stateMachine, ...TIME };
  const rest = { snapshot: await snapshots.open(), applied: await stateMachine.open() };
  await assert.rejects(loadInitialState({ ...parts, ...rest }), /2 results for 3 entries/);
});
