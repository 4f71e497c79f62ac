import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { MemStateMachine } from '../../../src/storage/memory/index.ts';
import type { Options, Request } from './mem-state-support.ts';
import { busyTimers, collect, open, put, restore } from './mem-state-support.ts';

/** What a request does with a key: `null` takes it away. */
type Change = readonly [key: number, number: number | null];

/** A kind of state, and how a request changes it. A key of 0 clears it. */
interface Shape {
  readonly name: string;
  readonly initialState: () => unknown;
  readonly mutableLevels?: number;
  change(state: unknown, key: number, value: unknown): void;
}

/** So large that a few dozen values fill a chunk, and are more than is encoded in one piece. */
const TEXT = 'some text '.repeat(300);
const LIST: readonly number[] = Array.from({ length: 150 }, (_, number) => number);

const SHAPES: readonly Shape[] = [
  shape<Map<number, unknown>>({
    name: 'a Map of objects that are replaced',
    initialState: () => new Map(),
    mutableLevels: 1,
    change: changeMap,
  }),
  shape<Map<number, unknown>>({
    name: 'a Map of texts',
    initialState: () => new Map(),
    change: (state, key, value) => changeMap(state, key, value === null ? null : JSON.stringify(value)),
  }),
  shape<Map<number, unknown>>({
    name: 'a Map of objects that may be changed in place',
    initialState: () => new Map(),
    change: (state, key, value) => {
      const known = state.get(key);
      if (typeof known === 'object' && known !== null && value !== null) Object.assign(known, value);
      else changeMap(state, key, value);
    },
  }),
  shape<Set<unknown>>({
    name: 'a Set',
    initialState: () => new Set(),
    change: (state, key, value) => {
      if (key === 0) state.clear();
      else if (value === null) state.delete(`${key} ${TEXT}`);
      else state.add(`${key} ${TEXT}`);
    },
  }),
  shape<unknown[]>({
    name: 'an array of objects that are replaced',
    initialState: () => [],
    mutableLevels: 1,
    change: (state, key, value) => {
      if (key === 0) state.reverse();
      else if (value === null) state.splice(key, 1);
      else if (key < state.length) state[key] = value;
      else state.push(value);
    },
  }),
  shape<Record<string, unknown>>({
    name: 'a plain object whose fields are replaced',
    initialState: () => ({}),
    mutableLevels: 1,
    change: (state, key, value) => {
      if (value === null) delete state[`field ${key}`];
      else state[`field ${key}`] = value;
    },
  }),
  shape<{ changes: number; readonly even: Map<number, unknown>; readonly odd: Map<number, unknown> }>({
    name: 'an object of Maps',
    initialState: () => ({ changes: 0, even: new Map(), odd: new Map() }),
    mutableLevels: 2,
    change: (state, key, value) => {
      state.changes += 1;
      changeMap(key % 2 === 0 ? state.even : state.odd, key, value);
    },
  }),
  shape<Map<string, Map<number, unknown>>>({
    name: 'a Map of Maps',
    initialState: () => new Map(),
    mutableLevels: 2,
    change: (state, key, value) => {
      const group = `group ${key % 3}`;
      const known = state.get(group) ?? new Map();
      changeMap(known, key, value);
      if (known.size === 0) state.delete(group);
      else state.set(group, known);
    },
  }),
];

describe('a view of MemStateMachine shows the state as it was', () => {
  for (const { name, ...options } of SHAPES) {
    test(`of ${name}, whatever is applied while it is read`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: 90 }), changes, fc.integer({ min: 1, max: 30 }), checkView(options)),
        {
          numRuns: 40,
        },
      );
    });
  }
});

const number: fc.Arbitrary<number | null> = fc.option(fc.nat({ max: 9 }), { nil: null });
const changes: fc.Arbitrary<Change[]> = fc.array(fc.tuple(fc.nat({ max: 120 }), number), { maxLength: 200 });

/**
 * Fills a machine, and takes its snapshot while the changes are applied, some at every opportunity. Says only that the
 * outcome differs: to tell how large states differ takes longer than finding the smallest example.
 */
function checkView(shape: Omit<Shape, 'name'>): (keys: number, later: Change[], perTurn: number) => Promise<void> {
  return async (keys, later, perTurn) => {
    const left = later.map(([key, number], position) => put(keys + position + 1, key, makeValue(key, number)));
    const results: unknown[] = [];
    const applySome = () => {
      for (const entry of left.splice(0, perTurn)) results.push(machine.apply([entry]));
    };
    const machine = await filled(shape, keys, applySome);
    const before = ordered(structuredClone(machine.state));
    const view = await machine.snapshot();
    const chunks: Uint8Array[] = [];
    for await (const chunk of view.chunks()) {
      chunks.push(chunk);
      applySome();
    }
    await view.close();
    await Promise.all(results);

    const undisturbed = await (await filled(shape, keys)).snapshot();
    const expected = Buffer.concat(await collect(undisturbed));
    assert.ok(Buffer.concat(chunks).equals(expected), 'the bytes are not those of a snapshot that nothing disturbed');
    const copy = await filled(shape, 0);
    await restore(copy, view, chunks);
    assert.ok(isDeepStrictEqual(ordered(copy.state), before), 'the state that was restored is not the one of before');

    const twin = await filled(shape, keys);
    for (const [key, number] of later.slice(0, results.length)) shape.change(twin.state, key, makeValue(key, number));
    assert.ok(isDeepStrictEqual(ordered(machine.state), ordered(twin.state)), 'a request was lost or applied twice');
  };
}

async function filled(
  { initialState, mutableLevels, change }: Omit<Shape, 'name'>,
  keys: number,
  onTurn: () => void = () => undefined,
): Promise<MemStateMachine<unknown, Request, null>> {
  const options: Options<unknown> = {
    initialState,
    apply: (state, [key, value]) => {
      change(state, Number(key), value);
      return null;
    },
    timers: busyTimers(onTurn),
  };
  const machine = await open(mutableLevels === undefined ? options : { ...options, mutableLevels });
  for (let key = 1; key <= keys; key += 1) await machine.apply([put(key, key, makeValue(key, 0))]);
  return machine;
}

function makeValue(key: number, number: number | null): unknown {
  return number === null ? null : { number, text: `${key} ${TEXT}`, list: LIST };
}

function changeMap(state: Map<number, unknown>, key: number, value: unknown): void {
  if (key === 0) state.clear();
  else if (value === null) state.delete(key);
  else state.set(key, value);
}

/** As lists, because comparing does not look at the order of what is in a Map, a Set or an object. */
function ordered(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([key, item]) => [key, ordered(item)]);
  if (value instanceof Set) return [...value];
  if (Array.isArray(value)) return value.map(ordered);
  return typeof value === 'object' && value !== null ? Object.entries(value).map(ordered) : value;
}

/** Hides the type of the state, so that all shapes fit into one list. */
function shape<State>(
  given: Omit<Shape, 'change'> & {
    readonly initialState: () => State;
    change(state: State, key: number, value: unknown): void;
  },
): Shape {
  // A cast: the state is one that `initialState` made.
  return { ...given, change: (state, key, value) => given.change(state as State, key, value) };
}
