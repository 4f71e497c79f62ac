/** Disks that have no room, fail or are slow. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FileSystem } from '../../../src/ports/file-system.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import { CODEC_ID, expectLatest } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { DiskFaults, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { complete, expectDiskError, namesIn, openStore, smallSample, writePart } from './snapshot-disk.ts';

const OLDER = smallSample(10);
const NEWER = smallSample(20);

describe('a full disk', () => {
  test('at any byte publishes nothing, gives back the room and leaves what was there', async () => {
    const room = await roomOf();
    for (let missing = 1; missing <= room; missing += 37) {
      const fileSystem = new MemFileSystem();
      const store = await openStore(fileSystem);
      await complete(store, OLDER);
      const used = fileSystem.usedBytes;
      fileSystem.capacityBytes = used + room - missing;
      await assert.rejects(complete(store, NEWER), (error) => expectDiskError(error, 'ENOSPC'));
      assert.equal(fileSystem.usedBytes, used);
      await expectLatest(store, OLDER);
      fileSystem.capacityBytes += missing;
      await complete(store, NEWER);
      await expectLatest(store, NEWER);
    }
  });

  test('is told by every later call of the writer that met it', async () => {
    const fileSystem = new MemFileSystem();
    const writer = await (await openStore(fileSystem)).create(NEWER.meta, CODEC_ID);
    fileSystem.capacityBytes = 0;
    await assert.rejects(writer.write(NEWER.bytes), (error) => expectDiskError(error, 'ENOSPC'));
    for (const call of [() => writer.write(new Uint8Array(1)), () => writer.publish()]) {
      await assert.rejects(call, (error) => expectDiskError(error, 'ENOSPC'));
    }
    await writer.close({ keep: true });
    assert.deepEqual(namesIn(fileSystem), []);
  });
});

describe('a sync that fails', () => {
  for (const type of ['sync', 'sync-directory'] as const) {
    test(`publishes nothing, also after a power failure (${type})`, async () => {
      const faults = new Faults();
      const fileSystem = new MemFileSystem({ faults });
      const store = await openStore(fileSystem);
      await complete(store, OLDER);
      faults.failing = type;
      await assert.rejects(complete(store, NEWER), (error) => expectDiskError(error, 'EIO'));
      await expectLatest(store, OLDER);
      assert.deepEqual(namesIn(fileSystem), ['0000000000000001.snapshot']);
      faults.failing = null;
      await expectLatest(await openStore(fileSystem.crash()), OLDER);
    });

    test(`does not spoil what is published after it (${type})`, async () => {
      const faults = new Faults();
      const fileSystem = new MemFileSystem({ faults });
      const store = await openStore(fileSystem, 0);
      await complete(store, OLDER);
      faults.failing = type;
      await assert.rejects(complete(store, NEWER));
      faults.failing = null;
      await complete(store, NEWER);
      await expectLatest(await openStore(fileSystem.crash()), NEWER);
    });
  }
});

test('an older snapshot that can not be removed does not fail the new one, and goes when the store is opened', async () => {
  const faults = new Faults();
  const fileSystem = new MemFileSystem({ faults });
  const store = await openStore(fileSystem, 0);
  await complete(store, OLDER);
  faults.failing = 'remove';
  await complete(store, NEWER);
  assert.equal(namesIn(fileSystem).length, 2);
  await store.close();
  faults.failing = null;
  await openStore(fileSystem, 0);
  assert.deepEqual(namesIn(fileSystem), ['0000000000000002.snapshot']);
});

test('what can not be kept to be resumed is given up without a word', async () => {
  const faults = new Faults();
  const fileSystem = new MemFileSystem({ faults });
  const store = await openStore(fileSystem);
  const writer = await store.create(NEWER.meta, CODEC_ID);
  await writer.write(NEWER.bytes.slice(0, 100));
  faults.failing = 'write';
  await writer.close({ keep: true });
  faults.failing = null;
  assert.deepEqual(namesIn(fileSystem), []);
  await complete(store, NEWER);
  await expectLatest(store, NEWER);
});

test('a file that can not be read is an error, not damage', async () => {
  const faults = new Faults();
  const fileSystem = new MemFileSystem({ faults });
  const store = await openStore(fileSystem);
  await complete(store, OLDER);
  await writePart(store, NEWER, 1000);
  await store.close();
  faults.failing = 'read';
  await assert.rejects(openStore(fileSystem), (error) => expectDiskError(error, 'EIO'));
  faults.failing = null;
  await expectLatest(await openStore(fileSystem), OLDER);
});

test('a writer waits for a slow disk', async () => {
  const faults = new Faults();
  const fileSystem = new MemFileSystem({ faults });
  const writer = await (await openStore(fileSystem)).create(NEWER.meta, CODEC_ID);
  const { promise, resolve } = Promise.withResolvers<void>();
  faults.delay = promise;
  let isWritten = false;
  const written = writer.write(NEWER.bytes).then(() => {
    isWritten = true;
  });
  await new Promise((done) => setImmediate(done));
  assert.equal(isWritten, false);
  resolve();
  await written;
  assert.equal(writer.offsetBytes, NEWER.bytes.byteLength);
});

test('a large snapshot reaches the disk bit by bit, in memory of one block', async () => {
  const disk = new CountingDisk();
  const store = new FileSnapshotStore({ directory: '/d', fileSystem: disk.fileSystem });
  await store.open();
  const writer = await store.create(NEWER.meta, CODEC_ID);
  const chunk = new Uint8Array(4 * 1024 * 1024);
  for (let n = 0; n < 25; n += 1) await writer.write(chunk);
  assert.equal(disk.syncs, 3);
  assert.ok(disk.largestWrite <= 256 * 1024 + 16, `${disk.largestWrite} bytes at once`);
  assert.ok(disk.writtenBytes >= 25 * chunk.byteLength, `${disk.writtenBytes} bytes written`);
  await writer.close({ keep: false });
});

/** Fails or delays all operations of a type, as long as it is told to. */
class Faults implements DiskFaults {
  failing: DiskOperation['type'] | null = null;
  delay: Promise<void> | null = null;

  async before(operation: DiskOperation) {
    await this.delay;
    return operation.type === this.failing ? { error: systemError('EIO', operation), doneBytes: 0 } : null;
  }
}

/** Takes everything and keeps nothing. */
class CountingDisk {
  syncs = 0;
  writtenBytes = 0;
  largestWrite = 0;

  get fileSystem(): FileSystem {
    const nothing = async (): Promise<void> => {};
    const file = {
      sizeBytes: async () => 0,
      read: async () => new Uint8Array(),
      write: async (_position: number, { byteLength }: Uint8Array) => {
        this.writtenBytes += byteLength;
        this.largestWrite = Math.max(this.largestWrite, byteLength);
      },
      truncate: nothing,
      sync: async () => {
        this.syncs += 1;
      },
      close: nothing,
    };
    const open = async () => file;
    const names = { rename: nothing, remove: nothing, syncDirectory: nothing, makeDirectory: nothing };
    return { ...names, list: async () => [], openForReading: open, openForWriting: open };
  }
}

/** How much the newer snapshot takes. */
async function roomOf(): Promise<number> {
  const fileSystem = new MemFileSystem();
  await complete(await openStore(fileSystem), NEWER);
  return fileSystem.usedBytes;
}
