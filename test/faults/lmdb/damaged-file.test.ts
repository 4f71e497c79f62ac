import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { countFlips, runBitFlips } from './bit-flips.ts';
import { faultEntries, LOG_OPTIONS, readAndCompare } from './log-process.ts';
import { temporaryDirectory } from './run-log-process.ts';

const PAGE_BYTES = 4096;

async function newLog(t: TestContext): Promise<{ directory: string; path: string; bytes: Buffer }> {
  const directory = join(temporaryDirectory(t), 'log');
  const store = new LmdbLogStore({ directory });
  await store.open(LOG_OPTIONS);
  for (let index = 1; index <= 20; index += 1) await store.append(faultEntries(index, index + 1));
  await store.close();
  const path = join(directory, 'data.mdb');
  return { directory, path, bytes: readFileSync(path) };
}

/** How many entries there are, all of them as they were written. */
async function readLog(directory: string): Promise<number> {
  const store = new LmdbLogStore({ directory });
  try {
    await store.open(LOG_OPTIONS);
    return await readAndCompare(store);
  } finally {
    await store.close();
  }
}

/** LMDB must not get to see such a file: this process might not survive it. */
async function assertCorruption(directory: string, problem: RegExp): Promise<void> {
  await assert.rejects(readLog(directory), (error: Error & { code: string }) => {
    assert.equal(error.code, 'CORRUPTION', error.message);
    assert.ok(error.message.includes(join(directory, 'data.mdb')), error.message);
    assert.match(error.message, problem);
    assert.match(error.message, /restore this node from a backup, or remove it from the cluster and add it as new/);
    return true;
  });
}

const NO_DATABASE = /the pages that tell its newest state are not those of an LMDB database/;

const DAMAGES: Readonly<Record<string, { damage(file: Buffer): Buffer | null; problem: RegExp }>> = {
  'is gone': { damage: () => null, problem: /it is gone/ },
  'is empty': { damage: () => Buffer.alloc(0), problem: /it is empty/ },
  'holds text': { damage: () => Buffer.from('this is no database'.repeat(1000)), problem: NO_DATABASE },
  'holds zeros': { damage: (file) => Buffer.alloc(file.byteLength), problem: NO_DATABASE },
  'lost its last pages': { damage: (file) => file.subarray(0, 2 * PAGE_BYTES + 1), problem: /its end is missing/ },
  'lost all but its first page': { damage: (file) => file.subarray(0, PAGE_BYTES), problem: NO_DATABASE },
  'has a damaged first meta page': { damage: (file) => filled(file, 0, 200), problem: NO_DATABASE },
  'has a damaged second meta page': { damage: (file) => filled(file, PAGE_BYTES, 200), problem: NO_DATABASE },
  'has two damaged meta pages': {
    damage: (file) => filled(filled(file, 0, 200), PAGE_BYTES, 200),
    problem: NO_DATABASE,
  },
  'has keys out of order': { damage: withKeysOutOfOrder, problem: /page \d+ makes no sense/ },
  'has an older meta page in the place of the newest': {
    damage: (file) => withOlderMeta(file),
    problem: NO_DATABASE,
  },
};

/** The first key of every leaf of the log is behind all others of its page. */
function withKeysOutOfOrder(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  for (let page = 2 * PAGE_BYTES; page < file.byteLength; page += PAGE_BYTES) {
    const isLeaf = file.readBigUInt64LE(page) === BigInt(page / PAGE_BYTES) && file.readUInt16LE(page + 18) === 2;
    const hasTwoNodes = isLeaf && file.readUInt16LE(page + 20) >= 4;
    if (!hasTwoNodes) continue;
    const node = page + 24 + file.readUInt16LE(page + 24);
    if (file.readUInt16LE(node + 6) === 8) changed[node + 8] = 0xff;
  }
  return changed;
}

function filled(file: Buffer, start: number, length: number): Buffer {
  return Buffer.from(file).fill(0xa5, start, start + length);
}

/** Two writes of that page are lost: its number does not follow that of the other. */
function withOlderMeta(file: Buffer): Buffer {
  const older = Buffer.from(file);
  const [even, odd] = [0, PAGE_BYTES].map((start) => older.readBigUInt64LE(start + 152));
  const newest = (even ?? 0n) > (odd ?? 0n) ? 0 : PAGE_BYTES;
  older.writeBigUInt64LE(older.readBigUInt64LE(newest + 152) - 4n, newest + 152);
  return older;
}

for (const [what, { damage, problem }] of Object.entries(DAMAGES)) {
  test(`a log whose file ${what} is refused, and nothing is made in its place`, async (t) => {
    const { directory, path, bytes } = await newLog(t);
    const damaged = damage(bytes);
    if (damaged === null) rmSync(path);
    else writeFileSync(path, damaged);
    await assertCorruption(directory, problem);
    if (damaged !== null) assert.equal(Buffer.compare(readFileSync(path), damaged), 0, 'the file was changed');
    writeFileSync(path, bytes);
    assert.equal(await readLog(directory), 20);
  });
}

test('a log of a newer format is refused', async (t) => {
  const { directory } = await newLog(t);
  writeFileSync(join(directory, 'FORMAT'), 'zlayer-consensus log 2\n');
  await assert.rejects(readLog(directory), {
    code: 'STORAGE',
    message: `${directory} has the format 'zlayer-consensus log 2': this release reads only 'zlayer-consensus log 1'`,
  });
});

test('a log that a crash left without its mark gets it, and one with half a mark too', async (t) => {
  const { directory } = await newLog(t);
  const mark = readFileSync(join(directory, 'FORMAT'));
  for (const left of [null, '', 'zlay']) {
    if (left === null) rmSync(join(directory, 'FORMAT'));
    else writeFileSync(join(directory, 'FORMAT'), left);
    assert.equal(await readLog(directory), 20);
    assert.deepEqual(readFileSync(join(directory, 'FORMAT')), mark);
  }
});

test('a directory in which a crash ended the making of a log is taken as new', async (t) => {
  const place = temporaryDirectory(t);
  for (const names of [['LOCK'], ['LOCK', 'lock.mdb'], ['LOCK', 'lock.mdb', 'data.mdb']]) {
    const directory = join(place, String(names.length));
    mkdirSync(directory);
    for (const name of names) writeFileSync(join(directory, name), '');
    assert.equal(await readLog(directory), 0);
  }
});

test('a flipped bit in the file is noticed or does no harm; the process lives', async (t) => {
  const flips = await runBitFlips(50, 3);
  t.diagnostic([...countFlips(flips)].map(([name, count]) => `${count} ${name}`).join(', '));
  assert.equal(flips.length, 150);
  assert.deepEqual(
    flips.filter(({ result }) => result !== 'harmless' && result !== 'detected'),
    [],
  );
  assert.ok(flips.some(({ result }) => result === 'detected'));
});
