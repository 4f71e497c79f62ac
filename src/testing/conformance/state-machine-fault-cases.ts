/** State machine cases about a disk that fails, and about a second opener. */
import assert from 'node:assert/strict';
import type { Checks } from './conformance-suite.ts';
import { expectRejection } from './expect.ts';
import type { PlaceFault } from './place.ts';
import { Moments } from './state-machine-moments.ts';
import type { StateMachineWorld } from './state-machine-world.ts';
import { inPieces, takeSnapshot } from './state-machine-world.ts';

type World = StateMachineWorld<unknown, unknown>;

/** For machines whose disk can be made to fail. */
export const stateFaultChecks: Checks<World> = {
  'a machine whose disk refuses a write has the state of one moment when it is opened again, and goes on': (world) =>
    failsToApply(world, 'write'),

  'a machine whose disk fails to sync has the state of one moment when it is opened again, and goes on': (world) =>
    failsToApply(world, 'sync'),

  'a machine whose disk is full has the state of one moment when it is opened again, and goes on': (world) =>
    failsToApply(world, 'full'),

  'a restore on a disk that fails leaves the old state or the restored one': async (world) => {
    const history = world.history();
    await world.subject.apply(history);
    const { meta, codecId, bytes } = await takeSnapshot(world.subject.machine);
    for (const fault of ['write', 'sync', 'full'] as const) {
      await world.inAnother(async (another) => {
        const { subject } = another;
        const before = [another.membership(9, 1, [9]), ...another.requests(9, 2, 100)];
        await subject.apply(before);
        await subject.reopen();
        subject.failNext(fault);
        const isRestored = await subject.machine.restore(meta, codecId, inPieces(bytes, 4096)).then(
          () => true,
          () => false,
        );
        subject.relieve();
        await subject.reopen();
        const isNew = subject.machine.applied().lastApplied.term === meta.lastLogId.term;
        assert.ok(isNew || !isRestored, 'the restored state is gone after the machine was closed');
        const entries = isNew ? history : before;
        await (await Moments.of(another, entries)).expect(subject, entries.length, entries.length);
      });
    }
  },
};

/** For machines that keep a second one out. */
export const stateLockChecks: Checks<World> = {
  'refuses to open a place that is open already, and the first machine goes on': async (world) => {
    const history = world.history();
    const moments = await Moments.of(world, history);
    await world.subject.apply(history.slice(0, 30));
    await expectRejection(() => world.subject.openBeside(), 'STORAGE');
    await world.subject.apply(history.slice(30));
    await world.subject.reopen();
    await moments.expect(world.subject, history.length, history.length);
  },
};

/** When it writes is up to the machine, so it may notice at once, later, when it is closed, or not at all. */
async function failsToApply(world: World, fault: PlaceFault): Promise<void> {
  const history = world.history();
  const moments = await Moments.of(world, history);
  const { subject } = world;
  await subject.apply(history.slice(0, 20));
  await subject.reopen();
  subject.failNext(fault);
  await subject.apply(history.slice(20, 30)).catch(() => {});
  subject.relieve();
  // If the machine refused the entries before, these do not follow its last applied one.
  await subject.apply(history.slice(30, 40)).catch(() => {});
  await subject.makeNext().catch(() => subject.makeNext());
  await subject.open();
  const at = await moments.expect(subject, 20, 40);
  await subject.apply(history.slice(at));
  await subject.reopen();
  await moments.expect(subject, history.length, history.length);
}
