/** State machine cases about crashes: state and last applied entry are always of one moment. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import type { LogIndex } from '../../core/ids.ts';
import type { Checks } from './conformance-suite.ts';
import { CRASH_TURNS, forEachCrashPoint, isFrozenFirst, letTurnsPass } from './crash-points.ts';
import { abandon } from './expect.ts';
import { Moments } from './state-machine-moments.ts';
import type { StateMachineWorld, TakenSnapshot } from './state-machine-world.ts';
import { inPieces, takeSnapshot } from './state-machine-world.ts';

type World = StateMachineWorld<unknown, unknown>;
type Subject = World['subject'];

/** How many entries each apply gets, in turn. */
const BATCHES: readonly number[] = [1, 7, 2, 1, 9, 4];

/** For machines whose places can crash them. */
export const stateCrashChecks: Checks<World> = {
  'state, last applied entry and membership are of one moment after a crash, and applies go on from there': async (
    world,
  ) => {
    const history = world.history();
    const moments = await Moments.of(world, history);
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      await world.inAnother(async ({ subject }) => {
        let at = 0;
        for (let round = 0; round < 3; round += 1) {
          const batches = cut(history.slice(at)).slice(0, 3);
          const applies = batches.map((batch) => subject.apply(batch));
          await Promise.all(applies.slice(0, (seed + round) % 3));
          await letTurnsPass(turns);
          await subject.crashAndReopen(seed + round);
          // How many of them are there is up to the machine, but none of those from before the last crash may be gone.
          at = await moments.expect(subject, at, at + countOf(batches));
        }
        await applyAll(subject, history.slice(at));
        await subject.reopen();
        await moments.expect(subject, history.length, history.length);
      });
    }
  },

  'a state is the old one or the restored one after a crash while it is restored': async (world) => {
    await world.subject.apply(world.history());
    const taken = await takeSnapshot(world.subject.machine);
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      await world.inAnother(async (another) => {
        const before = await fillBefore(another);
        abandon(restore(another.subject, taken));
        await letTurnsPass(turns);
        await another.subject.crashAndReopen(seed);
        await expectOldOrRestored(another, before, taken);
      });
    }
  },
};

/** For machines whose places can crash them at any operation on the disk. */
export const stateCrashPointChecks: Checks<World> = {
  'a crash at any operation on the disk leaves the state of one moment': async (world) => {
    const history = world.history();
    const moments = await Moments.of(world, history);
    await forEachCrashPoint(async (point, seed) => {
      let isFrozen = false;
      await world.inAnother(async ({ subject }) => {
        isFrozen = await isFrozenFirst(subject.freezeAfter(point), applyAll(subject, history));
        await subject.crashAndReopen(seed);
        const at = await moments.expect(subject, 0, history.length);
        await applyAll(subject, history.slice(at));
        await subject.reopen();
        await moments.expect(subject, history.length, history.length);
      });
      return isFrozen;
    });
  },

  'a crash at any operation on the disk while a snapshot is restored leaves the old state or the restored one': async (
    world,
  ) => {
    await world.subject.apply(world.history());
    const taken = await takeSnapshot(world.subject.machine);
    await forEachCrashPoint(async (point, seed) => {
      let isFrozen = false;
      await world.inAnother(async (another) => {
        const { subject } = another;
        const before = await fillBefore(another);
        isFrozen = await isFrozenFirst(subject.freezeAfter(point), restore(subject, taken));
        await subject.crashAndReopen(seed);
        await expectOldOrRestored(another, before, taken);
        await restore(subject, taken);
        await subject.reopen();
        assert.deepEqual({ ...subject.machine.applied().lastApplied }, { ...taken.meta.lastLogId });
      });
      return isFrozen;
    });
  },

  'a crash at any operation on the disk while a machine is opened loses nothing': async (world) => {
    const history = world.history();
    const moments = await Moments.of(world, history);
    const { subject } = world;
    await subject.apply(history);
    await subject.reopen();
    await forEachCrashPoint(async (point, seed) => {
      await subject.crash(seed);
      await subject.makeNext();
      const isFrozen = await isFrozenFirst(subject.freezeAfter(point), subject.open());
      await subject.crashAndReopen(seed);
      await moments.expect(subject, history.length, history.length);
      return isFrozen;
    });
  },
};

/** In batches of different sizes. */
function cut(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const batches: (readonly Entry[])[] = [];
  for (let start = 0; start < entries.length; ) {
    const size = BATCHES[batches.length % BATCHES.length] ?? 1;
    batches.push(entries.slice(start, start + size));
    start += size;
  }
  return batches;
}

function countOf(batches: readonly (readonly Entry[])[]): number {
  return batches.reduce((sum, { length }) => sum + length, 0);
}

async function applyAll(subject: Subject, entries: readonly Entry[]): Promise<void> {
  for (const batch of cut(entries)) {
    await subject.apply(batch);
  }
}

async function restore({ machine }: Subject, { meta, codecId, bytes }: TakenSnapshot): Promise<void> {
  await machine.restore(meta, codecId, inPieces(bytes, 4096));
}

/** What is there before a restore, for certain; unlike what is restored. */
async function fillBefore(world: World): Promise<readonly Entry[]> {
  const before = [world.membership(9, 1, [9]), ...world.requests(9, 2, 100)];
  await world.subject.apply(before);
  await world.subject.reopen();
  return before;
}

async function expectOldOrRestored(world: World, before: readonly Entry[], taken: TakenSnapshot): Promise<void> {
  const { subject } = world;
  const { term } = subject.machine.applied().lastApplied;
  const isRestored = term === taken.meta.lastLogId.term;
  const entries = isRestored ? world.history() : before;
  const lastIndex: LogIndex = entries.length;
  await (await Moments.of(world, entries)).expect(subject, lastIndex, lastIndex);
}
