/** Snapshot store cases about a disk that fails: nothing is published that is not there, and the old one stays. */
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../errors.ts';
import type { Checks } from './conformance-suite.ts';
import { expectCode, messagesOf } from './expect.ts';
import type { PlaceFault } from './place.ts';
import type { SampleSnapshot, SnapshotStoreWorld } from './snapshot-store-world.ts';
import { CODEC_ID, expectOneOfLatest, publishSnapshot, sampleSnapshot, writeChunks } from './snapshot-store-world.ts';

const [OLDER, NEWER] = [sampleSnapshot(10), sampleSnapshot(20)];

/** The node stops with the first; with the second it goes on without the snapshot. */
const FAILED: readonly ErrorCode[] = ['STORAGE', 'SNAPSHOT'];

/** For places whose disk can be made to fail. */
export const snapshotFaultChecks: Checks<SnapshotStoreWorld> = {
  'a snapshot that the disk refuses is not published, and the old one stays': (world) => failsToWrite(world, 'write'),

  'a snapshot that can not be synced is not published, and the old one stays': (world) => failsToWrite(world, 'sync'),

  'a snapshot is not published on a full disk, and the old one stays': (world) => failsToWrite(world, 'full'),

  'a snapshot is not published when the disk fails while it is': async (world) => {
    for (const fault of ['write', 'sync', 'full'] as const) {
      await world.inAnother(async (another) => {
        await publishSnapshot(another.store, OLDER);
        const writer = await another.store.create(NEWER.meta, CODEC_ID);
        await writeChunks(writer, NEWER.chunks);
        another.failNext(fault);
        const failure = await writer.publish().then(
          () => null,
          (error: unknown) => error,
        );
        // It may have written everything before. It can not have synced before what came last.
        assert.ok(failure !== null || fault !== 'sync', 'published although the disk failed to sync');
        another.relieve();
        await expectAfterFailure(another, failure === null ? [NEWER] : [OLDER, NEWER]);
      });
    }
  },

  'the error of a full disk says so': async (world) => {
    world.failNext('full');
    const failure = await failureOf(publishSnapshot(world.store, NEWER));
    assert.match(messagesOf(failure), /ENOSPC|space|full/i);
    world.relieve();
  },

  'what is there can still be opened when the disk failed while it was opened': async (world) => {
    await publishSnapshot(world.store, OLDER);
    const writer = await world.store.create(NEWER.meta, CODEC_ID);
    await writeChunks(writer, NEWER.chunks.slice(1));
    await writer.close({ keep: true });
    for (const fault of ['write', 'sync', 'full'] as const) {
      await world.makeNext();
      world.failNext(fault);
      // Whether it writes anything then is up to the store.
      await world.open().catch((error: unknown) => expectCode(error, FAILED));
      world.relieve();
      await world.reopen();
      await expectOneOfLatest(world, [OLDER]);
    }
  },
};

async function failsToWrite(world: SnapshotStoreWorld, fault: PlaceFault): Promise<void> {
  await publishSnapshot(world.store, OLDER);
  world.failNext(fault);
  expectCode(await failureOf(publishSnapshot(world.store, NEWER)), FAILED);
  world.relieve();
  await expectAfterFailure(world, [OLDER, NEWER]);
}

/** Opened again, the store has one of these, and takes the next one. */
async function expectAfterFailure(world: SnapshotStoreWorld, possible: readonly SampleSnapshot[]): Promise<void> {
  await world.reopen();
  await expectOneOfLatest(world, possible);
  await publishSnapshot(world.store, sampleSnapshot(30));
  await world.reopen();
  await expectOneOfLatest(world, [sampleSnapshot(30)]);
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => assert.fail('a snapshot was published although the disk failed'),
    (error: unknown) => error,
  );
}
