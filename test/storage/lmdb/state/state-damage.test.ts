import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import { SnapshotError } from '../../../../src/errors.ts';
import {
  codec,
  entry,
  history,
  historyState,
  machineIn,
  makeDirectory,
  openMachine,
  restore,
  stateOf,
  streamOf,
  take,
} from './state-kit.ts';

/** A directory with the state after 200 entries, closed. */
async function stored(context: TestContext): Promise<string> {
  const directory = makeDirectory(context);
  const machine = await openMachine(context, directory);
  await machine.apply(history(1, 201));
  await machine.close();
  return directory;
}

/** Changes a stored record behind the back of the state machine. */
async function tamper(directory: string, key: Buffer, change: (stored: Buffer) => Buffer | null): Promise<void> {
  const root = open<Buffer, Buffer>({
    path: join(directory, 'state-1'),
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  });
  const changed = change(root.getBinary(key) ?? Buffer.alloc(0));
  await (changed === null ? root.remove(key) : root.put(key, changed));
  await root.close();
}

const APPLIED_KEY = Buffer.from([1]);

describe('a damaged state on disk', () => {
  test('the record of what was applied is never replaced by a default', async (context) => {
    const changes: [string, (stored: Buffer) => Buffer | null][] = [
      ['missing', () => null],
      ['empty', () => Buffer.alloc(0)],
      ['cut short', (stored) => stored.subarray(0, -1)],
      ['longer', (stored) => Buffer.concat([stored, Buffer.from([0])])],
      ...Array.from({ length: 20 }, (_, i): [string, (stored: Buffer) => Buffer] => [
        `bit ${i} flipped`,
        (stored) => flipBit(stored, Math.floor((i * stored.length * 8) / 20)),
      ]),
    ];
    for (const [name, change] of changes) {
      const directory = await stored(context);
      await tamper(directory, APPLIED_KEY, change);
      const machine = machineIn(directory);
      await assert.rejects(machine.open(codec), { code: 'CORRUPTION', message: /record of what was applied/ }, name);
      // The directory is released, and nothing in it has changed.
      await assert.rejects(machineIn(directory).open(codec), { code: 'CORRUPTION' }, name);
    }
  });

  test('a row that the disk changed is refused by reads, applies and snapshots', async (context) => {
    const directory = await stored(context);
    const file = join(directory, 'state-1', 'data.mdb');
    const bytes = readFileSync(file);
    const [key] = Object.keys(historyState(200)).filter((name) => name !== 'key 0');
    assert.ok(key !== undefined);
    await tamper(directory, Buffer.from(`\x02pairs\0\x04${key}\0`, 'latin1'), (row) => flipBit(row, 40));
    assert.notDeepEqual(readFileSync(file), bytes);
    const machine = await openMachine(context, directory);
    const damaged = { code: 'CORRUPTION', message: new RegExp(`row .*${key}.* is damaged: the checksum is`) };
    assert.throws(() => machine.read((transaction) => transaction.table<string, unknown>('pairs').get(key)), damaged);
    assert.throws(() => stateOf(machine), damaged);
    await assert.rejects(take(machine), damaged);
    // What is not damaged is still there.
    assert.ok(machine.read((transaction) => transaction.table<string, unknown>('pairs').has('key 7')) !== undefined);
  });

  test('a file that is missing, empty, cut short or no database is refused, not replaced', async (context) => {
    const damages: [string, (file: string) => void][] = [
      ['missing', (file) => rmSync(file)],
      ['empty', (file) => truncateSync(file, 0)],
      ['cut short', (file) => truncateSync(file, statSync(file).size - 4096)],
      ['something else', (file) => writeFileSync(file, 'x'.repeat(20_000))],
    ];
    for (const [name, damage] of damages) {
      const directory = await stored(context);
      damage(join(directory, 'state-1', 'data.mdb'));
      await assert.rejects(machineIn(directory).open(codec), { code: 'CORRUPTION', message: /data\.mdb is / }, name);
      assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'state-1']);
    }
  });

  test('a directory that can not be used is refused with the reason', async (context) => {
    const directory = makeDirectory(context);
    writeFileSync(join(directory, 'file'), '');
    await assert.rejects(machineIn(join(directory, 'file', 'state')).open(codec), {
      code: 'STORAGE',
      message: /ENOTDIR/,
    });
  });

  test('a second state machine is kept out, and let in afterwards', async (context) => {
    const directory = makeDirectory(context);
    const machine = await openMachine(context, directory);
    const other = machineIn(directory);
    await assert.rejects(other.open(codec), { code: 'STORAGE', message: /is in use by another process/ });
    await assert.rejects(machine.open(codec), { code: 'STORAGE', message: /is open already/ });
    await machine.apply(history(1, 10));
    await machine.close();
    assert.equal((await other.open(codec)).lastApplied.index, 9);
    await other.close();
  });

  test('what a crash left behind is removed; what is not ours stays', async (context) => {
    const directory = await stored(context);
    for (const name of ['state-0', 'building-1', 'building-7', 'building-x', 'mine']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'building-7', 'data.mdb'), 'half of a state');
    const machine = await openMachine(context, directory);
    assert.deepEqual(stateOf(machine), historyState(200));
    assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'building-x', 'mine', 'state-1']);
  });
});

describe('a damaged snapshot of a state on disk', () => {
  test('is refused wherever the damage is, and the state stays', async (context) => {
    const [source, target] = [await openMachine(context), await openMachine(context)];
    await source.apply(history(1, 101));
    await target.apply(history(1, 51));
    const taken = await take(source);
    const bytes = Buffer.concat(taken.chunks);
    const damaged: [string, Uint8Array[]][] = [
      ['nothing', []],
      ['a byte too many', [bytes, new Uint8Array(1)]],
      ['twice', [bytes, bytes]],
      ['without its end', taken.chunks.slice(0, -1)],
      ['without rows', [...taken.chunks.slice(0, 1), ...taken.chunks.slice(-1)]],
      ['without its header', taken.chunks.slice(1)],
      ['rows twice', [...taken.chunks.slice(0, 2), ...taken.chunks.slice(1)]],
    ];
    for (let i = 0; i < 60; i++) {
      const bit = Math.floor((i * bytes.length * 8) / 60);
      damaged.push([`bit ${bit} flipped`, [flipBit(bytes, bit)]]);
    }
    for (const [name, chunks] of damaged) {
      await assert.rejects(
        restore(target, { ...taken, chunks }),
        (error) => error instanceof SnapshotError && /damaged/.test(error.message),
        name,
      );
    }
    assert.deepEqual(stateOf(target), historyState(50));
    await target.apply(history(51, 61));
    assert.deepEqual(stateOf(target), historyState(60));
    await restore(target, taken);
    assert.deepEqual(stateOf(target), historyState(100));
  });

  test('that of another position, time or membership is refused', async (context) => {
    const [source, target] = [await openMachine(context), await openMachine(context)];
    await source.apply(history(1, 101));
    const taken = await take(source);
    await source.apply(history(101, 152));
    const { meta } = await take(source);
    const { membership } = meta;
    for (const other of [
      { lastLogId: meta.lastLogId },
      { lastTimeMs: 7 },
      { membership },
      { membership: { ...taken.meta.membership, logId: meta.lastLogId } },
    ]) {
      await assert.rejects(
        target.restore({ ...taken.meta, ...other }, taken.codecId, streamOf(taken.chunks)),
        (error) => error instanceof SnapshotError && /not those of the snapshot at/.test(error.message),
      );
    }
    assert.deepEqual(stateOf(target), {});
  });

  test('a source that can not be read is told from a damaged one', async (context) => {
    const machine = await openMachine(context);
    async function* broken(): AsyncGenerator<Uint8Array, void> {
      yield new Uint8Array(3);
      throw new Error('the stream broke');
    }
    const meta = { id: 'a', lastLogId: { term: 1, index: 1 }, lastTimeMs: 0, membership: machine.applied().membership };
    await assert.rejects(machine.restore(meta, 'zlayer-lmdb-state/1', broken()), {
      code: 'SNAPSHOT',
      message: 'the snapshot could not be read',
      cause: new Error('the stream broke'),
    });
    await machine.apply([entry(1, { set: { a: 1 } })]);
    assert.deepEqual(stateOf(machine), { a: 1 });
  });
});

function flipBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}
