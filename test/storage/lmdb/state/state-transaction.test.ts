import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { msgpackCodec } from '../../../../src/codec/msgpack-codec.ts';
import { normalEntry } from '../../../../src/core/entry.ts';
import { logId } from '../../../../src/core/ids.ts';
import { LmdbStateMachine } from '../../../../src/storage/lmdb/state/lmdb-state-machine.ts';
import type {
  StateReadTransaction,
  StateTable,
  StateTransaction,
} from '../../../../src/storage/lmdb/state/state-transaction.ts';
import { makeDirectory } from './state-kit.ts';

type Key = number | string | readonly (string | number)[];

interface Op {
  readonly type: 'put' | 'remove' | 'get' | 'range' | 'start-write';
  readonly key: Key;
  readonly value: number;
  readonly range: {
    readonly from?: Key;
    readonly to?: Key;
    readonly prefix?: string | readonly (string | number)[];
    readonly reverse?: boolean;
    readonly limit?: number;
  };
}

/** In the order that ranges have. */
const sorted: readonly Key[] = [-3, 0, 1, 2.5, 'a', 'ab', 'b', 'ba', 'é', ['a'], ['a', 1], ['a', 'b'], ['b', 2]];
const keys = fc.constantFrom(...sorted);
const ranges = fc.oneof(
  fc.record({ from: keys, to: keys, reverse: fc.boolean(), limit: fc.nat(6) }, { requiredKeys: [] }),
  fc.record(
    { prefix: fc.constantFrom('a', 'b', '', ['a'], []), reverse: fc.boolean(), limit: fc.nat(3) },
    { requiredKeys: ['prefix'] },
  ),
);
const ops: fc.Arbitrary<Op> = fc.record({
  type: fc.constantFrom('put', 'put', 'put', 'remove', 'get', 'range', 'range', 'start-write'),
  key: keys,
  value: fc.nat(),
  range: ranges,
});

/** A machine whose apply is whatever the test says at the time. */
class Lab {
  readonly machine: LmdbStateMachine<null, unknown>;
  #work: (transaction: StateTransaction) => unknown = () => null;
  #index = 0;

  constructor(directory: string) {
    this.machine = new LmdbStateMachine({ directory, apply: (transaction) => this.#work(transaction) });
  }

  async apply<T>(work: (transaction: StateTransaction) => T): Promise<T> {
    this.#work = work;
    this.#index += 1;
    const payload = msgpackCodec<null, unknown>().encodeRequest(null);
    const [response] = await this.machine.apply([normalEntry(logId(1, this.#index), 1, payload)]);
    return response as T;
  }

  async writeToDisk(): Promise<void> {
    await (await this.machine.snapshot()).close();
  }
}

async function openLab(context: Parameters<typeof makeDirectory>[0]): Promise<Lab> {
  const lab = new Lab(makeDirectory(context));
  await lab.machine.open(msgpackCodec());
  context.after(() => lab.machine.close());
  return lab;
}

/** What the type hides: a read transaction has nothing to write with. */
function asWriter(transaction: StateReadTransaction): StateTable<string, number> {
  return (transaction as StateTransaction).table('t');
}

describe('transactions of a state on disk', () => {
  test('show the same whatever is in memory, on its way, or on the disk', async (context) => {
    const [inMemory, onDisk] = [await openLab(context), await openLab(context)];
    const writes: Promise<void>[] = [];
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(ops, { maxLength: 12 }), { maxLength: 8 }), async (batches) => {
        runs += 1;
        const name = `run ${runs}`;
        const model = new Model();
        for (const batch of batches) {
          const work = (transaction: StateTransaction): unknown[] => runOps(transaction.table(name), batch);
          const expected = batch.flatMap((op) => model.run(op));
          assert.deepEqual(await inMemory.apply(work), expected);
          assert.deepEqual(await onDisk.apply(work), expected);
          await onDisk.writeToDisk();
          if (batch.some(({ type }) => type === 'start-write')) writes.push(inMemory.writeToDisk());
        }
        const everything = (transaction: StateReadTransaction): unknown => [...transaction.table(name).range()];
        assert.deepEqual(inMemory.machine.read(everything), model.rows());
        assert.deepEqual(onDisk.machine.read(everything), model.rows());
      }),
      { numRuns: 100 },
    );
    await Promise.all(writes);
  });

  test('a range shows the state at the time of its call, and may be changed while it is read', async (context) => {
    const lab = await openLab(context);
    await lab.apply((transaction) => {
      const table = transaction.table<number, string>('t');
      for (let i = 0; i < 10; i++) table.put(i, 'old');
    });
    await lab.writeToDisk();
    await lab.apply((transaction) => transaction.table<number, string>('t').put(20, 'in memory'));
    const seen = await lab.apply((transaction) => {
      const table = transaction.table<number, string>('t');
      table.put(30, 'own');
      const keys: number[] = [];
      for (const [key] of table.range()) {
        keys.push(key);
        table.remove(key);
        table.put(key + 100, 'new');
      }
      return keys;
    });
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 30]);
    const left = lab.machine.read((transaction) =>
      [...transaction.table<number, string>('t').range()].map(([key]) => key),
    );
    assert.deepEqual(
      left,
      seen.map((key) => key + 100),
    );
  });

  test('values are copies, on their way in and out', async (context) => {
    const lab = await openLab(context);
    await lab.apply((transaction) => {
      const table = transaction.table<string, { bytes: Uint8Array; list: number[] }>('t');
      const value = { bytes: new Uint8Array([1, 2]), list: [1] };
      table.put('a', value);
      value.bytes[0] = 9;
      value.list.push(9);
      const read = table.get('a');
      if (read !== undefined) read.bytes[1] = 9;
    });
    const read = () => lab.machine.read((transaction) => transaction.table('t').get('a'));
    assert.deepEqual(read(), { bytes: new Uint8Array([1, 2]), list: [1] });
    await lab.writeToDisk();
    assert.deepEqual(read(), { bytes: new Uint8Array([1, 2]), list: [1] });
  });

  test('values of all sizes come back from memory and from the disk', async (context) => {
    const lab = await openLab(context);
    const sizes = [0, 1, 1000, 4000, 5000, 65_536, 1_000_000, 20_000_000];
    await lab.apply((transaction) => {
      const table = transaction.table<number, Uint8Array>('t');
      for (const size of sizes) table.put(size, new Uint8Array(size).fill(size));
    });
    for (const check of ['in memory', 'on the disk']) {
      lab.machine.read((transaction) => {
        for (const [size, value] of transaction.table<number, Uint8Array>('t').range()) {
          assert.deepEqual([value.length, value[0], value.at(-1)], ends(size), check);
        }
      });
      await lab.writeToDisk();
    }
  });

  test('a transaction can not be used once the apply has returned', async (context) => {
    const lab = await openLab(context);
    const kept = await lab.apply((transaction) => {
      const table = transaction.table<string, number>('t');
      table.put('a', 1);
      table.put('b', 2);
      const half = table.range();
      half.next();
      return { use: () => transaction.table('t'), table, half };
    });
    for (const use of [
      kept.use,
      () => kept.table.get('a'),
      () => kept.table.has('a'),
      () => kept.table.put('a', 2),
      () => kept.table.remove('a'),
      () => kept.table.range(),
      () => kept.half.next(),
    ]) {
      assert.throws(use, { name: 'TypeError', message: /the transaction is over/ });
    }
    const rows = lab.machine.read((transaction) => [...transaction.table('t').range()]);
    assert.deepEqual(rows, [
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('a read can not write, nor be used afterwards, nor wait', async (context) => {
    const lab = await openLab(context);
    assert.throws(() => lab.machine.read((transaction) => asWriter(transaction).put('a', 1)), TypeError);
    assert.throws(() => lab.machine.read((transaction) => asWriter(transaction).remove('a')), TypeError);
    const kept = lab.machine.read((transaction) => transaction.table<string, number>('t'));
    assert.throws(() => kept.get('a'), { name: 'TypeError', message: /the transaction is over/ });
    assert.throws(() => lab.machine.read(async () => 1), { name: 'TypeError', message: /synchronous/ });
    assert.throws(
      () =>
        lab.machine.read(() => {
          throw new RangeError('mine');
        }),
      RangeError,
    );
  });

  test('a read inside an apply is refused, because it would show what is not the same on every node', async (context) => {
    const lab = await openLab(context);
    await assert.rejects(
      lab.apply(() => lab.machine.read(() => 1)),
      { name: 'TypeError', message: /use the transaction of the apply/ },
    );
  });

  test('what can not be stored is refused', async (context) => {
    for (const value of [undefined, () => 1, Symbol('a'), { a: () => 1 }, new (class Own {})()]) {
      const lab = await openLab(context);
      await assert.rejects(lab.apply((transaction) => transaction.table<string, unknown>('t').put('a', value)));
      assert.equal(
        lab.machine.read((transaction) => transaction.table('t').has('a')),
        false,
      );
    }
    const lab = await openLab(context);
    assert.throws(() => lab.machine.read((transaction) => transaction.table('t').range({ limit: -1 })), RangeError);
    assert.throws(
      () => lab.machine.read((transaction) => transaction.table('t').range({ limit: Number.NaN })),
      RangeError,
    );
  });

  test('an apply that returns a promise is refused', async (context) => {
    const lab = await openLab(context);
    await assert.rejects(
      lab.apply(() => Promise.resolve(1)),
      { name: 'TypeError', message: /must be synchronous/ },
    );
  });
});

function runOps(table: StateTable<Key, number>, batch: readonly Op[]): unknown[] {
  const results: unknown[] = [];
  for (const { type, key, value, range } of batch) {
    if (type === 'put') table.put(key, value);
    if (type === 'remove') table.remove(key);
    if (type === 'get') results.push([table.get(key) ?? null, table.has(key)]);
    if (type === 'range') results.push([...table.range(range)]);
  }
  return results;
}

class Model {
  readonly #values = new Map<string, number>();

  run({ type, key, value, range }: Op): unknown[] {
    const id = JSON.stringify(key);
    if (type === 'put') this.#values.set(id, value);
    if (type === 'remove') this.#values.delete(id);
    if (type === 'get') return [[this.#values.get(id) ?? null, this.#values.has(id)]];
    if (type !== 'range') return [];
    const { from, to, prefix, reverse = false, limit } = range;
    let rows = this.rows().filter(([row]) => {
      if (prefix !== undefined) return hasPrefix(row, prefix);
      return (from === undefined || placeOf(row) >= placeOf(from)) && (to === undefined || placeOf(row) < placeOf(to));
    });
    if (reverse) rows = rows.reverse();
    return [rows.slice(0, limit)];
  }

  rows(): [Key, number][] {
    return sorted.flatMap((key) => {
      const value = this.#values.get(JSON.stringify(key));
      return value === undefined ? [] : [[key, value] as [Key, number]];
    });
  }
}

function placeOf(key: Key): number {
  return sorted.findIndex((each) => JSON.stringify(each) === JSON.stringify(key));
}

function hasPrefix(key: Key, prefix: string | readonly (string | number)[]): boolean {
  if (typeof prefix === 'string') return typeof key === 'string' && key.startsWith(prefix);
  return typeof key === 'object' && prefix.every((part, i) => key[i] === part);
}

function ends(size: number): unknown[] {
  return size === 0 ? [0, undefined, undefined] : [size, size & 0xff, size & 0xff];
}
