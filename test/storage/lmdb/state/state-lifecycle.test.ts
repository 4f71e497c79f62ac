import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import { collect } from '../../../support/collect.ts';
import {
  codec,
  entry,
  history,
  historyApplied,
  historyState,
  machineIn,
  makeDirectory,
  metaOf,
  openMachine,
  restore,
  stateOf,
  streamOf,
  take,
} from './state-kit.ts';

/** Larger than a frame of a snapshot, in many rows. */
function manyRows(index: number, count: number) {
  return entry(index, {
    set: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`row ${i}`, { i, index, text: 'x'.repeat(i % 99) }]),
    ),
  });
}

describe('snapshots of a state on disk', () => {
  test('have the same bytes on every node, however entries were grouped and when they were written', async (context) => {
    const machines = [await openMachine(context), await openMachine(context), await openMachine(context)];
    const sizes = [1, 7, 1000];
    for (const [i, machine] of machines.entries()) {
      for (let from = 1; from < 1001; from += sizes[i] ?? 1) {
        await machine.apply(history(from, Math.min(1001, from + (sizes[i] ?? 1))));
        if (i === 1 && from % 5 === 0) await (await machine.snapshot()).close();
      }
    }
    const restored = await openMachine(context);
    const [first, ...others] = await Promise.all(machines.map(take));
    assert.ok(first !== undefined);
    await restore(restored, first);
    const bytes = Buffer.concat(first.chunks);
    for (const other of [...others, await take(restored)]) {
      assert.deepEqual(other.meta, first.meta);
      assert.ok(Buffer.concat(other.chunks).equals(bytes));
    }
  });

  test('the format has not changed', async (context) => {
    const machine = await openMachine(context);
    await machine.apply([...history(1, 2), entry(2, { set: { a: 1, é: [true, null], b: new Uint8Array([7]) } })]);
    const { codecId, chunks } = await take(machine);
    assert.equal(codecId, 'zlayer-lmdb-state/1');
    assert.equal(Buffer.concat(chunks).toString('hex'), GOLDEN);
  });

  test('thousands of keys are equal after a restore, and the stream stays in chunks of bounded size', async (context) => {
    const [source, target] = [await openMachine(context), await openMachine(context)];
    await source.apply([manyRows(1, 20_000), entry(2, { set: { large: new Uint8Array(3_000_000).fill(7) } })]);
    const taken = await take(source);
    assert.ok(taken.chunks.length > 10);
    assert.ok(taken.chunks.every((chunk) => chunk.byteLength <= 256 * 1024));
    await restore(target, taken);
    assert.deepEqual(stateOf(target), stateOf(source));
    assert.equal(Object.keys(stateOf(target)).length, 20_001);
  });

  test('show what was applied before, while everything in them is changed', async (context) => {
    const [machine, target] = [await openMachine(context), await openMachine(context)];
    await machine.apply([manyRows(1, 5000)]);
    const before = stateOf(machine);
    const view = await machine.snapshot();
    const chunks: Uint8Array[] = [];
    let index = 1;
    for await (const chunk of view.chunks()) {
      chunks.push(chunk);
      index += 1;
      await machine.apply([manyRows(index, 5000)]);
      await (await machine.snapshot()).close();
      assert.notDeepEqual(stateOf(machine), before);
    }
    assert.ok(index > 4, `${index} changes`);
    await restore(target, { meta: metaOf(view), codecId: view.codecId, chunks });
    assert.deepEqual(stateOf(target), before);
    assert.equal(target.applied().lastApplied.index, 1);
    await view.close();
  });

  test('let the event loop turn between their chunks', async (context) => {
    const machine = await openMachine(context);
    await machine.apply([manyRows(1, 5000)]);
    const view = await machine.snapshot();
    let turns = 0;
    let chunks = 0;
    const turn = (): void => {
      turns += 1;
      if (turns < 1000) setImmediate(turn);
    };
    setImmediate(turn);
    for await (const chunk of view.chunks()) chunks += chunk.byteLength > 0 ? 1 : 0;
    assert.ok(turns >= chunks - 3, `${turns} turns for ${chunks} chunks`);
    turns = 1000;
    await view.close();
  });

  test('are read once, and not when they are closed', async (context) => {
    const machine = await openMachine(context);
    await machine.apply(history(1, 51));
    const view = await machine.snapshot();
    await collect(view.chunks());
    await assert.rejects(collect(view.chunks()), { code: 'SNAPSHOT', message: /only once/ });
    await view.close();
    await view.close();
    const closed = await machine.snapshot();
    await closed.close();
    await assert.rejects(collect(closed.chunks()), { code: 'SNAPSHOT', message: /is closed/ });
  });
});

describe('a state on disk', () => {
  test('the format of its records has not changed', async (context) => {
    const directory = makeDirectory(context);
    const machine = await openMachine(context, directory);
    await machine.apply([...history(1, 2), entry(2, { set: { a: 1, b: new Uint8Array([7]) } })]);
    await machine.close();
    const path = join(directory, 'state-1');
    const root = open<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false });
    const records = [...root.getRange({ start: Buffer.from([0]) })].map(({ key, value }) => [hex(key), hex(value)]);
    await root.close();
    assert.deepEqual(records, GOLDEN_RECORDS);
  });

  test('an exception leaves nothing of its call behind, in memory or on the disk', async (context) => {
    const directory = makeDirectory(context);
    const machine = await openMachine(context, directory);
    await machine.apply(history(1, 101));
    const bad = [
      entry(101, { set: { new: 1 } }),
      entry(102, { remove: ['key 7'] }),
      entry(103, { set: { bad: 1 }, remove: ['x'.repeat(2000)] }),
    ];
    await assert.rejects(async () => machine.apply(bad), RangeError);
    assert.deepEqual(stateOf(machine), historyState(100));
    assert.deepEqual(machine.applied(), historyApplied(100));
    await assert.rejects(async () => machine.apply(history(101, 102)), {
      code: 'STORAGE',
      message: /failed at the entry/,
    });
    await assert.rejects(machine.snapshot(), { code: 'STORAGE', message: /failed at the entry/ });
    await machine.close();
    const again = await openMachine(context, directory);
    assert.deepEqual(stateOf(again), historyState(100));
    assert.deepEqual(again.applied(), historyApplied(100));
  });

  test('entries that do not follow are refused', async (context) => {
    for (const index of [5, 7]) {
      const machine = await openMachine(context);
      await machine.apply(history(1, 6));
      await assert.rejects(async () => machine.apply([entry(index, {})]), {
        code: 'STORAGE',
        message: /does not follow/,
      });
    }
  });

  test('applies that have to wait for the disk take effect in the order of the calls', async (context) => {
    const machine = await openMachine(context);
    const applies: (readonly unknown[] | Promise<readonly unknown[]>)[] = [];
    const finished: number[] = [];
    for (let index = 1; index <= 30; index++) {
      const keys = Array.from({ length: 1000 }, (_, i) => [`row ${index} ${i}`, index]);
      const result = machine.apply([entry(index, { set: { ...Object.fromEntries(keys), last: index } })]);
      applies.push(result instanceof Promise ? result.finally(() => finished.push(index)) : result);
    }
    assert.equal(stateOf(machine)['last'], machine.applied().lastApplied.index);
    for (const result of applies) assert.deepEqual(await result, [1001]);
    assert.ok(finished.length > 0, 'no apply had to wait');
    assert.deepEqual(
      finished,
      finished.toSorted((a, b) => a - b),
    );
    assert.equal(stateOf(machine)['last'], 30);
    assert.equal(Object.keys(stateOf(machine)).length, 30_001);
  });

  test('blank and membership entries alone are brought to the disk', async (context) => {
    const directory = makeDirectory(context);
    const machine = await openMachine(context, directory);
    await machine.apply(history(1, 2));
    await (await machine.snapshot()).close();
    await machine.close();
    const again = machineIn(directory);
    assert.deepEqual(await again.open(codec), historyApplied(1));
    await again.close();
  });

  test('views of the old state outlast a restore, and it is removed when they are closed', async (context) => {
    const directory = makeDirectory(context);
    const [source, machine] = [await openMachine(context), await openMachine(context, directory)];
    await source.apply(history(1, 101));
    await machine.apply([manyRows(1, 3000)]);
    const old = await take(machine);
    const view = await machine.snapshot();
    await restore(machine, await take(source));
    assert.deepEqual(stateOf(machine), historyState(100));
    assert.deepEqual(await collect(view.chunks()), old.chunks);
    assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'state-1', 'state-2']);
    await view.close();
    await machine.apply(history(101, 103));
    await machine.close();
    assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'state-2']);
  });

  test('reads and applies go on while a snapshot is restored, which then replaces them', async (context) => {
    const [source, machine] = [await openMachine(context), await openMachine(context)];
    await source.apply(history(1, 1001));
    await machine.apply(history(1, 11));
    const { meta, codecId, chunks } = await take(source);
    let index = 10;
    async function* stream(): AsyncGenerator<Uint8Array, void> {
      for (const chunk of chunks) {
        index += 1;
        await machine.apply(history(index, index + 1));
        assert.deepEqual(stateOf(machine), historyState(index));
        yield chunk;
      }
      await assert.rejects(machine.restore(meta, codecId, streamOf(chunks)), { code: 'STORAGE', message: /another/ });
    }
    await machine.restore(meta, codecId, stream());
    assert.ok(index > 12);
    assert.deepEqual(stateOf(machine), historyState(1000));
    assert.deepEqual(machine.applied(), historyApplied(1000));
  });

  test('a restore heals a machine whose apply has failed', async (context) => {
    const [source, machine] = [await openMachine(context), await openMachine(context)];
    await source.apply(history(1, 11));
    await assert.rejects(async () => machine.apply([entry(5, {})]));
    await restore(machine, await take(source));
    await machine.apply(history(11, 21));
    assert.deepEqual(stateOf(machine), historyState(20));
  });

  test('closing ends views, waiting applies and a restore, and leaves what was applied', async (context) => {
    const directory = makeDirectory(context);
    const [source, machine] = [await openMachine(context), await openMachine(context, directory)];
    await source.apply([manyRows(1, 20_000)]);
    await machine.apply(history(1, 101));
    const { meta, codecId, chunks } = await take(source);
    const view = await machine.snapshot();
    const reading = view.chunks()[Symbol.asyncIterator]();
    await reading.next();
    let closing: Promise<void> | null = null;
    async function* stream(): AsyncGenerator<Uint8Array, void> {
      for (const [i, chunk] of chunks.entries()) {
        if (i === 3) closing = machine.close();
        yield chunk;
      }
    }
    await assert.rejects(machine.restore(meta, codecId, stream()), { code: 'STORAGE', message: /is not open/ });
    assert.ok(closing !== null);
    await closing;
    await assert.rejects(async () => reading.next(), { code: 'SNAPSHOT', message: /is closed/ });
    await view.close();
    assert.throws(() => stateOf(machine), { code: 'STORAGE', message: /is not open/ });
    assert.deepEqual(machine.applied(), historyApplied(100));
    assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'state-1']);
    assert.deepEqual(await machine.open(codec), historyApplied(100));
    assert.deepEqual(stateOf(machine), historyState(100));
  });

  test('closing a machine that is being opened, or never was, is safe', async (context) => {
    const directory = makeDirectory(context);
    const machine = machineIn(directory);
    await machine.close();
    const opening = machine.open(codec);
    await machine.close();
    await opening;
    assert.throws(() => stateOf(machine), { code: 'STORAGE' });
    assert.equal((await machine.open(codec)).lastApplied.index, 0);
    await machine.close();
  });
});

/** See the layout in `snapshot-format`. */
const GOLDEN = [
  // Header: frame, then the applied state.
  '99000000d328ddff',
  '0194000000dfb79751090101000000000000000200000000000000ea0300000000000001000000000000000100000000000000010200000001',
  '000000000000000200000000000000000200000001000000000000000a00000031302e302e302e313a31010a000000696e7374616e63652d31',
  '0002000000000000000a00000031302e302e302e313a32010a000000696e7374616e63652d3200',
  // Rows: 'a', 'b' and 'é' of the table 'pairs'.
  '440000008738cc0302',
  '0a00000002706169727300046100',
  '020000000101',
  '0a00000002706169727300046200',
  '0600000001c702740107',
  '0b0000000270616972730004c3a900',
  '040000000192c3c0',
  // The end: three rows.
  '09000000882f0b51030300000000000000',
].join('');

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** See `state-environment`, `state-key`, `state-row` and `applied-state-bytes`. */
const GOLDEN_RECORDS: readonly (readonly [string, string])[] = [
  [
    '01',
    'dfb79751090101000000000000000200000000000000ea03000000000000010000000000000001000000000000000102000000010000000000' +
      '00000200000000000000000200000001000000000000000a00000031302e302e302e313a31010a000000696e7374616e63652d3100020000' +
      '00000000000a00000031302e302e302e313a32010a000000696e7374616e63652d3200',
  ],
  ['02706169727300046100', '01019839da8c'],
  ['02706169727300046200', '01c702740107ab9c877b'],
];
