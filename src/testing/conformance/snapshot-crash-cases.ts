/** Snapshot store cases about crashes: at every moment there is the old snapshot or the new one, whole. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { SnapshotStore } from '../../ports/snapshot-store.ts';
import type { Checks } from './conformance-suite.ts';
import { CRASH_TURNS, forEachCrashPoint, isFrozenFirst, letTurnsPass } from './crash-points.ts';
import { abandon } from './expect.ts';
import type { SampleSnapshot, SnapshotStoreWorld } from './snapshot-store-world.ts';
import { CODEC_ID, expectOneOfLatest, publishSnapshot, sampleSnapshot, writeChunks } from './snapshot-store-world.ts';

const [FIRST, OLDER, NEWER] = [sampleSnapshot(5, 30_000), sampleSnapshot(10, 60_000), sampleSnapshot(20, 90_000)];

/** For places that can crash their store. */
export const snapshotCrashChecks: Checks<SnapshotStoreWorld> = {
  'a published snapshot is there after a crash': async (world) => {
    for (const [seed, sample] of [FIRST, OLDER, sampleSnapshot(15, 0), NEWER].entries()) {
      const writer = await world.store.create(sample.meta, CODEC_ID);
      await writeChunks(writer, sample.chunks);
      await writer.publish();
      await world.crashAndReopen(seed);
      await expectOneOfLatest(world, [sample]);
    }
  },

  'a crash while a snapshot is written leaves the published one': async (world) => {
    await publishSnapshot(world.store, OLDER);
    for (const count of NEWER.chunks.keys()) {
      const writer = await world.store.create(NEWER.meta, CODEC_ID);
      const left = NEWER.bytes.subarray(writer.offsetBytes);
      await writeChunks(writer, [left.slice(0, Math.floor(left.byteLength / 2))]);
      abandon(writer.write(left.slice(Math.floor(left.byteLength / 2))));
      if (count % 2 === 1) {
        abandon(writer.close({ keep: true }));
      }
      await world.crashAndReopen(count);
      await expectOneOfLatest(world, [OLDER]);
    }
  },

  'a crash while a snapshot is published leaves the old one or the new one': async (world) => {
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      await world.inAnother(async (another) => {
        await publishSnapshot(another.store, OLDER);
        const writer = await another.store.create(NEWER.meta, CODEC_ID);
        await writeChunks(writer, NEWER.chunks);
        abandon(writer.publish());
        await letTurnsPass(turns);
        await another.crashAndReopen(seed);
        await expectOneOfLatest(another, [OLDER, NEWER]);
        await expectGoesOn(another);
      });
    }
  },

  'an unfinished snapshot can be completed after a crash': async (world) => {
    for (let seed = 0; seed < 10; seed += 1) {
      const sample = sampleSnapshot(100 + seed, 150_000);
      const writer = await world.store.create(sample.meta, CODEC_ID);
      await writeChunks(writer, sample.chunks.slice(0, -1));
      if (seed % 2 === 1) {
        await writer.close({ keep: true });
      }
      await world.crashAndReopen(seed);
      await complete(world.store, sample);
      await world.reopen();
      await expectOneOfLatest(world, [sample]);
    }
  },

  'an aborted snapshot is not there after a crash': async (world) => {
    for (let seed = 0; seed < 8; seed += 1) {
      await world.inAnother(async (another) => {
        await publishSnapshot(another.store, OLDER);
        const writer = await another.store.create(NEWER.meta, CODEC_ID);
        await writeChunks(writer, NEWER.chunks);
        await writer.close({ keep: false });
        await another.crashAndReopen(seed);
        await expectOneOfLatest(another, [OLDER]);
        await complete(another.store, NEWER);
        await expectOneOfLatestNow(another, NEWER);
      });
    }
  },
};

/** For places that can crash their store at any operation on the disk. */
export const snapshotCrashPointChecks: Checks<SnapshotStoreWorld> = {
  'a crash at any operation on the disk leaves the old snapshot or the new one, and an acknowledged one for sure': (
    world,
  ) =>
    crashAtEveryPoint(world, async (another) => {
      await expectGoesOn(another);
    }),

  'a crash at any operation on the disk, and another while the store is opened, lose nothing': (world) =>
    crashAtEveryPoint(world, async (another, seed) => {
      const { found } = another;
      await another.crash(seed + 1);
      await another.makeNext();
      await isFrozenFirst(another.freezeAfter(seed % 7), another.open());
      await another.crashAndReopen(seed + 2);
      assert.deepEqual(another.found, found);
      await expectGoesOn(another);
    }),

  'a crash at any operation on the disk while a new store is opened leaves one that can be opened': (world) =>
    forEachCrashPoint(async (point, seed) => {
      let isFrozen = false;
      await world.inAnotherUnopened(async (another) => {
        isFrozen = await isFrozenFirst(another.freezeAfter(point), another.open());
        await another.crashAndReopen(seed);
        await expectOneOfLatest(another, [null]);
        await expectGoesOn(another);
      });
      return isFrozen;
    }),

  'an unfinished snapshot can be completed after a crash at any operation on the disk': (world) =>
    forEachCrashPoint(async (point, seed) => {
      let isFrozen = false;
      await world.inAnother(async (another) => {
        isFrozen = await isFrozenFirst(another.freezeAfter(point), complete(another.store, NEWER));
        await another.crashAndReopen(seed);
        await complete(another.store, NEWER);
        await expectOneOfLatestNow(another, NEWER);
      });
      return isFrozen;
    }),
};

/** Publishes a snapshot over another, ended at each operation on the disk, and looks at what is there. */
async function crashAtEveryPoint(
  world: SnapshotStoreWorld,
  check: (world: SnapshotStoreWorld, seed: number) => Promise<void>,
): Promise<void> {
  await forEachCrashPoint(async (point, seed) => {
    let isFrozen = false;
    await world.inAnother(async (another) => {
      await publishSnapshot(another.store, FIRST);
      await publishSnapshot(another.store, OLDER);
      let possible = [OLDER, NEWER];
      const publish = async () => {
        const writer = await another.store.create(NEWER.meta, CODEC_ID);
        await writeChunks(writer, NEWER.chunks);
        await writer.publish();
        possible = [NEWER];
        await writer.close({ keep: false });
        await another.store.close();
      };
      isFrozen = await isFrozenFirst(another.freezeAfter(point), publish());
      const expected = possible;
      await another.crashAndReopen(seed);
      await expectOneOfLatest(another, expected);
      await check(another, seed);
    });
    return isFrozen;
  });
}

/** Writes what is missing of a snapshot, whatever was kept of it, and publishes it. */
async function complete(store: SnapshotStore, sample: SampleSnapshot): Promise<void> {
  const writer = await store.create(sample.meta, CODEC_ID);
  const offset = writer.offsetBytes;
  assert.ok(offset <= sample.stored.sizeBytes, `resumed at ${offset} of ${sample.stored.sizeBytes}`);
  assert.equal(writer.checksum, crc32(sample.bytes.subarray(0, offset)), 'the checksum of what was kept');
  for (let start = offset; start < sample.stored.sizeBytes; start += 20_000) {
    await writer.write(sample.bytes.slice(start, start + 20_000));
  }
  assert.deepEqual(await writer.publish(), sample.stored);
  await writer.close({ keep: false });
}

async function expectGoesOn(world: SnapshotStoreWorld): Promise<void> {
  const next = sampleSnapshot(300, 70_000);
  await publishSnapshot(world.store, next);
  await expectOneOfLatestNow(world, next);
}

/** Also when the store is opened again. */
async function expectOneOfLatestNow(world: SnapshotStoreWorld, sample: SampleSnapshot): Promise<void> {
  await world.reopen();
  await expectOneOfLatest(world, [sample]);
}
