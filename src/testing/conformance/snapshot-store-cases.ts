/** Snapshot store cases about complete snapshots: publishing, replacing and reading them. */
import assert from 'node:assert/strict';
import type { SnapshotReader, SnapshotStore } from '../../ports/snapshot-store.ts';
import type { Checks } from './conformance-suite.ts';
import { expectRejection } from './expect.ts';
import type { SampleSnapshot, SnapshotStoreWorld } from './snapshot-store-world.ts';
import {
  CODEC_ID,
  collect,
  expectBytes,
  expectLatest,
  publishSnapshot,
  sampleSnapshot,
  writeChunks,
} from './snapshot-store-world.ts';

export const snapshotChecks: Checks<SnapshotStoreWorld> = {
  'a new store has no snapshot': async ({ store, found }) => {
    assert.equal(found, null);
    await expectLatest(store, null);
  },

  'an unpublished snapshot is invisible': async ({ store }) => {
    const { meta, chunks } = sampleSnapshot(10);
    const writer = await store.create(meta, CODEC_ID);
    await expectLatest(store, null);
    await writeChunks(writer, chunks);
    await expectLatest(store, null);
    await writer.close({ keep: true });
    await expectLatest(store, null);
  },

  'a published snapshot has the metadata, size and checksum of what was written': async ({ store }) => {
    const sample = sampleSnapshot(10);
    assert.deepEqual(await publishSnapshot(store, sample), sample.stored);
    await expectLatest(store, sample);
  },

  'a snapshot may be empty': async ({ store }) => {
    const sample = sampleSnapshot(10, 0);
    assert.deepEqual(await publishSnapshot(store, sample), sample.stored);
    await expectLatest(store, sample);
  },

  'a snapshot may be large': async ({ store }) => {
    const sample = sampleSnapshot(10, 4_000_000);
    await publishSnapshot(store, sample);
    await expectLatest(store, sample);
  },

  'the newest published snapshot replaces the one before, all at once': async ({ store }) => {
    const [older, newer] = [sampleSnapshot(10), sampleSnapshot(20, 90_000)];
    await publishSnapshot(store, older);
    const writer = await store.create(newer.meta, CODEC_ID);
    await writeChunks(writer, newer.chunks);
    await expectLatest(store, older);
    await writer.publish();
    await expectLatest(store, newer);
    await writer.close({ keep: false });
    await expectLatest(store, newer);
  },

  'an open reader is not disturbed by newer snapshots': async ({ store }) => {
    const [older, newer] = [sampleSnapshot(10), sampleSnapshot(20)];
    await publishSnapshot(store, older);
    const reader = await openLatest(store);
    const bytes = reader.chunks(0)[Symbol.asyncIterator]();
    await bytes.next();
    await publishSnapshot(store, newer);
    await publishSnapshot(store, sampleSnapshot(30));
    assert.deepEqual(reader.snapshot, older.stored);
    expectBytes(await collect(reader.chunks(0)), older.bytes);
    await bytes.return?.();
    await reader.close();
    await expectLatest(store, sampleSnapshot(30));
  },

  'the bytes are read from any offset, several times at once': async ({ store }) => {
    const sample = sampleSnapshot(10);
    await publishSnapshot(store, sample);
    const reader = await openLatest(store);
    const { sizeBytes } = sample.stored;
    const offsets = [0, 1, 2, 65_536, 100_001, sizeBytes - 1, sizeBytes];
    const found = await Promise.all(offsets.map((offset) => collect(reader.chunks(offset))));
    for (const [position, offset] of offsets.entries()) {
      expectBytes(found[position] ?? new Uint8Array(1), sample.bytes.subarray(offset));
    }
    await reader.close();
  },

  'a writer shows how far it is, and its bytes before they are published': async ({ store }) => {
    const { meta, chunks, bytes, stored } = sampleSnapshot(10);
    const writer = await store.create(meta, CODEC_ID);
    assert.deepEqual([writer.offsetBytes, writer.checksum], [0, 0]);
    await writeChunks(writer, chunks);
    assert.deepEqual([writer.offsetBytes, writer.checksum], [stored.sizeBytes, stored.checksum]);
    expectBytes(await collect(writer.chunks()), bytes);
    await writer.close({ keep: false });
  },

  'closing a published snapshot does not remove it': async ({ store }) => {
    const sample = sampleSnapshot(10);
    const writer = await store.create(sample.meta, CODEC_ID);
    await writeChunks(writer, sample.chunks);
    await writer.publish();
    await writer.close({ keep: false });
    await writer.close({ keep: true });
    await expectLatest(store, sample);
  },

  'nothing can be written to a snapshot that was published or closed': async ({ store }) => {
    const sample = sampleSnapshot(10);
    const published = await store.create(sample.meta, CODEC_ID);
    await writeChunks(published, sample.chunks);
    await published.publish();
    await assert.rejects(() => published.write(new Uint8Array(10)));
    await published.close({ keep: false });
    const closed = await store.create(sampleSnapshot(20).meta, CODEC_ID);
    await closed.close({ keep: false });
    await assert.rejects(() => closed.write(new Uint8Array(10)));
    await assert.rejects(() => closed.publish());
    await expectLatest(store, sample);
  },

  'refuses every call after it was closed, which is safe to do twice': async ({ store }) => {
    await publishSnapshot(store, sampleSnapshot(10));
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await expectRejection(() => store.latest(), 'STORAGE');
    await expectRejection(() => store.create(sampleSnapshot(20).meta, CODEC_ID), 'STORAGE');
  },
};

/** For stores that keep their data. */
export const reopenedSnapshotChecks: Checks<SnapshotStoreWorld> = {
  'the newest published snapshot is there when reopened': async (world) => {
    const samples = [sampleSnapshot(10), sampleSnapshot(20, 70_000), sampleSnapshot(15, 0)];
    for (const sample of samples) {
      await publishSnapshot(world.store, sample);
      assert.deepEqual(await world.reopen(), sample.stored);
      await expectLatest(world.store, sample);
    }
  },

  'an unpublished snapshot is invisible when reopened': async (world) => {
    const published = sampleSnapshot(10);
    await publishSnapshot(world.store, published);
    await writeUnpublished(world.store, sampleSnapshot(20));
    assert.deepEqual(await world.reopen(), published.stored);
    await expectLatest(world.store, published);
  },

  'an interrupted snapshot can be completed when reopened': async (world) => {
    const sample = sampleSnapshot(20);
    await writeUnpublished(world.store, sample);
    await world.reopen();
    const writer = await world.store.create(sample.meta, CODEC_ID);
    // How much of it outlives the process is up to the store.
    await writer.write(sample.bytes.slice(writer.offsetBytes));
    assert.deepEqual(await writer.publish(), sample.stored);
    await writer.close({ keep: false });
    await expectLatest(world.store, sample);
  },
};

/** For stores that keep a second one out. */
export const snapshotLockChecks: Checks<SnapshotStoreWorld> = {
  'refuses to open a place that is open already, and the first store goes on': async (world) => {
    await publishSnapshot(world.store, sampleSnapshot(10));
    const second = await world.beside();
    await expectRejection(() => second.open(), 'STORAGE');
    await expectLatest(world.store, sampleSnapshot(10));
    await publishSnapshot(world.store, sampleSnapshot(20));
    await expectLatest(world.store, sampleSnapshot(20));
    assert.deepEqual(await world.reopen(), sampleSnapshot(20).stored);
  },
};

async function openLatest(store: SnapshotStore): Promise<SnapshotReader> {
  const reader = await store.latest();
  assert.ok(reader !== null, 'there is no snapshot');
  return reader;
}

/** Leaves the writer as a node does that is shut down. */
async function writeUnpublished(store: SnapshotStore, { meta, chunks }: SampleSnapshot): Promise<void> {
  const writer = await store.create(meta, CODEC_ID);
  await writeChunks(writer, chunks.slice(0, -1));
  await writer.close({ keep: true });
}
