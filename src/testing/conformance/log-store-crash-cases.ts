/** Log store cases about crashes: what was acknowledged is there, and nothing that was written after what is missing. */
import assert from 'node:assert/strict';
import { logId } from '../../core/ids.ts';
import type { Checks } from './conformance-suite.ts';
import { CRASH_TURNS, forEachCrashPoint, isFrozenFirst, letTurnsPass } from './crash-points.ts';
import { abandon } from './expect.ts';
import type { LogWrite } from './log-model.ts';
import { LogModel } from './log-model.ts';
import { expectOneOf, IssuedWrites, writeAll } from './log-store-expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { PRISTINE_STATE } from './log-store-world.ts';
import { sampleEntries, sampleEntry } from './sample-entries.ts';

/** Writes of every type, as a node makes them, each of which changes something. */
const WRITES: readonly LogWrite[] = [
  { type: 'save-hard-state', hardState: { term: 1, votedFor: 7 } },
  { type: 'append', entries: sampleEntries(1, 1, 6) },
  { type: 'save-identity', clusterId: 'cluster-1' },
  { type: 'append', entries: sampleEntries(1, 6, 30, 3000) },
  { type: 'save-hard-state', hardState: { term: 3, votedFor: null } },
  { type: 'truncate', fromIndex: 20 },
  { type: 'append', entries: sampleEntries(3, 20, 25) },
  { type: 'purge', upTo: logId(1, 4) },
  { type: 'save-hard-state', hardState: { term: 4, votedFor: 1 } },
  { type: 'append', entries: [sampleEntry(4, 25)] },
  { type: 'truncate', fromIndex: 23 },
  { type: 'append', entries: sampleEntries(4, 23, 40, 1000) },
  { type: 'purge', upTo: logId(4, 60) },
  { type: 'append', entries: sampleEntries(4, 61, 63) },
];

/** For places that can crash their store. */
export const crashChecks: Checks<LogStoreWorld> = {
  'the identity that a store was first opened with survives a crash': async (world) => {
    for (let seed = 0; seed < 8; seed += 1) {
      await world.inAnother(async (another) => {
        const { identity } = await another.crashAndReopen(seed);
        assert.deepEqual({ ...identity }, PRISTINE_STATE.identity);
      });
    }
  },

  'every write that was acknowledged is there after a crash': async (world) => {
    let model = new LogModel();
    for (const [seed, write] of WRITES.entries()) {
      model = await writeAll(world, [write], model);
      await world.crashAndReopen(seed);
      await expectOneOf(world, [model]);
    }
  },

  'what is there after a crash is what was acknowledged and none, some or all that came after it, in order': async (
    world,
  ) => {
    for (const awaited of [...WRITES.keys(), WRITES.length]) {
      await world.inAnother((another) => crashAfterSome(another, awaited));
    }
  },

  'what is there after a crash is still there after the next one': async (world) => {
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      await world.inAnother(async (another) => {
        const issued = new IssuedWrites(another, new LogModel(), WRITES);
        await letTurnsPass(turns);
        const possible = issued.possible();
        await another.crashAndReopen(seed);
        const model = await expectOneOf(another, possible);
        await another.crashAndReopen(seed + 1);
        await expectOneOf(another, [model]);
      });
    }
  },

  'no entry is there after a crash without the hard state that was saved before it': async (world) => {
    for (const [position, turns] of CRASH_TURNS.entries()) {
      const [term, { store, state }] = [position + 1, world];
      const first = state.lastLogId.index + 1;
      abandon(store.saveHardState({ term, votedFor: 7 }));
      abandon(store.append(sampleEntries(term, first, first + 3)));
      abandon(store.saveHardState({ term, votedFor: 7 }));
      await letTurnsPass(turns);
      const { hardState, lastLogId } = await world.crashAndReopen(term);
      assert.ok(
        hardState.term >= lastLogId.term,
        `there is an entry of term ${lastLogId.term}, but the node remembers only term ${hardState.term}`,
      );
    }
  },

  'no vote is there after a crash without the entries that were appended before it': async (world) => {
    for (const [position, turns] of CRASH_TURNS.entries()) {
      const [term, { store, state }] = [position + 1, world];
      const first = state.lastLogId.index + 1;
      abandon(store.append(sampleEntries(term, first, first + 3)));
      abandon(store.saveHardState({ term, votedFor: 7 }));
      await letTurnsPass(turns);
      const { hardState, lastLogId } = await world.crashAndReopen(term);
      assert.ok(
        lastLogId.term >= hardState.term,
        `the vote of term ${hardState.term} is there, but not the entries that were appended before it`,
      );
    }
  },

  'a batch is there as a whole or not at all after a crash': async (world) => {
    const batches: LogWrite[] = [1, 101, 201].map((first) => ({
      type: 'append',
      entries: sampleEntries(2, first, first + 100, 700),
    }));
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      await world.inAnother(async (another) => {
        const issued = new IssuedWrites(another, new LogModel(), batches);
        await letTurnsPass(turns);
        const possible = issued.possible();
        await another.crashAndReopen(seed);
        await expectOneOf(another, possible);
      });
    }
  },

  'an entry of 16 MiB that was acknowledged is there after a crash': async (world) => {
    const entries = [sampleEntry(1, 1), sampleEntry(1, 2, 16 * 1024 * 1024), sampleEntry(1, 3)];
    for (let seed = 0; seed < 4; seed += 1) {
      await world.inAnother(async (another) => {
        const model = await writeAll(another, [{ type: 'append', entries }]);
        await another.crashAndReopen(seed);
        await expectOneOf(another, [model]);
      });
    }
  },

  'a crash while the store is closed loses nothing': async (world) => {
    let model = await writeAll(world, WRITES);
    for (const [seed, turns] of CRASH_TURNS.entries()) {
      const first = model.lastLogId.index + 1;
      model = await writeAll(world, [{ type: 'append', entries: sampleEntries(9, first, first + 1) }], model);
      abandon(world.store.close());
      await letTurnsPass(turns);
      await world.crashAndReopen(seed);
      await expectOneOf(world, [model]);
    }
  },

  'a store goes on after a crash as if it had been closed': async (world) => {
    const before = await writeAll(world, WRITES);
    await world.crashAndReopen(3);
    const last = before.lastLogId.index;
    const later: readonly LogWrite[] = [
      { type: 'truncate', fromIndex: last },
      { type: 'append', entries: sampleEntries(9, last, last + 5) },
      { type: 'purge', upTo: logId(9, last + 1) },
    ];
    const model = await writeAll(world, later, before);
    await world.reopen();
    await expectOneOf(world, [model]);
  },
};

/** For places that can crash their store at any operation on the disk. */
export const crashPointChecks: Checks<LogStoreWorld> = {
  'a crash at any operation on the disk keeps what was acknowledged, of writes one after the other': (world) =>
    crashAtEveryPoint(world, async (another, work) => {
      for (const write of WRITES) {
        work.issued = new IssuedWrites(another, work.issued.last, [write]);
        await work.issued.done();
      }
      await another.store.close();
    }),

  'a crash at any operation on the disk keeps what was acknowledged, of writes that do not wait': (world) =>
    crashAtEveryPoint(world, async (another, work) => {
      work.issued = new IssuedWrites(another, new LogModel(), WRITES);
      await work.issued.done();
    }),

  'a crash at any operation on the disk while a new store is opened leaves one that can be opened': (world) =>
    forEachCrashPoint(async (point, seed) => {
      let isFrozen = false;
      await world.inAnotherUnopened(async (another) => {
        const frozen = another.freezeAfter(point);
        isFrozen = await isFrozenFirst(frozen, another.open('instance-1'));
        await another.crash(seed);
        await another.makeNext();
        await expectIdentityOf(another, isFrozen ? ['instance-1', 'instance-2'] : ['instance-1']);
      });
      return isFrozen;
    }),

  'a crash at any operation on the disk while a store is opened again loses nothing': async (world) => {
    const model = await writeAll(world, WRITES);
    await forEachCrashPoint(async (point, seed) => {
      await world.crash(seed);
      await world.makeNext();
      const isFrozen = await isFrozenFirst(world.freezeAfter(point), world.open());
      await world.crashAndReopen(seed);
      await expectOneOf(world, [model]);
      return isFrozen;
    });
  },
};

async function crashAfterSome(world: LogStoreWorld, awaited: number): Promise<void> {
  const issued = new IssuedWrites(world, new LogModel(), WRITES);
  await Promise.all(issued.promises.slice(0, awaited));
  const possible = issued.possible();
  await world.crashAndReopen(awaited);
  await expectOneOf(world, possible);
}

/** What the work has written so far. */
interface Work {
  issued: IssuedWrites;
}

async function crashAtEveryPoint(
  world: LogStoreWorld,
  write: (world: LogStoreWorld, work: Work) => Promise<void>,
): Promise<void> {
  await forEachCrashPoint(async (point, seed) => {
    let isFrozen = false;
    await world.inAnother(async (another) => {
      const work = { issued: new IssuedWrites(another, new LogModel(), []) };
      const frozen = another.freezeAfter(point);
      isFrozen = await isFrozenFirst(frozen, write(another, work));
      const possible = work.issued.possible();
      await another.crashAndReopen(seed);
      await expectOneOf(another, possible);
    });
    return isFrozen;
  });
}

/** A store that was opened before, perhaps not to its end, has one identity from now on. */
async function expectIdentityOf(world: LogStoreWorld, instanceIds: readonly string[]): Promise<void> {
  const { identity } = await world.open('instance-2');
  assert.ok(
    instanceIds.includes(identity.instanceId),
    `the store is '${identity.instanceId}', expected ${instanceIds.join(' or ')}`,
  );
  const model = await writeAll(world, WRITES);
  const reopened = await world.reopen();
  assert.deepEqual({ ...reopened.identity }, { ...identity, clusterId: model.clusterId });
  await expectOneOf(world, [model]);
}
