/** Log store cases about a disk that fails: nothing is acknowledged that is not there, and nothing is written after. */
import assert from 'node:assert/strict';
import { logId } from '../../core/ids.ts';
import type { Checks } from './conformance-suite.ts';
import { expectCode, expectRejection, messagesOf } from './expect.ts';
import type { LogModel, LogWrite } from './log-model.ts';
import { describeWrite, issueWrite } from './log-model.ts';
import { expectOneOf, IssuedWrites, writeAll } from './log-store-expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import type { PlaceFault } from './place.ts';
import { sampleEntries, sampleLog } from './sample-entries.ts';

/** Writes that each need the disk, whichever went before. */
const WRITES: readonly LogWrite[] = [
  { type: 'append', entries: sampleEntries(2, 12, 20, 500) },
  { type: 'save-hard-state', hardState: { term: 5, votedFor: 3 } },
  { type: 'truncate', fromIndex: 8 },
  { type: 'purge', upTo: logId(2, 4) },
  { type: 'save-identity', clusterId: 'cluster-1' },
];

/** What is there before. */
const BEFORE: readonly LogWrite[] = [
  { type: 'save-hard-state', hardState: { term: 2, votedFor: 7 } },
  { type: 'append', entries: sampleLog() },
];

/** For places whose disk can be made to fail. */
export const faultChecks: Checks<LogStoreWorld> = {
  'a write that the disk refuses is rejected, and so is every later one, until the store is opened again': (world) =>
    failsEachWrite(world, 'write'),

  'a write that can not be synced is rejected, and so is every later one, until the store is opened again': (world) =>
    failsEachWrite(world, 'sync'),

  'a write on a full disk is rejected, and so is every later one, until the store is opened again': (world) =>
    failsEachWrite(world, 'full'),

  'the error of a full disk says so': async (world) => {
    world.failNext('full');
    await assert.rejects(
      () => world.store.append(sampleLog()),
      (error: unknown) => {
        assert.match(messagesOf(error), /ENOSPC|space|full/i);
        return true;
      },
    );
    world.relieve();
  },

  'once a write fails, all that were called after it fail, and those before it are there': async (world) => {
    for (const fault of ['write', 'sync', 'full'] as const) {
      for (let healthy = 0; healthy < WRITES.length; healthy += 1) {
        await world.inAnother((another) => failsAfterSome(another, fault, healthy));
      }
    }
  },

  'what is there can still be opened when the disk failed while it was opened': async (world) => {
    const model = await writeAll(world, [...BEFORE, ...WRITES]);
    for (const fault of ['write', 'sync', 'full'] as const) {
      await world.makeNext();
      world.failNext(fault);
      // Whether it writes anything then is up to the store.
      await world.open().catch((error: unknown) => expectCode(error, 'STORAGE'));
      world.relieve();
      await world.reopen();
      await expectOneOf(world, [model]);
    }
  },

  'a new store can be opened when the disk failed at the first attempt': async (world) => {
    for (const fault of ['write', 'sync', 'full'] as const) {
      await world.inAnotherUnopened(async (another) => {
        another.failNext(fault);
        await expectRejection(() => another.open(), 'STORAGE');
        another.relieve();
        await another.reopen();
        const model = await writeAll(another, [...BEFORE, ...WRITES]);
        await another.reopen();
        await expectOneOf(another, [model]);
      });
    }
  },
};

/** Each write fails in a place of its own. */
async function failsEachWrite(world: LogStoreWorld, fault: PlaceFault): Promise<void> {
  for (const write of WRITES) {
    await world.inAnother((another) => failsOne(another, fault, write));
  }
}

async function failsOne(world: LogStoreWorld, fault: PlaceFault, write: LogWrite): Promise<void> {
  const before = await writeAll(world, BEFORE);
  world.failNext(fault);
  const outcome = await outcomeOf(issueWrite(world, write));
  assert.ok(outcome !== null, `${describeWrite(write)} resolved although the disk failed`);
  expectCode(outcome, 'STORAGE');
  // The disk is well again, but what it holds is not known any more.
  world.relieve();
  for (const later of WRITES) {
    await expectRejection(() => issueWrite(world, later), 'STORAGE');
  }
  await world.reopen();
  const model = await expectOneOf(world, [before, before.after(write)]);
  await expectGoesOn(world, model);
}

async function failsAfterSome(world: LogStoreWorld, fault: PlaceFault, healthy: number): Promise<void> {
  const before = await writeAll(world, [...BEFORE, ...WRITES.slice(0, healthy)]);
  world.failNext(fault);
  const issued = new IssuedWrites(world, before, WRITES.slice(healthy));
  const outcomes = await Promise.all(issued.promises.map(outcomeOf));
  world.relieve();
  const firstFailed = outcomes.findIndex((outcome) => outcome !== null);
  assert.ok(firstFailed !== -1, 'no write was rejected although the disk failed');
  for (const outcome of outcomes.slice(firstFailed)) {
    assert.ok(outcome !== null, 'a write resolved that was called after one that failed');
    expectCode(outcome, 'STORAGE');
  }
  const possible = issued.possible();
  await world.reopen();
  await expectGoesOn(world, await expectOneOf(world, possible));
}

/** What the promise was rejected with, `null` when it resolved. */
async function outcomeOf(promise: Promise<void>): Promise<unknown> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error ?? new Error('rejected with nothing');
  }
}

async function expectGoesOn(world: LogStoreWorld, before: LogModel): Promise<void> {
  const { term, index } = before.lastLogId;
  const model = await writeAll(
    world,
    [
      { type: 'save-hard-state', hardState: { term: 90, votedFor: null } },
      { type: 'append', entries: sampleEntries(term + 1, index + 1, index + 4) },
    ],
    before,
  );
  await world.reopen();
  await expectOneOf(world, [model]);
}
