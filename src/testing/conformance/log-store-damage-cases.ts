/** Log store cases about damaged data: it is refused with an error that says what and where, never made up for. */
import assert from 'node:assert/strict';
import type { LogIndex } from '../../core/ids.ts';
import { logId } from '../../core/ids.ts';
import type { Checks } from './conformance-suite.ts';
import { expectCode, messagesOf } from './expect.ts';
import type { LogStoreDamage } from './log-store-place.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { NO_BYTE_LIMIT, PRISTINE_STATE, readAll } from './log-store-world.ts';
import { sampleEntries, sampleEntry } from './sample-entries.ts';

/** The entries are 7001 to 7012: an index that a message names is not another number by chance. */
const FIRST_INDEX: LogIndex = 7001;
const LAST_INDEX: LogIndex = 7012;
const MIDDLE_INDEX: LogIndex = 7007;

/** How many different bits of a part are flipped. */
const FLIPS = 12;

/** For places that can damage what they hold. */
export const damageChecks: Checks<LogStoreWorld> = {
  'an entry with a flipped bit is refused, by index': (world) =>
    eachFlip(world, { part: 'entry', index: MIDDLE_INDEX }, (another) => refusesEntry(another, MIDDLE_INDEX)),

  'the last entry with a flipped bit is refused, by index, and not cut off': (world) =>
    eachFlip(world, { part: 'entry', index: LAST_INDEX }, (another) => refusesEntry(another, LAST_INDEX)),

  'the first entry with a flipped bit is refused, by index': (world) =>
    eachFlip(world, { part: 'entry', index: FIRST_INDEX }, (another) => refusesEntry(another, FIRST_INDEX)),

  'an entry that is gone is refused, by index, and not read over': (world) =>
    damaged(world, { part: 'entry', index: MIDDLE_INDEX, type: 'remove', seed: 0 }, (another) =>
      refusesEntry(another, MIDDLE_INDEX),
    ),

  'a hard state with a flipped bit is refused, and not replaced by an older or a new one': (world) =>
    eachFlip(world, { part: 'hard-state', index: 0 }, refusesToOpen),

  'a hard state that is gone is refused, and not replaced by an older or a new one': (world) =>
    damaged(world, { part: 'hard-state', index: 0, type: 'remove', seed: 0 }, refusesToOpen),

  'an identity with a flipped bit is refused, and not replaced by a new one': (world) =>
    eachFlip(world, { part: 'identity', index: 0 }, refusesToOpen),

  'an identity that is gone is refused, and not replaced by a new one': (world) =>
    damaged(world, { part: 'identity', index: 0, type: 'remove', seed: 0 }, refusesToOpen),

  'a last purged LogId with a flipped bit is refused': (world) =>
    eachFlip(world, { part: 'last-purged', index: 0 }, refusesToOpen),

  'a last purged LogId that is gone is refused': (world) =>
    damaged(world, { part: 'last-purged', index: 0, type: 'remove', seed: 0 }, refusesToOpen),
};

async function eachFlip(
  world: LogStoreWorld,
  part: Pick<LogStoreDamage, 'part' | 'index'>,
  check: (world: LogStoreWorld) => Promise<void>,
): Promise<void> {
  for (let seed = 0; seed < FLIPS; seed += 1) {
    await damaged(world, { ...part, type: 'flip', seed }, check);
  }
}

/** Damages a store in a place of its own, after it was closed, and makes the next one. */
async function damaged(
  world: LogStoreWorld,
  damage: LogStoreDamage,
  check: (world: LogStoreWorld) => Promise<void>,
): Promise<void> {
  await world.inAnother(async (another) => {
    await fill(another);
    await another.closeStore();
    await another.damage(damage);
    await another.makeNext();
    await check(another);
  });
}

/** Writes each part twice, so that there is an older one to fall back to by mistake. */
async function fill({ store }: LogStoreWorld): Promise<void> {
  await store.saveHardState({ term: 3, votedFor: 7 });
  await store.purge(logId(2, FIRST_INDEX - 3));
  await store.append(sampleEntries(2, FIRST_INDEX - 2, FIRST_INDEX));
  await store.purge(logId(2, FIRST_INDEX - 1));
  await store.saveIdentity({ ...PRISTINE_STATE.identity, clusterId: 'cluster-1' });
  for (let index = FIRST_INDEX; index <= LAST_INDEX; index += 1) {
    await store.append([sampleEntry(2, index, 200)]);
    if (index === MIDDLE_INDEX) {
      await store.saveHardState({ term: 4, votedFor: 7 });
    }
  }
}

async function refusesToOpen(world: LogStoreWorld): Promise<void> {
  await refuses(world, () => world.open(), null);
}

/** Refused when it is opened, or when the entry is read: it is up to the store when it looks at entries. */
async function refusesEntry(world: LogStoreWorld, index: LogIndex): Promise<void> {
  const failure = await world.open().then(
    () => null,
    (error: unknown) => error,
  );
  if (failure !== null) {
    await refuses(world, () => Promise.reject(failure), index);
    return;
  }
  const { store, state } = world;
  assert.deepEqual({ ...state.lastLogId }, logId(2, LAST_INDEX), 'the last LogId');
  await refuses(world, () => store.read(index, index + 1, NO_BYTE_LIMIT), index);
  // A read of many may tell less precisely where it met the damage.
  await refuses(world, () => readAll(store), null);
}

async function refuses(world: LogStoreWorld, call: () => Promise<unknown>, index: LogIndex | null): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    expectCode(error, 'CORRUPTION');
    for (const needed of [world.location, index]) {
      assert.ok(
        needed === null || messagesOf(error).includes(String(needed)),
        `${messagesOf(error)}: does not name ${needed}`,
      );
    }
    return true;
  });
}
