/** Snapshot store cases about damaged data: it is left out or refused, never read as if it were good. */
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../errors.ts';
import { ConsensusError, SnapshotError } from '../../errors.ts';
import type { StoredSnapshot } from '../../ports/snapshot-store.ts';
import type { Checks } from './conformance-suite.ts';
import type { SampleSnapshot, SnapshotStoreDamage, SnapshotStoreWorld } from './snapshot-store-world.ts';
import {
  CODEC_ID,
  collect,
  expectBytes,
  expectOneOfLatest,
  publishSnapshot,
  sampleSnapshot,
  writeChunks,
} from './snapshot-store-world.ts';

const [OLDER, NEWER] = [sampleSnapshot(10), sampleSnapshot(20)];

const REFUSED: readonly ErrorCode[] = ['CORRUPTION', 'SNAPSHOT'];

/** How many different bits of a part are flipped. */
const FLIPS = 16;

/** For places that can damage what they hold. */
export const snapshotDamageChecks: Checks<SnapshotStoreWorld> = {
  'a snapshot with a flipped bit is left out or refused': (world) => eachFlip(world, 'bytes', refusesDamaged),

  'a snapshot that is cut short is left out or refused': (world) =>
    damaged(world, { part: 'bytes', type: 'cut', seed: 0 }, refusesDamaged),

  'a snapshot whose description has a flipped bit is left out or refused': (world) =>
    eachFlip(world, 'description', refusesDamaged),

  'a snapshot whose description is cut short is left out or refused': (world) =>
    damaged(world, { part: 'description', type: 'cut', seed: 0 }, refusesDamaged),

  'an unfinished snapshot with a flipped bit is not completed to a damaged one': (world) =>
    eachFlip(world, 'unfinished', completesOrRefuses),

  'an unfinished snapshot that is cut short is not completed to a damaged one': (world) =>
    damaged(world, { part: 'unfinished', type: 'cut', seed: 0 }, completesOrRefuses),
};

async function eachFlip(
  world: SnapshotStoreWorld,
  part: SnapshotStoreDamage['part'],
  check: (world: SnapshotStoreWorld) => Promise<void>,
): Promise<void> {
  for (let seed = 0; seed < FLIPS; seed += 1) {
    await damaged(world, { part, type: 'flip', seed }, check);
  }
}

/** Damages a store in a place of its own, after it was closed, and makes the next one. */
async function damaged(
  world: SnapshotStoreWorld,
  damage: SnapshotStoreDamage,
  check: (world: SnapshotStoreWorld) => Promise<void>,
): Promise<void> {
  await world.inAnother(async (another) => {
    await publishSnapshot(another.store, OLDER);
    if (damage.part === 'unfinished') {
      const writer = await another.store.create(NEWER.meta, CODEC_ID);
      await writeChunks(writer, NEWER.chunks.slice(0, -1));
      await writer.close({ keep: true });
    } else {
      await publishSnapshot(another.store, NEWER);
    }
    await another.closeStore();
    await another.damage(damage);
    await another.makeNext();
    await check(another);
  });
}

/** The newest snapshot is damaged: it is refused, or there is the one before, none, or all of it in spite of that. */
async function refusesDamaged(world: SnapshotStoreWorld): Promise<void> {
  const found = await refusedOr(() => readNewest(world));
  if (found === 'refused') {
    await fallsBack(world);
    return;
  }
  await expectOneOfLatest(world, [NEWER, OLDER, null]);
  await publishSnapshot(world.store, sampleSnapshot(30));
  await world.reopen();
  await expectOneOfLatest(world, [sampleSnapshot(30)]);
}

/** A store that keeps older snapshots gives the damaged one up for the one before it, when it is told to. */
async function fallsBack(world: SnapshotStoreWorld): Promise<void> {
  const { store } = world;
  if (world.found === null || store.discardLatest === undefined) {
    return;
  }
  world.found = await store.discardLatest(new Error('its bytes were refused'));
  await expectOneOfLatest(world, [OLDER, null]);
}

/** Opens the store and reads all bytes of what it says is the newest snapshot. */
async function readNewest(world: SnapshotStoreWorld): Promise<StoredSnapshot | null> {
  const found = await world.open();
  const reader = await world.store.latest();
  try {
    assert.deepEqual(reader?.snapshot ?? null, found, 'latest() and open() disagree');
    if (reader !== null) {
      await collect(reader.chunks(0));
    }
  } finally {
    await reader?.close();
  }
  return found;
}

/** What was kept of an unfinished snapshot is damaged: what is published in the end is whole, or it is not published. */
async function completesOrRefuses(world: SnapshotStoreWorld): Promise<void> {
  await world.open();
  await expectOneOfLatest(world, [OLDER]);
  const outcome = await refusedOr(() => complete(world, NEWER));
  await world.reopen();
  await expectOneOfLatest(world, [outcome === 'refused' ? OLDER : NEWER]);
  if (outcome === 'refused') {
    // It must not be refused for ever.
    await complete(world, NEWER);
  }
}

async function complete({ store }: SnapshotStoreWorld, sample: SampleSnapshot): Promise<void> {
  const writer = await store.create(sample.meta, CODEC_ID);
  try {
    await writer.write(sample.bytes.slice(writer.offsetBytes));
    if (writer.checksum !== sample.stored.checksum) {
      // Whoever writes compares the checksum with that of the sender before anything is restored from it.
      throw new SnapshotError('the checksum shows the damage');
    }
    expectBytes(await collect(writer.chunks()), sample.bytes);
    assert.deepEqual(await writer.publish(), sample.stored);
  } finally {
    await writer.close({ keep: false });
  }
}

async function refusedOr<Value>(call: () => Promise<Value>): Promise<Value | 'refused'> {
  try {
    return await call();
  } catch (error) {
    if (ConsensusError.is(error) && REFUSED.includes(error.code)) {
      return 'refused';
    }
    throw error;
  }
}
