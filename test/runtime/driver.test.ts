import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import type { Input } from '../../src/core/input.ts';
import { RaftCore } from '../../src/core/raft.ts';
import { resolveConfig } from '../../src/runtime/config.ts';
import { Driver } from '../../src/runtime/driver.ts';
import { Proposals } from '../../src/runtime/proposals.ts';
import { loadInitialState } from '../../src/runtime/recovery.ts';
import { encodeText, FakeStateMachine } from '../support/fake-state-machine.ts';
import { FakeLogStore, FakeSnapshotStore } from '../support/fake-stores.ts';
import { FakeTime } from '../support/fake-time.ts';

const TICK: Input = { type: 'tick' };
const COMMIT: Effect = { type: 'commit', logId: { term: 1, index: 1 } };

async function makeKit() {
  const time = new FakeTime();
  const logStore = new FakeLogStore();
  const stateMachine = new FakeStateMachine();
  const logState = await logStore.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'i' });
  const parts = { logStore, logState, snapshotStore: new FakeSnapshotStore(), snapshot: null, stateMachine };
  const ports = { clock: time, timers: time };
  const initial = await loadInitialState({ ...parts, ...ports, applied: stateMachine.applied() });
  const core = new RaftCore({ ...resolveConfig(), nodeId: 1, instanceId: null, random: () => 0 }, initial, {
    nowMs: 0,
    wallMs: 0,
  });
  const kit = { batches: [] as string[][], effects: [] as Effect[], turns: 0, failures: [] as unknown[] };
  const control = { answer: (): Effect[] => [], onEffect: (): void => undefined };
  core.stepAll = (inputs) => {
    kit.batches.push(inputs.map(({ type }) => type));
    return control.answer();
  };
  const hint = () => ({ nodeId: 1, leaderId: null, leaderNode: null });
  const proposals = new Proposals(time, time, { maxQueuedBytes: 1e6, hint });
  const driver = new Driver({
    core,
    clock: time,
    timers: time,
    proposals,
    execute: (effect) => {
      kit.effects.push(effect);
      control.onEffect();
    },
    onTurn: () => {
      kit.turns += 1;
    },
    onFailure: (error) => kit.failures.push(error),
  });
  return { ...kit, kit, time, control, proposals, driver };
}

test('rule 1 what comes in one turn is one batch, requests last', async () => {
  const { time, driver, proposals, batches, kit } = await makeKit();
  driver.post(TICK);
  void proposals.add(encodeText('a'), { timeoutMs: 1000 });
  driver.schedule();
  driver.post({ type: 'heartbeat' });
  assert.deepEqual(batches, []);
  await time.runTurns();
  assert.deepEqual([batches, kit.turns], [[['tick', 'heartbeat', 'propose']], 1]);
});

test('quiet news waits for whatever comes next', async () => {
  const { time, driver, batches } = await makeKit();
  driver.postQuietly({ type: 'persisted', seq: 1 });
  await time.runTurns();
  assert.deepEqual(batches, []);
  driver.post(TICK);
  await time.runTurns();
  assert.deepEqual(batches, [['persisted', 'tick']]);
});

test('what an effect posts is stepped in the next turn', async () => {
  const { time, driver, control, batches } = await makeKit();
  control.answer = () => {
    control.answer = () => [];
    return [COMMIT];
  };
  control.onEffect = () => driver.post({ type: 'heartbeat' });
  driver.post(TICK);
  await time.runTurn();
  assert.deepEqual(batches, [['tick']]);
  await time.runTurn();
  assert.deepEqual(batches, [['tick'], ['heartbeat']]);
});

test('rule 6 an effect that stops the node is the last one', async () => {
  const { time, driver, control, effects, kit } = await makeKit();
  control.answer = () => [COMMIT, COMMIT, COMMIT];
  control.onEffect = () => driver.stop();
  driver.post(TICK);
  await time.runTurns();
  driver.post(TICK);
  await time.runTurns();
  assert.deepEqual([effects.length, kit.batches.length], [1, 1]);
});

for (const [what, breakIt] of [
  [
    'a step',
    (control: { answer: () => Effect[] }, broken: Error) => {
      control.answer = () => {
        throw broken;
      };
    },
  ],
  [
    'an effect',
    (control: { answer: () => Effect[]; onEffect: () => void }, broken: Error) => {
      control.answer = () => [COMMIT, COMMIT];
      control.onEffect = () => {
        throw broken;
      };
    },
  ],
] as const) {
  test(`rule 6 ${what} that throws is a failure, and no turn`, async () => {
    const { time, driver, control, failures, kit } = await makeKit();
    const broken = new Error('no');
    breakIt(control, broken);
    driver.post(TICK);
    await time.runTurns();
    assert.deepEqual([failures, kit.turns], [[broken], 0]);
    assert.ok(kit.effects.length <= 1);
  });
}
