/** State machine cases about building and restoring snapshots. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { MemSnapshotStore } from '../../storage/memory/mem-snapshot-store.ts';
import type { Checks } from './conformance-suite.ts';
import { expectRejection } from './expect.ts';
import { collect } from './snapshot-store-world.ts';
import type { StateMachineWorld, TakenSnapshot } from './state-machine-world.ts';
import { appliedOf, expectApplied, inPieces, metaOf, takeSnapshot } from './state-machine-world.ts';

type World = StateMachineWorld<unknown, unknown>;
type Subject = World['subject'];

export const snapshotViewChecks: Checks<World> = {
  'D-26 a snapshot tells the last applied entry and the membership': async (world) => {
    const { subject } = world;
    const entries = [world.membership(1, 1, [1, 2]), world.request(2, 2), world.membership(3, 3, [3, 4])];
    await subject.apply(entries.slice(0, 1));
    expectApplied(await appliedOfSnapshot(subject), appliedOf(entries.slice(0, 1)));
    await subject.apply(entries.slice(1));
    expectApplied(await appliedOfSnapshot(subject), appliedOf(entries));
  },

  'a snapshot does not change the state': async (world) => {
    await world.subject.apply(world.history());
    const before = await world.subject.readState();
    await takeSnapshot(world.subject.machine);
    assert.deepEqual(await world.subject.readState(), before);
    expectApplied(world.subject.machine.applied(), appliedOf(world.history()));
  },

  'a snapshot is not affected by applies that come before it is read': async (world) => {
    await world.subject.apply(world.history());
    const view = await world.subject.machine.snapshot();
    const later = world.subject.apply(world.requests(3, 61, 100));
    const bytes = await collect(view.chunks());
    await view.close();
    await later;
    await expectSnapshotOf(world, { meta: metaOf(view), codecId: view.codecId, bytes }, world.history());
    await expectStateOf(world, world.subject, [...world.history(), ...world.requests(3, 61, 100)]);
  },

  'a snapshot is not affected by applies that come while it is read': async (world) => {
    const before = [world.membership(1, 1, [1]), ...world.requests(1, 2, 10_000)];
    await world.subject.apply(before);
    const view = await world.subject.machine.snapshot();
    const parts: Uint8Array[] = [];
    const later: Promise<unknown>[] = [];
    for await (const chunk of view.chunks()) {
      parts.push(new Uint8Array(chunk));
      const nextIndex = 10_000 + 4000 * later.length;
      later.push(world.subject.apply(world.requests(2, nextIndex, nextIndex + 4000)));
    }
    await view.close();
    await Promise.all(later);
    const taken = { meta: metaOf(view), codecId: view.codecId, bytes: new Uint8Array(Buffer.concat(parts)) };
    await expectSnapshotOf(world, taken, before);
    await expectStateOf(world, world.subject, [...before, ...world.requests(2, 10_000, 10_000 + 4000 * later.length)]);
  },

  'applies that waited for a snapshot take effect in the order of the calls': async (world) => {
    await world.subject.apply(world.history());
    const view = await world.subject.machine.snapshot();
    const applies = world.requests(3, 61, 71).map((request) => world.subject.apply([request]));
    await view.close();
    await Promise.all(applies);
    await world.subject.apply([world.request(3, 71)]);
    await expectStateOf(world, world.subject, [...world.history(), ...world.requests(3, 61, 72)]);
  },

  'a snapshot that is left half-way does not hold up applies': async (world) => {
    const before = [world.membership(1, 1, [1]), ...world.requests(1, 2, 10_000)];
    await world.subject.apply(before);
    const view = await world.subject.machine.snapshot();
    const chunks = view.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    await view.close();
    await view.close();
    await world.subject.apply([world.request(1, 10_000)]);
    await chunks.return?.();
    await expectStateOf(world, world.subject, [...before, world.request(1, 10_000)]);
  },
};

export const restoreChecks: Checks<World> = {
  'D-29 a built snapshot becomes the current one, and another machine restores it': async (world) => {
    const entries = [world.blank(1, 1), world.request(1, 2), world.membership(1, 3, [1, 2, 3]), world.request(3, 4)];
    await world.subject.apply(entries);
    const [leaderStore, followerStore] = [new MemSnapshotStore(), new MemSnapshotStore()];
    assert.equal(await leaderStore.open(), null);
    assert.equal(await followerStore.open(), null);
    const view = await world.subject.machine.snapshot();
    await store(leaderStore, metaOf(view), view.codecId, view.chunks());
    await view.close();
    const built = await leaderStore.latest();
    assert.ok(built !== null, 'the built snapshot is not the current one');
    assert.deepEqual(built.snapshot.meta, metaOf(view));
    const { meta, codecId } = built.snapshot;
    await store(followerStore, meta, codecId, built.chunks(0));
    const received = await followerStore.latest();
    assert.ok(received !== null, 'the received snapshot is not the current one');
    assert.deepEqual(received.snapshot, built.snapshot);
    const follower = await world.another();
    await follower.machine.restore(meta, codecId, received.chunks(0));
    await expectStateOf(world, follower, entries);
  },

  'a snapshot of nothing is restored as nothing': async (world) => {
    const [taken, empty] = [await takeSnapshot(world.subject.machine), await world.subject.readState()];
    const other = await world.anotherWith(world.history());
    await restore(other, taken);
    assert.deepEqual(await other.readState(), empty);
    expectApplied(other.machine.applied(), world.subject.machine.applied());
  },

  'a snapshot is restored whatever pieces it comes in': async (world) => {
    await world.subject.apply(world.history());
    const taken = await takeSnapshot(world.subject.machine);
    for (const pieceBytes of [1, 3, 1000, taken.bytes.byteLength]) {
      const other = await world.another();
      await restore(other, taken, pieceBytes);
      await expectStateOf(world, other, world.history());
    }
  },

  'a restored snapshot replaces what was there, newer or not': async (world) => {
    await world.subject.apply(world.history());
    const taken = await takeSnapshot(world.subject.machine);
    for (const count of [1, 200]) {
      const other = await world.anotherWith([world.membership(9, 1, [9]), ...world.requests(9, 2, 1 + count)]);
      await restore(other, taken);
      await expectStateOf(world, other, world.history());
    }
  },

  'a restored machine goes on like the one that was copied': async (world) => {
    await world.subject.apply(world.history());
    const other = await world.another();
    await restore(other, await takeSnapshot(world.subject.machine));
    const later = [...world.requests(3, 61, 80), world.membership(3, 80, [2]), ...world.requests(3, 81, 90)];
    assert.deepEqual(await other.apply(later), await world.subject.apply(later));
    await expectStateOf(world, other, [...world.history(), ...later]);
    assert.deepEqual(await other.readState(), await world.subject.readState());
  },

  'a snapshot of a restored machine equals that of the one that was copied': async (world) => {
    await world.subject.apply(world.history());
    const other = await world.another();
    await restore(other, await takeSnapshot(world.subject.machine));
    await expectSnapshotOf(world, await takeSnapshot(other.machine), world.history());
  },

  'a restore from a stream that breaks changes nothing': (world) =>
    failsToRestore(world, async (other, { meta, codecId, bytes }) => {
      for (const keptBytes of [0, 1, Math.floor(bytes.byteLength / 2), bytes.byteLength]) {
        await assert.rejects(() => other.machine.restore(meta, codecId, breakAfter(bytes.subarray(0, keptBytes))));
      }
    }),

  'a restore from a stream that ends early changes nothing': (world) =>
    failsToRestore(world, async (other, { meta, codecId, bytes }) => {
      for (const keptBytes of [0, 1, Math.floor(bytes.byteLength / 2), bytes.byteLength - 1]) {
        await assert.rejects(() => other.machine.restore(meta, codecId, inPieces(bytes.subarray(0, keptBytes), 500)));
      }
    }),

  'a snapshot in an unknown format is refused and changes nothing': (world) =>
    failsToRestore(world, async (other, { meta, bytes }) => {
      await expectRejection(() => other.machine.restore(meta, 'unknown/1', inPieces(bytes, 500)), 'SNAPSHOT');
    }),
};

/** For machines that keep their state by themselves. */
export const reopenedRestoreChecks: Checks<World> = {
  'a restored state is there when reopened': async (world) => {
    await world.subject.apply(world.history());
    const other = await world.anotherWith([world.membership(9, 1, [9]), ...world.requests(9, 2, 200)]);
    await restore(other, await takeSnapshot(world.subject.machine));
    expectApplied(await other.reopen(), appliedOf(world.history()));
    await expectStateOf(world, other, world.history());
  },
};

async function appliedOfSnapshot(subject: Subject): Promise<ReturnType<typeof appliedOf>> {
  const view = await subject.machine.snapshot();
  await view.close();
  return view.applied;
}

async function restore(subject: Subject, { meta, codecId, bytes }: TakenSnapshot, pieceBytes = 4096): Promise<void> {
  await subject.machine.restore(meta, codecId, inPieces(bytes, pieceBytes));
}

/** The machine must be as one that has applied these entries. */
async function expectStateOf(world: World, subject: Subject, entries: readonly Entry[]): Promise<void> {
  const twin = await world.anotherWith(entries);
  assert.deepEqual(await subject.readState(), await twin.readState());
  expectApplied(subject.machine.applied(), appliedOf(entries));
}

async function expectSnapshotOf(world: World, taken: TakenSnapshot, entries: readonly Entry[]): Promise<void> {
  const other = await world.another();
  await restore(other, taken);
  await expectStateOf(world, other, entries);
}

/** After restores that fail, the machine is as before, and the whole snapshot can still be restored. */
async function failsToRestore(
  world: World,
  fail: (other: Subject, taken: TakenSnapshot) => Promise<void>,
): Promise<void> {
  await world.subject.apply(world.history());
  const taken = await takeSnapshot(world.subject.machine);
  const before = [world.membership(9, 1, [9]), ...world.requests(9, 2, 20)];
  const other = await world.anotherWith(before);
  await fail(other, taken);
  await expectStateOf(world, other, before);
  await other.apply([world.request(9, 20)]);
  await expectStateOf(world, other, [...before, world.request(9, 20)]);
  await restore(other, taken);
  await expectStateOf(world, other, world.history());
}

async function* breakAfter(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield* inPieces(bytes, 500);
  throw new Error('the stream broke');
}

async function store(
  target: MemSnapshotStore,
  meta: TakenSnapshot['meta'],
  codecId: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const writer = await target.create(meta, codecId);
  for await (const chunk of chunks) {
    await writer.write(chunk);
  }
  await writer.publish();
  await writer.close({ keep: false });
}
