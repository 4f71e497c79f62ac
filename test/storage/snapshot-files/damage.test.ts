/** Snapshot files that are not what was written. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { CorruptionError } from '../../../src/errors.ts';
import type { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import { listSnapshotFiles, verifySnapshotFile } from '../../../src/storage/snapshot-files/index.ts';
import { CODEC_ID, collect, expectBytes, expectLatest } from '../../../src/testing/conformance/snapshot-store-world.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import {
  BLOCK_BYTES,
  complete,
  DIRECTORY,
  makeStore,
  namesIn,
  openStore,
  smallSample,
  writePart,
} from './snapshot-disk.ts';

const SAMPLE = smallSample(10);
const OLDER = smallSample(5);
const PATH = `${DIRECTORY}/0000000000000001.snapshot`;
const TRAILER_BYTES = 20;
const BLOCK_HEAD_BYTES = 16;

/** What a store made of the sample, and the bytes of its regions. */
const COMPLETE = await completeFile();
const HEADER_BYTES = COMPLETE.byteLength - TRAILER_BYTES - SAMPLE.bytes.byteLength - 5 * BLOCK_HEAD_BYTES;

describe('one flipped bit', () => {
  test('in the header or the trailer is found when the store is opened', async () => {
    for (const at of [...range(0, HEADER_BYTES), ...range(COMPLETE.byteLength - TRAILER_BYTES, COMPLETE.byteLength)]) {
      const fileSystem = await diskWith(flipped(at));
      const store = makeStore(fileSystem);
      assert.equal(await store.open(), null, `byte ${at}`);
      assert.equal(await store.latest(), null);
      const [damage] = store.damaged();
      assert.equal(damage?.place, `${PATH}.damaged`);
      assert.match(damage.problem, /snapshot file '.*1\.snapshot' is damaged at byte \d+: /);
      assert.deepEqual(namesIn(fileSystem), ['0000000000000001.snapshot.damaged']);
    }
  });

  test('in a block is found when it is read, and named by the byte where the block begins', async () => {
    for (const at of range(HEADER_BYTES, COMPLETE.byteLength - TRAILER_BYTES)) {
      const store = await openStore(await diskWith(flipped(at)));
      const blockAt =
        HEADER_BYTES +
        Math.floor((at - HEADER_BYTES) / (BLOCK_BYTES + BLOCK_HEAD_BYTES)) * (BLOCK_BYTES + BLOCK_HEAD_BYTES);
      await expectDamage(store, new RegExp(`^snapshot file '${PATH}' is damaged at byte ${blockAt}: `));
    }
  });

  test('is found by verifying, wherever it is', async () => {
    assert.equal((await verifySnapshotFile(PATH, await diskWith(COMPLETE))).problem, null);
    for (const at of range(0, COMPLETE.byteLength)) {
      const { problem, path } = await verifySnapshotFile(PATH, await diskWith(flipped(at)));
      assert.match(problem ?? 'none', /is damaged at byte \d+: /, `byte ${at}`);
      assert.equal(path, PATH);
    }
  });
});

describe('a file of another length', () => {
  test('is refused, however much of it is missing', async () => {
    for (const length of range(0, COMPLETE.byteLength)) {
      const store = makeStore(await diskWith(COMPLETE.slice(0, length)));
      assert.equal(await store.open(), null, `${length} bytes`);
      assert.match(store.damaged()[0]?.problem ?? '', /is damaged at byte \d+: /);
    }
  });

  test('is refused with bytes after its end', async () => {
    for (const tail of [new Uint8Array(1), new Uint8Array(5000), COMPLETE, COMPLETE.slice(-TRAILER_BYTES)]) {
      const store = makeStore(await diskWith(new Uint8Array(Buffer.concat([COMPLETE, tail]))));
      assert.equal(await store.open(), null, `${tail.byteLength} bytes more`);
    }
  });
});

describe('a block of another place', () => {
  test('in the same file is found', async () => {
    const bytes = COMPLETE.slice();
    bytes.copyWithin(blockAt(1), blockAt(2), blockAt(3));
    await expectDamage(
      await openStore(await diskWith(bytes)),
      /is damaged at byte \d+: the block is that of offset 1200/,
    );
  });

  test('in the file of another snapshot is found, also when it is sound there', async () => {
    const fileSystem = new MemFileSystem();
    await complete(await openStore(fileSystem), { ...SAMPLE, meta: smallSample(11).meta });
    const other = fileSystem.fileBytes(PATH);
    assert.equal(other.byteLength, COMPLETE.byteLength);
    const bytes = COMPLETE.slice();
    bytes.set(other.subarray(blockAt(1), blockAt(2)), blockAt(1));
    await expectDamage(await openStore(await diskWith(bytes)), /the checksum of the block is/);
  });

  test('is found by the checksum of all bytes when the block tells nothing', async () => {
    const [payload, bytes] = [COMPLETE.slice(blockAt(0) + BLOCK_HEAD_BYTES, blockAt(1)), COMPLETE.slice()];
    payload.fill(7);
    bytes.set(payload, blockAt(0) + BLOCK_HEAD_BYTES);
    const view = new DataView(bytes.buffer);
    const header = crc32(bytes.subarray(12, HEADER_BYTES));
    view.setUint32(blockAt(0), crc32(bytes.subarray(blockAt(0) + 4, blockAt(1)), header), true);
    await expectDamage(await openStore(await diskWith(bytes)), /the checksum of all bytes is/);
  });
});

describe('a snapshot that is damaged', () => {
  test('at a place that tells at once leaves the one before it as the newest', async () => {
    const fileSystem = await diskWithTwo();
    fileSystem.flipBit(`${DIRECTORY}/0000000000000002.snapshot`, 100);
    const store = makeStore(fileSystem);
    assert.deepEqual(await store.open(), OLDER.stored);
    await expectLatest(store, OLDER);
    const names = ['0000000000000001.snapshot', '0000000000000002.snapshot.damaged'];
    assert.deepEqual(namesIn(fileSystem), names);
    await store.close();
    const again = makeStore(fileSystem);
    assert.deepEqual(await again.open(), OLDER.stored);
    assert.deepEqual(again.damaged(), [{ place: `${DIRECTORY}/${names[1]}`, problem: 'set aside by an earlier run' }]);
    await complete(again, SAMPLE);
    assert.deepEqual(namesIn(fileSystem), [...names, '0000000000000003.snapshot']);
  });

  test('is not served again once that was found, nor is an older one in its place, until it is discarded', async () => {
    const { fileSystem, store } = await openWithDamagedBlock();
    await expectDamage(store, /damaged at byte/);
    assert.equal(await store.latest(), null);
    assert.deepEqual(namesIn(fileSystem), ['0000000000000001.snapshot', '0000000000000002.snapshot.damaged']);
    assert.deepEqual(await store.discardLatest('it is damaged'), OLDER.stored);
    await expectLatest(store, OLDER);
    assert.match(store.damaged()[0]?.problem ?? '', /is damaged at byte/);
  });

  test('is replaced by the next one, and kept aside', async () => {
    const { fileSystem, store } = await openWithDamagedBlock();
    await expectDamage(store, /damaged at byte/);
    const next = smallSample(30);
    await complete(store, next);
    await expectLatest(store, next);
    await complete(store, smallSample(40));
    const names = ['2.snapshot.damaged', '3.snapshot', '4.snapshot'].map((name) => `000000000000000${name}`);
    assert.deepEqual(namesIn(fileSystem), names);
  });

  test('is found by verifying an open store, with all that it keeps', async () => {
    const { store } = await openWithDamagedBlock();
    const [newest, older] = await store.verify();
    assert.match(newest?.problem ?? '', /is damaged at byte/);
    assert.deepEqual([newest?.snapshot, older?.snapshot, older?.problem], [SAMPLE.stored, OLDER.stored, null]);
    assert.equal(await store.latest(), null);
  });

  test('goes on serving readers that do not meet the damage', async () => {
    const { store } = await openWithDamagedBlock();
    const reader = await store.latest();
    assert.ok(reader !== null);
    await expectDamage(store, /damaged at byte/);
    const from = 2 * BLOCK_BYTES;
    expectBytes(await collect(reader.chunks(from)), SAMPLE.bytes.subarray(from));
    await reader.close();
  });

  test('can be given up for another reason, as often as there are older ones', async () => {
    const fileSystem = await diskWithTwo();
    const store = await openStore(fileSystem);
    assert.deepEqual(await store.discardLatest(new Error('no use')), OLDER.stored);
    assert.equal(await store.discardLatest(new Error('no use either')), null);
    assert.equal(await store.discardLatest('nothing is left'), null);
    assert.equal(await store.latest(), null);
    assert.match(store.damaged()[0]?.problem ?? '', /2\.snapshot' can't be used: Error: no use/);
    assert.equal(namesIn(fileSystem).filter((name) => name.endsWith('.damaged')).length, 2);
  });
});

describe('an unfinished snapshot', () => {
  const at = `${DIRECTORY}/0000000000000001.unfinished`;

  test('that is damaged is resumed before the damage', async () => {
    const fileSystem = new MemFileSystem();
    const before = await openStore(fileSystem);
    await writePart(before, SAMPLE, 2000);
    await before.close();
    fileSystem.flipBit(at, 8 * (blockAt(1) + 100));
    const store = await openStore(fileSystem);
    const writer = await store.create(SAMPLE.meta, CODEC_ID);
    assert.deepEqual(
      [writer.offsetBytes, writer.checksum],
      [BLOCK_BYTES, crc32(SAMPLE.bytes.subarray(0, BLOCK_BYTES))],
    );
    await complete(store, SAMPLE);
    await expectLatest(store, SAMPLE);
  });

  test('with a damaged header is removed', async () => {
    const fileSystem = new MemFileSystem();
    await writePart(await openStore(fileSystem), SAMPLE, 2000);
    fileSystem.flipBit(at, 300);
    const store = await openStore(fileSystem.kill());
    assert.deepEqual(store.damaged(), []);
    assert.equal((await store.create(SAMPLE.meta, CODEC_ID)).offsetBytes, 0);
  });
});

test('a file of a later format version is refused, and left as it is', async () => {
  const bytes = COMPLETE.slice();
  bytes[12] = 2;
  new DataView(bytes.buffer).setUint32(8, crc32(bytes.subarray(12, HEADER_BYTES)), true);
  const fileSystem = await diskWith(bytes);
  await assert.rejects(
    () => makeStore(fileSystem).open(),
    (error: Error) => {
      assert.match(error.message, /format version 2, this release reads version 1; use the release that wrote it/);
      return true;
    },
  );
  assert.deepEqual(namesIn(fileSystem), ['0000000000000001.snapshot']);
});

test('files can be listed without a store, which changes nothing', async () => {
  const fileSystem = await diskWithTwo();
  const store = await openStore(fileSystem);
  await writePart(store, smallSample(30), 1000);
  await store.close();
  fileSystem.flipBit(`${DIRECTORY}/0000000000000002.snapshot`, 100);
  const names = namesIn(fileSystem);
  const { snapshots, damaged, unfinished } = await listSnapshotFiles(DIRECTORY, fileSystem);
  assert.deepEqual(snapshots, [{ path: PATH, snapshot: OLDER.stored }]);
  assert.deepEqual(
    damaged.map(({ path }) => path),
    [`${DIRECTORY}/0000000000000002.snapshot`],
  );
  assert.deepEqual(unfinished, [`${DIRECTORY}/0000000000000003.unfinished`]);
  assert.deepEqual(namesIn(fileSystem), names);
});

async function completeFile(): Promise<Uint8Array> {
  const fileSystem = new MemFileSystem();
  await complete(await openStore(fileSystem), SAMPLE);
  return fileSystem.fileBytes(PATH);
}

async function diskWith(bytes: Uint8Array): Promise<MemFileSystem> {
  const fileSystem = new MemFileSystem();
  await fileSystem.makeDirectory(DIRECTORY);
  await (await fileSystem.openForWriting(PATH)).write(0, bytes);
  return fileSystem;
}

async function diskWithTwo(): Promise<MemFileSystem> {
  const fileSystem = new MemFileSystem();
  const store = await openStore(fileSystem);
  await complete(store, OLDER);
  await complete(store, SAMPLE);
  await store.close();
  return fileSystem;
}

async function openWithDamagedBlock(): Promise<{ fileSystem: MemFileSystem; store: FileSnapshotStore }> {
  const fileSystem = await diskWithTwo();
  fileSystem.flipBit(`${DIRECTORY}/0000000000000002.snapshot`, 8 * (blockAt(1) + 50));
  return { fileSystem, store: await openStore(fileSystem) };
}

async function expectDamage(store: FileSnapshotStore, message: RegExp): Promise<void> {
  const reader = await store.latest();
  assert.ok(reader !== null, 'it was refused when it was opened');
  await assert.rejects(collect(reader.chunks(0)), (error: unknown) => {
    assert.ok(error instanceof CorruptionError);
    assert.match(error.message, message);
    return true;
  });
  await reader.close();
}

/** The file with one bit of a byte flipped, another one for each byte. */
function flipped(at: number): Uint8Array {
  const bytes = COMPLETE.slice();
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  return bytes;
}

function blockAt(index: number): number {
  return HEADER_BYTES + index * (BLOCK_BYTES + BLOCK_HEAD_BYTES);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}
