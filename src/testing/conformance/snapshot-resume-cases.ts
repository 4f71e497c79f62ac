/** Snapshot store cases about unfinished snapshots: resuming, replacing and aborting them. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { SnapshotStore } from '../../ports/snapshot-store.ts';
import type { Checks } from './conformance-suite.ts';
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

export const resumeChecks: Checks<SnapshotStoreWorld> = {
  'an interrupted snapshot is resumed where it broke': async ({ store }) => {
    const sample = sampleSnapshot(10);
    await interrupt(store, sample, { keep: true });
    const writer = await store.create(sample.meta, CODEC_ID);
    const offset = writer.offsetBytes;
    assert.ok(offset > 0 && offset < sample.stored.sizeBytes, `resumed at ${offset}`);
    assert.equal(writer.checksum, crc32(sample.bytes.subarray(0, offset)));
    await writer.write(sample.bytes.slice(offset));
    expectBytes(await collect(writer.chunks()), sample.bytes);
    assert.deepEqual(await writer.publish(), sample.stored);
    await writer.close({ keep: false });
    await expectLatest(store, sample);
  },

  'a snapshot may break several times': async ({ store }) => {
    const sample = sampleSnapshot(10);
    for (let end = 20_000; end < sample.stored.sizeBytes; end += 20_000) {
      const writer = await store.create(sample.meta, CODEC_ID);
      await writer.write(sample.bytes.slice(writer.offsetBytes, end));
      await writer.close({ keep: true });
    }
    const last = await store.create(sample.meta, CODEC_ID);
    assert.ok(last.offsetBytes > 0, 'nothing was kept');
    await last.write(sample.bytes.slice(last.offsetBytes));
    assert.deepEqual(await last.publish(), sample.stored);
    await last.close({ keep: false });
    await expectLatest(store, sample);
  },

  'an aborted snapshot leaves nothing to resume': async ({ store }) => {
    const sample = sampleSnapshot(10);
    await interrupt(store, sample, { keep: false });
    const writer = await store.create(sample.meta, CODEC_ID);
    assert.deepEqual([writer.offsetBytes, writer.checksum], [0, 0]);
    await writer.close({ keep: false });
    await expectLatest(store, null);
  },

  'an aborted snapshot leaves the published one': async ({ store }) => {
    const published = sampleSnapshot(10);
    await publishSnapshot(store, published);
    await interrupt(store, sampleSnapshot(20), { keep: false });
    await expectLatest(store, published);
  },

  'a snapshot with another id starts from the first byte and removes the unfinished one': async ({ store }) => {
    const [first, second] = [sampleSnapshot(10), sampleSnapshot(20)];
    await interrupt(store, first, { keep: true });
    const other = await store.create(second.meta, CODEC_ID);
    assert.deepEqual([other.offsetBytes, other.checksum], [0, 0]);
    await other.close({ keep: false });
    const again = await store.create(first.meta, CODEC_ID);
    assert.deepEqual([again.offsetBytes, again.checksum], [0, 0]);
    await writeChunks(again, first.chunks);
    assert.deepEqual(await again.publish(), first.stored);
    await again.close({ keep: false });
    await expectLatest(store, first);
  },

  'a writer that was replaced by another id harms nothing': async ({ store }) => {
    const [first, second] = [sampleSnapshot(10), sampleSnapshot(20)];
    const replaced = await store.create(first.meta, CODEC_ID);
    await replaced.write(first.bytes.slice(0, 50_000));
    const writer = await store.create(second.meta, CODEC_ID);
    await writeChunks(writer, second.chunks);
    // Whether it notices is up to the store.
    await replaced.write(first.bytes.slice(50_000)).catch(() => {});
    await assert.rejects(() => replaced.publish());
    await replaced.close({ keep: false });
    assert.deepEqual(await writer.publish(), second.stored);
    await writer.close({ keep: false });
    await expectLatest(store, second);
  },

  'a writer that was replaced by one with the same id harms nothing': async ({ store }) => {
    const sample = sampleSnapshot(10);
    const replaced = await store.create(sample.meta, CODEC_ID);
    await replaced.write(sample.bytes.slice(0, 50_000));
    const writer = await store.create(sample.meta, CODEC_ID);
    const offset = writer.offsetBytes;
    await replaced.write(sample.bytes.slice(0, 100)).catch(() => {});
    await replaced.close({ keep: false });
    await writer.write(sample.bytes.slice(offset));
    assert.deepEqual(await writer.publish(), sample.stored);
    await writer.close({ keep: false });
    await expectLatest(store, sample);
  },
};

/** Writes half of a snapshot and leaves it. */
async function interrupt(
  store: SnapshotStore,
  { meta, chunks }: SampleSnapshot,
  options: { readonly keep: boolean },
): Promise<void> {
  const writer = await store.create(meta, CODEC_ID);
  await writeChunks(writer, chunks.slice(0, Math.ceil(chunks.length / 2)));
  await writer.close(options);
  await writer.close(options);
}
