import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import { EMPTY_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import { ConsensusError } from '../../../src/errors.ts';
import type { Codec } from '../../../src/ports/codec.ts';
import type { ApplyContext, MemStateMachineOptions } from '../../../src/storage/memory/index.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { stateMachineSuite } from '../../../src/testing/conformance/state-machine-suite.ts';

interface Put {
  readonly key: string;
  readonly value: number;
}

/** Runs the conformance suite for one kind of state; `put` changes it and returns what was there before. */
function conforms<State>(
  name: string,
  options: Omit<MemStateMachineOptions<State, Put, number | null>, 'apply'>,
  put: (state: State, request: Put) => number | null,
): void {
  const create = () => {
    const machine = new MemStateMachine<State, Put, number | null>({
      ...options,
      apply: (state, request) => {
        if (request.key === 'fail') throw new Error('a request that fails');
        return put(state, request);
      },
    });
    return { make: () => machine, readState: () => machine.state };
  };
  const suite = stateMachineSuite<Put, number | null>({
    create,
    codec: msgpackCodec(),
    makeRequest: (number) => ({ key: `key ${number % 7000}`, value: number }),
    makeFailingRequest: () => ({ key: 'fail', value: 0 }),
    persistent: false,
  });
  describe(`MemStateMachine with ${name}`, () => runSuite(suite, test));
}

conforms<Map<string, number>>('a Map', { initialState: () => new Map() }, putInMap);

conforms<Set<string>>('a Set', { initialState: () => new Set() }, (state, { key, value }) => {
  const before = state.size;
  state.add(`${key} ${value}`);
  return before;
});

conforms<{ count: number; readonly byKey: Record<string, number> }>(
  'a plain object',
  { initialState: () => ({ count: 0, byKey: {} }) },
  (state, { key, value }) => {
    const before = state.byKey[key] ?? null;
    state.byKey[key] = value;
    state.count += 1;
    return before;
  },
);

interface Stored {
  readonly value: number;
}

conforms<Map<string, Stored>>('a Map of objects', { initialState: () => new Map() }, putObject);

conforms<Map<string, Stored>>(
  'a Map of objects that are replaced',
  { initialState: () => new Map(), mutableLevels: 1 },
  putObject,
);

conforms<{ count: number; readonly byKey: Map<string, Stored>; readonly keys: string[] }>(
  'an object of containers whose values are replaced',
  { initialState: () => ({ count: 0, byKey: new Map(), keys: [] }), mutableLevels: 2 },
  (state, request) => {
    state.count += 1;
    state.keys.push(request.key);
    return putObject(state.byKey, request);
  },
);

conforms<Map<string, number>>(
  'hooks of its own',
  {
    initialState: () => new Map(),
    *snapshot(state) {
      yield { entries: state.size };
      yield* state;
    },
    restore: restoreMap,
  },
  putInMap,
);

conforms<Map<string, number>>(
  'hooks that take a copy',
  {
    initialState: () => new Map(),
    snapshot: (state) => [...state],
    isSnapshotDetached: true,
    restore: restoreMap,
  },
  putInMap,
);

describe('MemStateMachine', () => {
  test('applies at once and returns a plain array', async () => {
    const machine = await openMachine(putInMap);
    assert.deepEqual(machine.apply([put(1, 'a', 1), blankEntry(logId(1, 2), 0), put(3, 'a', 2)]), [null, undefined, 1]);
    assert.deepEqual([...machine.state], [['a', 2]]);
  });

  test('BUG-24 an apply learns which entry it is for and when that was appended', async () => {
    const seen: ApplyContext[] = [];
    const machine = await openMachine((_state, _request, context) => seen.push(context));
    await machine.apply([
      blankEntry(logId(3, 1), 5),
      normalEntry(logId(3, 2), 17, codec.encodeRequest({ key: '', value: 0 })),
    ]);
    assert.deepEqual(seen, [{ logId: logId(3, 2), timeMs: 17 }]);
  });

  test('BUG-24 blank and membership entries reach no apply and have no response', async () => {
    const machine = await openMachine(() => assert.fail('called'));
    const entries = [blankEntry(logId(1, 1), 0), membershipEntry(logId(1, 2), 0, EMPTY_MEMBERSHIP)];
    assert.deepEqual(machine.apply(entries), [undefined, undefined]);
  });

  test('BUG-3 a request that cannot be decoded is an error, not a default', async () => {
    const machine = await openMachine(putInMap);
    const damaged = normalEntry(logId(1, 2), 0, new Uint8Array([0xc1, 0xff]));
    assert.throws(() => machine.apply([put(1, 'a', 1), damaged]), { code: 'SERIALIZATION' });
    assert.deepEqual([...machine.state], [['a', 1]]);
    assert.deepEqual(machine.applied().lastApplied, logId(1, 1));
  });

  test('BUG-3 whatever a codec throws becomes a SerializationError that names the entry', async () => {
    const broken: Codec<Put, unknown> = {
      ...codec,
      decodeRequest: () => {
        throw new RangeError('out of bounds');
      },
    };
    const machine = await openMachine(putInMap, broken);
    assert.throws(() => machine.apply([put(1, 'a', 1)]), { code: 'SERIALIZATION', message: /1:1/ });
  });

  test('BUG-19 the last applied entry is set after its apply ran, not before', async () => {
    const machine: MemStateMachine<Map<string, number>, Put, unknown> = await openMachine(
      () => machine.applied().lastApplied.index,
    );
    assert.deepEqual(machine.apply([put(1, 'a', 1), put(2, 'b', 2), put(3, 'c', 3)]), [0, 1, 2]);
  });

  test('BUG-19 an apply that throws leaves what was applied before it, and nothing can be applied any more', async () => {
    const failure = new Error('out of stock');
    const machine = await openMachine((state, request) => {
      if (request.key === 'bad') throw failure;
      return putInMap(state, request);
    });
    assert.throws(
      () => machine.apply([put(1, 'a', 1), put(2, 'bad', 2), put(3, 'c', 3)]),
      (error) => error === failure,
    );
    assert.deepEqual(machine.applied().lastApplied, logId(1, 1));
    for (const call of [async () => machine.apply([put(2, 'b', 2)]), () => machine.snapshot()]) {
      await assert.rejects(call, { code: 'STORAGE', cause: failure });
    }
  });

  test('refuses an apply that returns a promise', async () => {
    const machine = await openMachine(async () => 1);
    assert.throws(() => machine.apply([put(1, 'a', 1)]), TypeError);
    assert.equal(machine.applied().lastApplied.index, 0);
  });

  test('refuses an entry that does not follow the last applied one', async () => {
    for (const index of [1, 2, 4]) {
      const machine = await openMachine(putInMap);
      await machine.apply([put(1, 'a', 1), put(2, 'b', 2)]);
      assert.throws(() => machine.apply([put(index, 'c', 3)]), { code: 'STORAGE' });
      assert.equal(machine.state.size, 2);
    }
  });

  test('starts from the initial state whenever it is opened', async () => {
    const machine = await openMachine(putInMap);
    await machine.apply([put(1, 'a', 1)]);
    await assert.rejects(() => machine.open(codec), { code: 'STORAGE' });
    await machine.close();
    assert.equal((await machine.open(codec)).lastApplied.index, 0);
    assert.equal(machine.state.size, 0);
  });

  test('refuses a state that a snapshot would not bring back, and half of the hooks', () => {
    class Ledger {}
    const initialState = () => new Ledger();
    const apply = () => null;
    assert.throws(() => new MemStateMachine({ initialState, apply }), /Ledger/);
    assert.throws(() => new MemStateMachine({ initialState, apply, snapshot: () => [] }), TypeError);
    assert.throws(() => new MemStateMachine({ initialState, apply, restore: initialState }), TypeError);
    assert.ok(new MemStateMachine({ initialState, apply, snapshot: () => [], restore: initialState }));
  });

  test('errors are those of the library', async () => {
    const machine = await openMachine(putInMap);
    await machine.close();
    assert.throws(
      () => machine.apply([put(1, 'a', 1)]),
      (error) => ConsensusError.is(error),
    );
  });
});

const codec: Codec<Put, unknown> = msgpackCodec();

async function openMachine(
  apply: (state: Map<string, number>, request: Put, context: ApplyContext) => unknown,
  usedCodec: Codec<Put, unknown> = codec,
): Promise<MemStateMachine<Map<string, number>, Put, unknown>> {
  const machine = new MemStateMachine({ initialState: () => new Map<string, number>(), apply });
  await machine.open(usedCodec);
  return machine;
}

function put(index: number, key: string, value: number): Entry {
  return normalEntry(logId(1, index), 0, codec.encodeRequest({ key, value }));
}

function putInMap(state: Map<string, number>, { key, value }: Put): number | null {
  const before = state.get(key) ?? null;
  state.set(key, value);
  return before;
}

function putObject(state: Map<string, Stored>, { key, value }: Put): number | null {
  const before = state.get(key)?.value ?? null;
  state.set(key, { value });
  return before;
}

async function restoreMap(parts: AsyncIterable<unknown>): Promise<Map<string, number>> {
  const state = new Map<string, number>();
  for await (const part of parts) {
    if (Array.isArray(part)) state.set(part[0], part[1]);
  }
  return state;
}
