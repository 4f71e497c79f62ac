import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import type { MapMachine, Options } from './mem-state-support.ts';
import { busyTimers, collect, filledMap, metaOf, open, openMap, put, restore, take } from './mem-state-support.ts';

/** So many primitive values are copied in more than one piece. */
const LARGE = 200_000;

describe('while a snapshot of MemStateMachine is built', () => {
  test('BUG-20 requests are applied at once to a Map whose values are replaced', async () => {
    const machine = await filledMap(20_000, { mutableLevels: 1 });
    const before = structuredClone(machine.state);
    const view = await machine.snapshot();
    const chunks: Uint8Array[] = [];
    let index = 20_000;
    for await (const chunk of view.chunks()) {
      chunks.push(chunk);
      index += 1;
      assert.deepEqual(machine.apply([put(index, `key ${index % 30_000}`, 'late')]), [null]);
    }
    await view.close();
    assert.ok(index > 20_005, `${index - 20_000} requests were applied meanwhile`);
    const copy = await openMap();
    await restore(copy, view, chunks);
    assert.deepEqual([...copy.state], [...before]);
    assert.equal(machine.applied().lastApplied.index, index);
  });

  test('requests are applied at once to what holds primitive values, without a promise', async () => {
    const states: Options<unknown>['initialState'][] = [
      () => new Map(numbers(5000).map((number) => [`key ${number}`, number])),
      () => new Set(numbers(5000)),
      () => ({ count: 0, totals: new Map(numbers(5000).map((number) => [number, `text ${number}`])) }),
      () => numbers(5000),
    ];
    for (const initialState of states) {
      const machine = await open({ initialState, apply: () => null });
      const view = await machine.snapshot();
      assert.deepEqual(machine.apply([put(1, 'late', 1)]), [null]);
      const copy = await open({ initialState, apply: () => null });
      await restore(copy, view, await collect(view));
      assert.deepEqual(copy.state, initialState());
    }
  });

  test('requests wait where one could change what was not copied', async () => {
    const shared = new Map([['a', 1]]);
    const machines = [
      await filledMap(2000),
      await open({ initialState: () => ({ here: shared, there: [shared] }), apply: () => null }),
      await open({ initialState: () => ({ here: shared, there: shared }), apply: () => null, mutableLevels: 2 }),
      await open({ initialState: () => new Map([['at', new Date(1)]]), apply: () => null }),
      await open({ initialState: () => new Map([[{ key: 1 }, 1]]), apply: () => null }),
      await open({ initialState: () => [1], apply: () => null, snapshot: (state) => state, restore: () => [1] }),
    ];
    for (const machine of machines) {
      const view = await machine.snapshot();
      const applied = machine.apply([put(machine.applied().lastApplied.index + 1, 'late', 1)]);
      assert.ok(applied instanceof Promise, 'an apply that does not wait');
      await collect(view);
      assert.deepEqual(await applied, [null]);
    }
  });

  test('requests wait for a hook, but not for one that took what it needs', async () => {
    const options: Partial<Options<Map<unknown, unknown>>> = {
      snapshot: (state) => [...state],
      restore: async (parts) => {
        const state = new Map<unknown, unknown>();
        for await (const part of parts) if (Array.isArray(part)) state.set(part[0], part[1]);
        return state;
      },
    };
    for (const isSnapshotDetached of [false, true]) {
      const machine = await filledMap(20_000, { ...options, isSnapshotDetached });
      const view = await machine.snapshot();
      const applied = machine.apply([put(20_001, 'key 7', 'late')]);
      assert.equal(Array.isArray(applied), isSnapshotDetached);
      const copy = await openMap(options);
      await restore(copy, view, await collect(view));
      await applied;
      assert.equal(machine.state.get('key 7'), 'late');
      assert.deepEqual(copy.state, (await filledMap(20_000)).state);
    }
  });

  test('requests that come while a large state is copied are applied before it is encoded', async () => {
    const waiting: unknown[] = [];
    const machine: MapMachine = await openMap({
      initialState: () => new Map(numbers(LARGE).map((number) => [number, number])),
      timers: busyTimers(() => {
        waiting.push(machine.apply([put(waiting.length + 1, waiting.length, 'late')]));
      }),
    });
    const view = await machine.snapshot();
    assert.ok(waiting.length > 0, 'the state was copied in one piece');
    assert.ok(waiting.every((result) => result instanceof Promise));
    assert.deepEqual(await Promise.all(waiting), Array(waiting.length).fill([null]));
    assert.equal(machine.state.get(0), 'late');
    const copy = await openMap();
    await restore(copy, view, await collect(view));
    assert.deepEqual([...copy.state.values()], numbers(LARGE));
  });

  test('more values than are taken at once are copied in many pieces', async () => {
    const count = 2 ** 20 + 5000;
    let turns = 0;
    const options: Options<number[]> = { initialState: () => numbers(count), apply: () => null };
    const machine = await open({ ...options, timers: busyTimers(() => (turns += 1)) });
    const view = await machine.snapshot();
    assert.ok(turns > 50, `${turns} turns`);
    const copy = await open({ ...options, initialState: () => [] });
    await restore(copy, view, await collect(view));
    assert.deepEqual(copy.state, numbers(count));
  });

  test('a view that is closed half-way keeps nothing alive', async () => {
    const machine = await filledMap(20_000, { mutableLevels: 1 });
    const replaced = weakRefTo(machine.state.get('key 19000'));
    const view = await machine.snapshot();
    for await (const chunk of view.chunks()) {
      assert.ok(chunk.byteLength > 0);
      assert.deepEqual(machine.apply([put(20_001, 'key 19000', 'late')]), [null]);
      await collectGarbage();
      assert.ok(replaced.deref() !== undefined, 'the view does not hold what it has to encode yet');
      break;
    }
    await view.close();
    await collectGarbage();
    assert.equal(replaced.deref(), undefined);
    assert.equal(view.applied.lastApplied.index, 20_000);
  });

  test('a machine that is closed meanwhile gives no snapshot', async () => {
    const machine = await openMap({ initialState: () => new Map(numbers(LARGE).map((number) => [number, number])) });
    const refused = assert.rejects(() => machine.snapshot(), { code: 'STORAGE' });
    const dropped = assert.rejects(async () => await machine.apply([put(1, 'late', 1)]), { code: 'STORAGE' });
    await machine.close();
    await Promise.all([refused, dropped]);
  });

  test('a snapshot that came meanwhile replaces the state, and the view is of the old one', async () => {
    const { snapshot, chunks } = await take(await filledMap(3));
    const machine = await openMap({ initialState: () => new Map(numbers(LARGE).map((number) => [number, number])) });
    const taken = machine.snapshot();
    await restore(machine, snapshot, chunks);
    assert.deepEqual(machine.apply([put(4, 'late', 1)]), [null]);
    const copy = await openMap();
    const view = await taken;
    await copy.restore(metaOf(view), view.codecId, view.chunks());
    assert.deepEqual(copy.state.size, LARGE);
    assert.equal(machine.state.size, 4);
  });

  test('options that contradict each other are refused', () => {
    const options = { initialState: () => [1], apply: () => null };
    const hooks = { snapshot: () => [], restore: () => [1] };
    const cases: readonly [Options<number[]>, typeof TypeError | typeof RangeError][] = [
      [{ ...options, mutableLevels: 0 }, RangeError],
      [{ ...options, mutableLevels: 1.5 }, RangeError],
      [{ ...options, ...hooks, mutableLevels: 1 }, TypeError],
      [{ ...options, isSnapshotDetached: true }, TypeError],
      [{ ...options, ...hooks, isSnapshotDetached: true, *snapshot() {} }, TypeError],
      [{ ...options, ...hooks, isSnapshotDetached: true, async *snapshot() {} }, TypeError],
    ];
    for (const [refused, type] of cases) {
      assert.throws(() => new MemStateMachine(refused), type);
    }
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

function weakRefTo(value: unknown): WeakRef<object> {
  assert.ok(typeof value === 'object' && value !== null);
  return new WeakRef(value);
}

/** A weak reference is strong until the turn in which it was read has ended. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  await setImmediate();
  gc();
}
