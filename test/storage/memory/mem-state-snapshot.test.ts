import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemSnapshotStore, MemStateMachine } from '../../../src/storage/memory/index.ts';
import type { MapMachine, Options } from './mem-state-support.ts';
import { collect, filledMap, metaOf, open, openMap, put, putInMap, restore, take } from './mem-state-support.ts';

/** More objects than a snapshot copies without being told that it may: applies wait until they are encoded. */
const TOO_MANY = 2000;

describe('a snapshot of MemStateMachine', () => {
  test('brings back a Map of 100,000 keys from chunks of at most 64 KiB', async () => {
    const machine = await filledMap(100_000);
    const { snapshot, chunks } = await take(machine);
    assert.ok(chunks.length > 40, `${chunks.length} chunks`);
    assert.ok(chunks.every((chunk) => chunk.byteLength <= 65_536));
    const copy = await openMap();
    await restore(copy, snapshot, chunks);
    assert.deepEqual(copy.state, machine.state);
    assert.deepEqual([...copy.state.keys()].slice(0, 3), [...machine.state.keys()].slice(0, 3));
  });

  test('brings back a Set and a plain object of 100,000 members', async () => {
    const members = Array.from({ length: 100_000 }, (_, member) => `member ${member}`);
    const states = [new Set(members), Object.fromEntries(members.map((member) => [member, { member }]))];
    for (const state of states) {
      const options = { initialState: () => state, apply: () => null };
      const { snapshot, chunks } = await take(await open<unknown>(options));
      const copy = await open<unknown>({ ...options, initialState: () => (state instanceof Set ? new Set() : {}) });
      await restore(copy, snapshot, chunks);
      assert.deepEqual(copy.state, state);
    }
  });

  test('brings back any plain data', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(data, data), { maxLength: 20 }), async (pairs) => {
        for (const state of [new Map(pairs), new Set(pairs), { pairs }, pairs]) {
          const options = { initialState: () => state, apply: () => null };
          const { snapshot, chunks } = await take(await open<unknown>(options));
          const copy = await open<unknown>({ ...options, initialState: () => structuredClone(state) });
          await restore(copy, snapshot, chunks);
          assert.deepEqual(copy.state, state);
        }
      }),
    );
  });

  test('keeps an object that occurs twice in a value one object', async () => {
    const shared = { count: 1 };
    const options = { initialState: () => ({ a: shared, b: [shared] }), apply: () => null };
    const { snapshot, chunks } = await take(await open(options));
    const copy = await open(options);
    await restore(copy, snapshot, chunks);
    assert.equal(copy.state.a, copy.state.b[0]);
    assert.notEqual(copy.state.a, shared);
  });

  test('BUG-20 is encoded part by part; applies wait for the last part only', async () => {
    const machine = await filledMap(50_000);
    const view = await machine.snapshot();
    const chunks = view.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    const outcomes: string[] = [];
    const applied = Promise.resolve(machine.apply([put(50_001, 'late', 1)])).then(() => outcomes.push('applied'));
    assert.equal(machine.state.has('late'), false);
    for (let part = await chunks.next(); part.done !== true; part = await chunks.next()) {
      outcomes.push('part');
    }
    await applied;
    await view.close();
    assert.ok(outcomes.length > 10);
    assert.equal(outcomes.indexOf('applied') > 0, true);
    assert.equal(machine.state.get('late'), 1);
    assert.ok(Array.isArray(machine.apply([put(50_002, 'later', 1)])));
  });

  test('two views at once are both consistent', async () => {
    const machine = await filledMap(TOO_MANY);
    const [first, second] = [await machine.snapshot(), await machine.snapshot()];
    const applied = machine.apply([put(TOO_MANY + 1, 'late', 1)]);
    const firstChunks = await collect(first);
    assert.equal(machine.state.has('late'), false);
    const secondChunks = await collect(second);
    await applied;
    assert.deepEqual(Buffer.concat(firstChunks), Buffer.concat(secondChunks));
    assert.equal(machine.state.has('late'), true);
  });

  test('its bytes can be read once, and not after it was closed', async () => {
    const machine = await filledMap(10);
    const view = await machine.snapshot();
    await collect(view);
    await assert.rejects(() => collect(view), { code: 'SNAPSHOT' });
    const closed = await machine.snapshot();
    await closed.close();
    await assert.rejects(() => collect(closed), { code: 'SNAPSHOT' });
  });

  test('ends with an error when it is closed while it is read', async () => {
    const machine = await filledMap(50_000);
    const view = await machine.snapshot();
    const chunks = view.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    await view.close();
    await assert.rejects(() => chunks.next(), { code: 'SNAPSHOT' });
  });

  test('fails, names the place and holds nothing up when the state holds what is no data', async () => {
    const options = { initialState: () => new Map<unknown, unknown>(), apply: () => null };
    for (const value of [() => 1, Symbol('s'), new (class Money {})(), new Map([['deep', [() => 1]]])]) {
      const machine = await open({ ...options, initialState: () => new Map([['key', value]]) });
      const view = await machine.snapshot();
      await assert.rejects(() => collect(view), { code: 'SNAPSHOT' });
      assert.deepEqual(machine.apply([put(1, 'a', 1)]), [null]);
    }
  });

  test('a hook that throws fails the snapshot, not the machine', async () => {
    const machine = await open<Map<unknown, unknown>>({
      initialState: () => new Map(),
      apply: () => null,
      snapshot: () => {
        throw new Error('no paper');
      },
      restore: () => new Map(),
    });
    await assert.rejects(async () => await collect(await machine.snapshot()), { code: 'SNAPSHOT' });
    assert.deepEqual(machine.apply([put(1, 'a', 1)]), [null]);
  });

  test('an asynchronous hook yields its parts while applies wait', async () => {
    const options: Options<Map<unknown, unknown>> = {
      initialState: () => new Map(),
      apply: putInMap,
      async *snapshot(state) {
        for (const pair of state) {
          await Promise.resolve();
          yield pair;
        }
      },
      async restore(parts) {
        const state = new Map<unknown, unknown>();
        for await (const part of parts) {
          if (Array.isArray(part)) state.set(part[0], part[1]);
        }
        return state;
      },
    };
    const machine = await open(options);
    await machine.apply(Array.from({ length: 3000 }, (_, i) => put(i + 1, i, 'v'.repeat(50))));
    const view = await machine.snapshot();
    const applied = machine.apply([put(3001, 'late', 1)]);
    const chunks = await collect(view);
    await applied;
    const copy = await open(options);
    await restore(copy, view, chunks);
    assert.equal(copy.state.size, 3000);
    assert.equal(machine.state.size, 3001);
  });
});

describe('a restore of MemStateMachine', () => {
  test('BUG-1 takes what a snapshot store was given to keep', async () => {
    const machine = await filledMap(5000);
    const store = new MemSnapshotStore();
    await store.open();
    const view = await machine.snapshot();
    const writer = await store.create(metaOf(view), view.codecId);
    for await (const chunk of view.chunks()) {
      await writer.write(chunk);
    }
    await writer.publish();
    const reader = await store.latest();
    assert.ok(reader !== null, 'the snapshot that was built is not there');
    const copy = await openMap();
    await copy.restore(reader.snapshot.meta, reader.snapshot.codecId, reader.chunks(0));
    assert.deepEqual(copy.state, machine.state);
    assert.deepEqual(copy.applied(), machine.applied());
  });

  test('BUG-3 refuses bytes that are damaged, cut short or too many, and keeps the state', async () => {
    const { snapshot, chunks } = await take(await filledMap(100));
    const bytes = new Uint8Array(Buffer.concat(chunks));
    const damaged = bytes.slice().fill(0xc1, 40, 60);
    const copy = await filledMap(3);
    for (const wrong of [damaged, bytes.subarray(0, 50), new Uint8Array(0), Buffer.concat([bytes, bytes])]) {
      await assert.rejects(() => restore(copy, snapshot, [wrong]), { code: 'SNAPSHOT' });
      assert.equal(copy.state.size, 3);
      assert.equal(copy.applied().lastApplied.index, 3);
    }
  });

  test('BUG-21 refuses the bytes of another snapshot', async () => {
    const { chunks } = await take(await filledMap(100));
    const { snapshot } = await take(await filledMap(101));
    await assert.rejects(() => restore(openedLater(), snapshot, chunks), { code: 'STORAGE' });
    const copy = await openMap();
    await assert.rejects(() => restore(copy, snapshot, chunks), { code: 'SNAPSHOT', message: /1:100.*1:101/ });
  });

  test('refuses the snapshot of another kind of state', async () => {
    const { snapshot, chunks } = await take(await filledMap(10));
    const other = await open({ initialState: () => new Set(), apply: () => null });
    await assert.rejects(() => restore(other, snapshot, chunks), { code: 'SNAPSHOT', message: /map.*set/ });
  });

  test('refuses a hook that fails, or that ignores parts or the failure of the stream', async () => {
    const { snapshot, chunks } = await take(await hookedMachine(async (parts) => await countParts(parts)));
    const cases = [
      { restore: () => Promise.reject(new Error('no')), chunks },
      { restore: () => new Map(), chunks },
      { restore: (parts: AsyncIterable<unknown>) => countParts(parts).catch(() => new Map()), chunks: [] },
    ];
    for (const { restore: hook, chunks: given } of cases) {
      const copy = await hookedMachine(hook);
      const before = copy.state;
      await assert.rejects(() => restore(copy, snapshot, given), { code: 'SNAPSHOT' });
      assert.equal(copy.state, before);
    }
    const sound = await hookedMachine(async (parts) => await countParts(parts));
    await restore(sound, snapshot, chunks);
    assert.deepEqual(sound.state, new Map([['parts', 3]]));
  });

  test('leaves an open view as it was and lets applies go on', async () => {
    const machine = await filledMap(10);
    const other = await take(await filledMap(20));
    const view = await machine.snapshot();
    await restore(machine, other.snapshot, other.chunks);
    assert.deepEqual(machine.apply([put(21, 'late', 1)]), [null]);
    const copy = await openMap();
    await restore(copy, view, await collect(view));
    assert.equal(copy.state.size, 10);
  });

  test('an apply that waits is refused when the state is replaced or the machine is closed', async () => {
    const other = await take(await filledMap(20));
    const ends = [
      (machine: MapMachine) => restore(machine, other.snapshot, other.chunks),
      (machine: MapMachine) => machine.close(),
    ];
    for (const end of ends) {
      const machine = await filledMap(TOO_MANY);
      const view = await machine.snapshot();
      const refused = assert.rejects(async () => await machine.apply([put(TOO_MANY + 1, 'late', 1)]), {
        code: 'STORAGE',
      });
      await end(machine);
      await refused;
      await view.close();
      assert.equal(machine.state.has('late'), false);
    }
  });

  test('makes a machine that failed usable again', async () => {
    const machine = await filledMap(3);
    assert.throws(() => machine.apply([put(9, 'gap', 1)]), { code: 'STORAGE' });
    const other = await take(await filledMap(20));
    await restore(machine, other.snapshot, other.chunks);
    assert.deepEqual(machine.apply([put(21, 'late', 1)]), [null]);
  });
});

/** Whatever the default codec takes. */
const data = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(undefined, null, true, false),
      fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.maxSafeInteger(),
      fc.bigInt(),
      fc.string({ unit: 'grapheme' }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.float64Array({ maxLength: 3 }),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(fc.integer(), { maxLength: 3 }).map((members) => new Set(members)),
  ),
})).value;

/** Not open: it takes nothing. */
function openedLater(): MapMachine {
  return new MemStateMachine({ initialState: () => new Map<unknown, unknown>(), apply: putInMap });
}

function hookedMachine(
  hook: (parts: AsyncIterable<unknown>) => Map<unknown, unknown> | Promise<Map<unknown, unknown>>,
): Promise<MapMachine> {
  return openMap({ snapshot: () => ['a', 'b', 'c'], restore: hook });
}

async function countParts(parts: AsyncIterable<unknown>): Promise<Map<unknown, unknown>> {
  let count = 0;
  for await (const part of parts) {
    count += typeof part === 'string' ? 1 : 0;
  }
  return new Map([['parts', count]]);
}
