import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
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

const [FIRST, SECOND, THIRD] = [smallSample(10), smallSample(20), smallSample(30)];

describe('older snapshots', () => {
  for (const keepOlder of [0, 1, 2, 5]) {
    test(`${keepOlder} of them stay`, async () => {
      const fileSystem = new MemFileSystem();
      const store = await openStore(fileSystem, keepOlder);
      const samples = [10, 20, 30, 40].map((index) => smallSample(index));
      for (const sample of samples) await complete(store, sample);
      const expected = samples
        .map(({ stored }) => stored)
        .toReversed()
        .slice(0, keepOlder + 1);
      assert.deepEqual(
        store.list().map(({ snapshot }) => snapshot),
        expected,
      );
      assert.deepEqual(
        store
          .list()
          .map(({ path }) => path)
          .toReversed(),
        fileSystem.filePaths(),
      );
      for (const { problem } of await store.verify()) assert.equal(problem, null);
    });
  }

  test('that are too many for a new setting go when the store is opened', async () => {
    const fileSystem = new MemFileSystem();
    const store = await openStore(fileSystem, 5);
    for (const sample of [FIRST, SECOND, THIRD]) await complete(store, sample);
    await store.close();
    assert.equal(namesIn(fileSystem).length, 3);
    await openStore(fileSystem, 0);
    assert.deepEqual(namesIn(fileSystem), ['0000000000000003.snapshot']);
  });

  test('that are read stay until the last reader is gone', async () => {
    const fileSystem = new MemFileSystem();
    const store = await openStore(fileSystem, 0);
    await complete(store, FIRST);
    const readers = [await store.latest(), await store.latest()];
    await complete(store, SECOND);
    for (const reader of readers) {
      assert.ok(reader !== null);
      assert.equal(namesIn(fileSystem).length, 2);
      expectBytes(await collect(reader.chunks(0)), FIRST.bytes);
      await reader.close();
      await reader.close();
    }
    assert.deepEqual(namesIn(fileSystem), ['0000000000000002.snapshot']);
    assert.equal(fileSystem.usedBytes, fileSystem.fileBytes(`${DIRECTORY}/0000000000000002.snapshot`).byteLength);
  });
});

describe('an unfinished snapshot', () => {
  test('is resumed in a later run, up to its last byte', async () => {
    const fileSystem = new MemFileSystem();
    await writePart(await openStore(fileSystem), FIRST, 2 * BLOCK_BYTES + 77);
    const store = await openStore(fileSystem.kill());
    assert.equal((await store.create(FIRST.meta, CODEC_ID)).offsetBytes, 2 * BLOCK_BYTES + 77);
    await complete(store, FIRST);
    await expectLatest(store, FIRST);
  });

  test('of which everything was written is resumed at its end', async () => {
    const fileSystem = new MemFileSystem();
    const before = await openStore(fileSystem);
    await writePart(before, FIRST, FIRST.bytes.byteLength);
    const store = await openStore(fileSystem.kill());
    const writer = await store.create(FIRST.meta, CODEC_ID);
    assert.deepEqual(await writer.publish(), FIRST.stored);
    await expectLatest(store, FIRST);
  });

  test('is resumed by the same id, place and format only', async () => {
    const { meta } = FIRST;
    const others = [
      { meta, codecId: 'other/1' },
      { meta: { ...meta, id: 'other' }, codecId: CODEC_ID },
      { meta: { ...meta, lastLogId: SECOND.meta.lastLogId }, codecId: CODEC_ID },
    ];
    for (const { meta: other, codecId } of others) {
      const fileSystem = new MemFileSystem();
      await writePart(await openStore(fileSystem), FIRST, 1000);
      const store = await openStore(fileSystem.kill());
      assert.equal((await store.create(other, codecId)).offsetBytes, 0);
      assert.deepEqual(store.list(), []);
    }
  });

  test('is kept by an open that does not ask for it', async () => {
    let fileSystem = new MemFileSystem();
    await writePart(await openStore(fileSystem), FIRST, 1000);
    for (let n = 0; n < 3; n += 1) {
      fileSystem = fileSystem.kill();
      await openStore(fileSystem);
    }
    assert.equal((await (await openStore(fileSystem.kill())).create(FIRST.meta, CODEC_ID)).offsetBytes, 1000);
  });

  test('is the only one: older ones are removed', async () => {
    const fileSystem = new MemFileSystem();
    const store = await openStore(fileSystem);
    await writePart(store, SECOND, 1000);
    await store.close();
    for (const number of ['0', '4', '7']) {
      const file = await fileSystem.openForWriting(`${DIRECTORY}/000000000000000${number}.unfinished`);
      await file.write(0, fileSystem.fileBytes(`${DIRECTORY}/0000000000000001.unfinished`));
    }
    const again = await openStore(fileSystem);
    assert.deepEqual(namesIn(fileSystem), ['0000000000000007.unfinished']);
    await complete(again, SECOND);
    assert.deepEqual(namesIn(fileSystem), ['0000000000000007.snapshot']);
  });
});

test('what is not of the store is left alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'zlayer-snapshots-'));
  try {
    const names = [
      '1.snapshot',
      '0000000000000001.snapshot.old',
      '0000000000000001.tmp',
      'notes',
      'x0000000000000001.unfinished',
    ];
    for (const name of names) await writeFile(join(root, name), 'x');
    const store = new FileSnapshotStore({ directory: root });
    assert.equal(await store.open(), null);
    await complete(store, FIRST);
    await store.close();
    assert.deepEqual((await readdir(root)).sort(), [...names, '0000000000000001.snapshot'].sort());
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('a directory that can not be made is an error that names it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'zlayer-snapshots-'));
  try {
    const directory = join(root, 'file', 'snapshots');
    await writeFile(join(root, 'file'), 'x');
    const store = new FileSnapshotStore({ directory });
    await assert.rejects(store.open(), (error: Error) => error.message.includes(directory));
    await rm(join(root, 'file'));
    assert.equal(await store.open(), null);
    await store.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('a store can not be opened twice at once, but again after it was closed', async () => {
  const fileSystem = new MemFileSystem();
  const store = await openStore(fileSystem);
  await assert.rejects(store.open(), { code: 'STORAGE' });
  await complete(store, FIRST);
  await store.close();
  assert.deepEqual(await store.open(), FIRST.stored);
});

test('a reader of a closed store, and a closed reader, read no further', async () => {
  const store = await openStore();
  await complete(store, FIRST);
  const [first, second] = [await store.latest(), await store.latest()];
  assert.ok(first !== null && second !== null);
  const chunks = second.chunks(0)[Symbol.asyncIterator]();
  await chunks.next();
  await first.close();
  await assert.rejects(collect(first.chunks(0)), { code: 'SNAPSHOT' });
  await store.close();
  await assert.rejects(async () => await chunks.next(), { code: 'SNAPSHOT' });
  await assert.rejects(collect(second.chunks(700)), { code: 'SNAPSHOT' });
  await second.close();
});

test('a writer reads what it published until it is closed, whatever replaces it', async () => {
  const fileSystem = new MemFileSystem();
  const store = await openStore(fileSystem, 0);
  const writer = await store.create(FIRST.meta, CODEC_ID);
  await writer.write(FIRST.bytes);
  await writer.publish();
  await complete(store, SECOND);
  expectBytes(await collect(writer.chunks()), FIRST.bytes);
  await writer.close({ keep: false });
  assert.deepEqual(namesIn(fileSystem), ['0000000000000002.snapshot']);
});

test('files written with another block size are read', async () => {
  const fileSystem = new MemFileSystem();
  await complete(await openStore(fileSystem), FIRST);
  const store = new FileSnapshotStore({ directory: DIRECTORY, fileSystem: fileSystem.kill() });
  assert.deepEqual(await store.open(), FIRST.stored);
  await expectLatest(store, FIRST);
});

test('chunks are pieces of a block at most, whatever was written', async () => {
  const store = await openStore();
  const writer = await store.create(FIRST.meta, CODEC_ID);
  await writer.write(FIRST.bytes);
  await writer.publish();
  const reader = await store.latest();
  assert.ok(reader !== null);
  for await (const chunk of reader.chunks(100)) assert.ok(chunk.byteLength > 0 && chunk.byteLength <= BLOCK_BYTES);
  await reader.close();
});

test('options that can not be used are refused at once', () => {
  for (const options of [{ keepOlder: -1 }, { keepOlder: 0.5 }, { blockBytes: 511 }, { blockBytes: 2 ** 25 }]) {
    assert.throws(() => new FileSnapshotStore({ directory: DIRECTORY, ...options }), RangeError);
  }
  assert.ok(makeStore(new MemFileSystem(), 0) instanceof FileSnapshotStore);
});
