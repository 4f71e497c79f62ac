/** How log, snapshot and state machine of a node are brought in line at its start. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../src/core/entry.ts';
import { membershipEntry } from '../../src/core/entry.ts';
import type { HardState } from '../../src/core/hard-state.ts';
import type { LogId, NodeId, Term } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { RaftCore } from '../../src/core/raft.ts';
import type { CoreState, InitialState } from '../../src/core/state.ts';
import type { StateMachine } from '../../src/ports/state-machine.ts';
import { findBoundaries, loadInitialState } from '../../src/runtime/recovery.ts';
import { MemLogStore, MemSnapshotStore, MemStateMachine } from '../../src/storage/memory/index.ts';
import { systemClock, systemTimers } from '../../src/system/system-ports.ts';
import { at, boundariesOf, coreOptions, entriesOf, entryOf, membershipOf } from '../support/core-kit.ts';

const OPEN = { nodeId: 1, clusterName: 'test', newInstanceId: 'i' };
const codec = msgpackCodec<unknown, unknown>();

interface Stored {
  readonly applied?: readonly Entry[];
  readonly log?: readonly Entry[];
  readonly purged?: LogId;
  readonly committed?: LogId;
  readonly hardState?: HardState;
  /** A snapshot of a state machine that applied these. */
  readonly snapshotOf?: readonly Entry[];
}

function membersAt(term: Term, index: number, voters: readonly NodeId[]): Entry {
  return membershipEntry(logId(term, index), 0, membershipOf(voters));
}

/** The entry of the index in the state machine's own past; its content is of no matter here. */
const blankAt = (term: Term, index: number): Entry => ({ ...entryOf(term, index), kind: 'blank' });

async function makeStateMachine(applied: readonly Entry[]): Promise<StateMachine<unknown, unknown>> {
  const stateMachine = new MemStateMachine<Map<string, string>, unknown, unknown>({
    initialState: () => new Map(),
    apply: () => null,
  });
  await stateMachine.open(codec);
  await stateMachine.apply(applied);
  return stateMachine;
}

async function makeSnapshotStore(snapshotOf: readonly Entry[]): Promise<MemSnapshotStore> {
  const store = new MemSnapshotStore();
  await store.open();
  if (snapshotOf.length > 0) {
    const view = await (await makeStateMachine(snapshotOf)).snapshot();
    const { lastApplied, lastTimeMs, membership } = view.applied;
    const writer = await store.create({ id: 's', lastLogId: lastApplied, lastTimeMs, membership }, view.codecId);
    for await (const chunk of view.chunks()) await writer.write(chunk);
    await writer.publish();
    await view.close();
  }
  await store.close();
  return store;
}

interface Loaded {
  readonly initial: InitialState;
  /** The state that a core starts with from it. */
  readonly state: CoreState;
  readonly logStore: MemLogStore;
  readonly stateMachine: StateMachine<unknown, unknown>;
}

async function load(stored: Stored): Promise<Loaded> {
  const logStore = new MemLogStore();
  await logStore.open(OPEN);
  if (stored.hardState !== undefined) await logStore.saveHardState(stored.hardState);
  if (stored.purged !== undefined) await logStore.purge(stored.purged);
  await logStore.append(stored.log ?? []);
  await logStore.saveCommitted(stored.committed ?? NO_LOG_ID);
  await logStore.close();
  const snapshotStore = await makeSnapshotStore(stored.snapshotOf ?? []);
  const stateMachine = await makeStateMachine(stored.applied ?? []);
  const initial = await loadInitialState({
    logStore,
    logState: await logStore.open(OPEN),
    snapshotStore,
    snapshot: await snapshotStore.open(),
    stateMachine,
    applied: stateMachine.applied(),
    clock: systemClock,
    timers: systemTimers,
  });
  const { state } = new RaftCore(coreOptions(), initial, at(0));
  return { initial, state, logStore, stateMachine };
}

function votersOf({ membership }: CoreState): { committed: unknown; effective: unknown } {
  return {
    committed: membership.committed.membership.configs[0] ?? null,
    effective: membership.effective.membership.configs[0] ?? null,
  };
}

const APPLIED = [blankAt(1, 1), membersAt(1, 2, [3, 4, 5])];

describe('memberships', () => {
  test('D-01 empty stores know of none', async () => {
    const { initial, state, logStore } = await load({});
    assert.deepEqual(initial.logMemberships, []);
    assert.deepEqual(votersOf(state), { committed: null, effective: null });
    assert.deepEqual(await logStore.read(1, 2, 100), []);
  });

  test('D-02 those of the log behind the applied state are found, oldest first', async () => {
    const find = async (stored: Stored): Promise<unknown> => {
      const { initial } = await load({ hardState: { term: 1, votedFor: null }, ...stored });
      return initial.logMemberships.map(({ membership }) => membership.configs[0]);
    };
    assert.deepEqual(await find({ applied: APPLIED }), []);
    const first = membersAt(1, 1, [1, 2, 3]);
    assert.deepEqual(await find({ log: [first] }), [[1, 2, 3]]);
    // The state machine is further: what it applied does not come from the log.
    assert.deepEqual(await find({ log: [first], applied: APPLIED }), []);
    const third = [first, entryOf(1, 2), membersAt(1, 3, [7, 8, 9]), entryOf(1, 4)];
    assert.deepEqual(await find({ log: third }), [
      [1, 2, 3],
      [7, 8, 9],
    ]);
    assert.deepEqual(await find({ log: third, applied: APPLIED }), [[7, 8, 9]]);
    const fifth = [...third, membersAt(1, 5, [10, 11])];
    assert.deepEqual(await find({ log: fifth, applied: APPLIED }), [
      [7, 8, 9],
      [10, 11],
    ]);
  });

  test('D-04 one in the log alone is effective, not committed', async () => {
    const { state } = await load({ hardState: { term: 1, votedFor: null }, log: [membersAt(1, 1, [1, 2, 3])] });
    assert.deepEqual(votersOf(state), { committed: null, effective: [1, 2, 3] });
  });

  test('D-05 one in the state machine alone is committed and effective', async () => {
    const { state } = await load({ hardState: { term: 1, votedFor: null }, applied: APPLIED });
    assert.deepEqual(votersOf(state), { committed: [3, 4, 5], effective: [3, 4, 5] });
  });

  test('D-07 one behind the applied state is effective, that of the state machine committed', async () => {
    const log = [membersAt(1, 1, [1, 2, 3]), entryOf(1, 2), membersAt(1, 3, [7, 8, 9])];
    const { state } = await load({ hardState: { term: 1, votedFor: null }, log, applied: APPLIED });
    assert.deepEqual(votersOf(state), { committed: [3, 4, 5], effective: [7, 8, 9] });
  });
});

describe('positions', () => {
  test('D-09 empty stores give the state of a new node', async () => {
    const { initial } = await load({});
    assert.deepEqual(initial.hardState, { term: 0, votedFor: null });
    for (const position of [initial.last, initial.purged, initial.committed, initial.applied, initial.snapshot]) {
      assert.deepEqual(position, NO_LOG_ID);
    }
  });

  test('D-09 vote, log and applied state are found as they were left', async () => {
    const log = [entryOf(1, 1), entryOf(1, 2), entryOf(3, 3)];
    const applied = [blankAt(1, 1), blankAt(1, 2)];
    const { initial, state } = await load({ hardState: { term: 3, votedFor: 1 }, log, applied });
    assert.deepEqual(initial.hardState, { term: 3, votedFor: 1 });
    assert.deepEqual([initial.last, initial.applied], [logId(3, 3), logId(1, 2)]);
    assert.equal(state.commitIndex, 2, 'what is applied was committed');
  });
});

test('the terms of a log are found as by reading all of it', async () => {
  const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 20 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 0, max: 5 }), async (steps, purgedIndex) => {
      let term = 1;
      const terms = steps.flatMap(([rise, length]) => {
        term += rise;
        return new Array<Term>(length).fill(term);
      });
      const purged = purgedIndex === 0 ? NO_LOG_ID : logId(1, purgedIndex);
      const logStore = new MemLogStore();
      await logStore.open(OPEN);
      await logStore.purge(purged);
      await logStore.append(entriesOf(terms, purgedIndex + 1));
      const last = logId(terms.at(-1) ?? purged.term, purgedIndex + terms.length);
      assert.deepEqual(await findBoundaries(logStore, purged, last), boundariesOf(terms, purged));
    }),
  );
});
