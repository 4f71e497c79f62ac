import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Packr } from 'msgpackr/pack';
import { logId } from '../../../src/core/ids.ts';
import { NO_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import type { Options } from './mem-state-support.ts';
import { collect, open, put, restore, take } from './mem-state-support.ts';

const META: SnapshotMeta = { id: 'a', lastLogId: logId(3, 1), lastTimeMs: 9, membership: NO_MEMBERSHIP };

/** Recorded when version 1 was made; the bytes of a state at 3:1. Never to be changed. */
const RECORDED: readonly (readonly [name: string, state: unknown, base64: string])[] = [
  [
    'a Map',
    new Map<unknown, unknown>([
      ['b', { number: 1, list: [1, null] }],
      ['a', { number: 2, list: [] }],
      [3, new Map([['x', new Set([1])]])],
      ['date', new Date(5)],
      ['bytes', new Uint8Array([1, 2])],
      ['none', undefined],
      ['big', 2n ** 70n],
    ]),
    'IgAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXijbWFwAwEYAAAAkZKhYtRyQJKmbnVtYmVypGxpc3QBkgHAIAAAAJKSoWHUckCSpm51bWJlcqRsaXN0ApCSA4GheNRzAJEBPgAAAJSSpGRhdGXX/wExLQAAAAAAkqVieXRlc8cDdAEBApKkbm9uZdQAAJKjYmln2EIAAAAAAAAAQAAAAAAAAAAAAAAAAA==',
  ],
  ['a Set', new Set([3, 'c', 1]), 'IgAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXijc2V0AwECAAAAkQMEAAAAkqFjAQAAAAA='],
  [
    'an array',
    ['one', { two: 2 }],
    'JAAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXildmFsdWUDAQ8AAACRkqNvbmXUckCRo3R3bwIAAAAA',
  ],
  ['a text', 'text', 'JAAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXildmFsdWUDAQYAAACRpHRleHQAAAAA'],
];

/** `{ total: 7, byKey: { b, a } }`, where `a` and `b` are one object. */
const RECORDED_TWICE =
  'JAAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXildmFsdWUDATEAAACR1HJAkqV0b3RhbKVieUtleQfUckGSoWKhYdZpAAAAAdRyQpGlY291bnQB1nAAAAABAAAAAA==';

/** The parts `{ part: 1 }` and `[2, 'two']`. */
const RECORDED_PARTS =
  'JQAAANRyQJOka2luZKhsYXN0VGVybalsYXN0SW5kZXimY3VzdG9tAwELAAAAkdRyQJGkcGFydAEHAAAAkZICo3R3bwAAAAA=';

describe('the format zlayer-mem-state/1', () => {
  for (const [name, state, base64] of RECORDED) {
    test(`reads ${name} that was recorded when it was made`, async () => {
      const machine = await open({ initialState: () => emptyLike(state), apply: () => null });
      await machine.restore(META, 'zlayer-mem-state/1', recorded(base64));
      assert.deepEqual(ordered(machine.state), ordered(state));
      assert.deepEqual(machine.applied().lastApplied, META.lastLogId);
    });
  }

  test('reads an object that was recorded with another one in it twice', async () => {
    const machine = await open({
      initialState: (): { total?: number; byKey?: Record<string, object> } => ({}),
      apply: () => null,
    });
    await machine.restore(META, 'zlayer-mem-state/1', recorded(RECORDED_TWICE));
    assert.deepEqual(machine.state, { total: 7, byKey: { b: { count: 1 }, a: { count: 1 } } });
    assert.equal(machine.state.byKey?.['a'], machine.state.byKey?.['b']);
  });

  test('reads the parts of a hook that were recorded', async () => {
    const machine = await open<unknown[]>({
      initialState: () => [],
      apply: () => null,
      snapshot: (state) => state,
      restore: async (parts) => {
        const state: unknown[] = [];
        for await (const part of parts) state.push(part);
        return state;
      },
    });
    await machine.restore(META, 'zlayer-mem-state/1', recorded(RECORDED_PARTS));
    assert.deepEqual(machine.state, [{ part: 1 }, [2, 'two']]);
  });

  for (const [name, state] of Object.entries(largeStates())) {
    test(`brings back ${name} in small pieces`, async () => {
      for (const mutableLevels of [undefined, 1, 2, 9]) {
        const options: Options<unknown> = { initialState: () => state, apply: () => null };
        const machine = await open(mutableLevels === undefined ? options : { ...options, mutableLevels });
        const { snapshot, chunks } = await take(machine);
        const copy = await open({ initialState: () => emptyLike(state), apply: () => null });
        await restore(copy, snapshot, chunks);
        assert.deepEqual(ordered(copy.state), ordered(state));
        const longest = Math.max(...frames(chunks).map((frame) => frame.byteLength));
        assert.ok(longest < 60_000, `a frame of ${longest} bytes`);
      }
    });
  }

  test('brings back large parts of a hook', async () => {
    const parts = ['first', new Map(numbers(20_000).map((number) => [number, [number]])), 'last'];
    const machine = await open<unknown[]>({
      initialState: () => [],
      apply: () => null,
      snapshot: () => parts,
      restore: async (given) => {
        const state: unknown[] = [];
        for await (const part of given) state.push(part);
        return state;
      },
    });
    const { snapshot, chunks } = await take(machine);
    await restore(machine, snapshot, chunks);
    assert.deepEqual(machine.state, parts);
  });

  test('keeps an object that occurs twice in a large value one object', async () => {
    const byNumber = numbers(20_000).map((number) => ({ number }));
    const state = { byNumber, byName: new Map(byNumber.map((item) => [`name ${item.number}`, item])) };
    const options = { initialState: () => state, apply: () => null };
    const { snapshot, chunks } = await take(await open(options));
    const copy = await open({ ...options, initialState: () => ({ byNumber: [], byName: new Map() }) });
    await restore(copy, snapshot, chunks);
    assert.equal(copy.state.byNumber.length, 20_000);
    for (const [number, item] of copy.state.byNumber.entries()) {
      assert.equal(copy.state.byName.get(`name ${number}`), item);
    }
  });

  test('refuses what is no data in the middle of a large value', async () => {
    const fields = numbers(20_000).map((number): [string, unknown] => [`field ${number}`, number]);
    const circular: unknown[] = [];
    circular.push(circular, ...numbers(20_000));
    const states = [
      Object.fromEntries([...fields, ['__proto__', 1]]),
      Object.fromEntries([...fields, ['half of a pair \ud800', 1]]),
      { deep: { list: [...fields, () => 1] } },
      { deep: new Map([...fields, ['money', new (class Money {})()]]) },
      circular,
      { circular },
    ];
    for (const state of states) {
      for (const mutableLevels of [undefined, 1, 3]) {
        const options: Options<unknown> = { initialState: () => state, apply: () => null };
        const machine = await open(mutableLevels === undefined ? options : { ...options, mutableLevels });
        const view = await machine.snapshot();
        await assert.rejects(() => collect(view), { code: 'SNAPSHOT' });
        assert.deepEqual(machine.apply([put(1, 'a', 1)]), [null]);
      }
    }
  });

  test('refuses containers that do not begin, do not end or hold what they cannot', async () => {
    const header = { kind: 'map', lastTerm: 3, lastIndex: 1 };
    const [begin, end] = [{ open: 'map', key: ['inner'] }, { open: null }];
    const good = [header, [['a', 1]], begin, [['b', 2]], end, [['c', 3]]];
    const machine = await open({ initialState: () => new Map<unknown, unknown>(), apply: () => null });
    await machine.restore(META, 'zlayer-mem-state/1', packed(good));
    assert.deepEqual([...machine.state.keys()], ['a', 'inner', 'c']);
    assert.deepEqual(machine.state.get('inner'), new Map([['b', 2]]));
    for (const wrong of [
      [header, end],
      [header, begin, [['b', 2]]],
      [header, begin, end, end],
      [header, begin, [2], end],
      [header, { open: 'map', key: null }, end],
      [header, { open: 'map' }, end],
      [header, { open: 'list', key: ['inner'] }, end],
      [header, { open: 'object', key: ['inner'] }, [[1, 2]], end],
      [header, { open: 'object', key: ['inner'] }, [['__proto__', {}]], end],
      [header, 'text'],
      [header, { close: true }],
      [begin, end],
    ]) {
      const refused = machine.restore(META, 'zlayer-mem-state/1', packed(wrong));
      await assert.rejects(refused, { code: 'SNAPSHOT' }, JSON.stringify(wrong));
      assert.equal(machine.state.size, 3);
    }
  });
});

/** Each takes many times as long to encode as one piece should. */
function largeStates(): Readonly<Record<string, unknown>> {
  const items = numbers(20_000).map((number) => ({ number, list: [number, null] }));
  const pairs = items.map((item, number): [unknown, unknown] => [`key ${number}`, item]);
  return {
    'an array': items,
    'a plain object': Object.fromEntries(pairs.map(([key, item]) => [String(key), item])),
    'an object of containers': {
      count: 1,
      map: new Map(pairs),
      set: new Set(items.map(({ number }) => number)),
      items: [7],
    },
    'a Map of large values': new Map<unknown, unknown>([
      ['first', 1],
      ['array', items],
      [{ key: 1 }, new Map(pairs)],
      [undefined, new Set(pairs.map(([key]) => key))],
      ['last', 1],
    ]),
    'a Set of large members': new Set<unknown>(['first', items, 'between', new Map(pairs), 'last']),
    'containers deep inside': { a: [{ b: new Map([['c', new Set([[items]])]]) }], d: {} },
    'an array of many small containers': pairs.map((pair) => new Map([pair])),
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

function emptyLike(state: unknown): unknown {
  if (state instanceof Map) return new Map();
  return state instanceof Set ? new Set() : [];
}

async function* recorded(base64: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(base64, 'base64');
}

/** Frames as an encoder would write them. */
async function* packed(frames: readonly unknown[]): AsyncGenerator<Uint8Array, void> {
  const packr = new Packr({ useRecords: true, structuredClone: true, moreTypes: true });
  for (const frame of frames) {
    const bytes = packr.pack(frame);
    yield lengthOf(bytes.byteLength);
    yield bytes;
  }
  yield lengthOf(0);
}

function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return length;
}

/** What a snapshot consists of. */
function frames(chunks: readonly Uint8Array[]): Buffer[] {
  const bytes = Buffer.concat(chunks);
  const found: Buffer[] = [];
  for (let start = 0; start < bytes.byteLength; start += 4 + bytes.readUInt32LE(start)) {
    found.push(bytes.subarray(start + 4, start + 4 + bytes.readUInt32LE(start)));
  }
  return found;
}

/** As lists, because comparing does not look at the order of what is in a Map, a Set or an object. */
function ordered(value: unknown): unknown {
  if (value instanceof Map) return ['Map', [...value].map(([key, item]) => [key, ordered(item)])];
  if (value instanceof Set) return ['Set', [...value].map(ordered)];
  if (Array.isArray(value)) return value.map(ordered);
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? ['object', Object.entries(value).map(ordered)] : value;
}
