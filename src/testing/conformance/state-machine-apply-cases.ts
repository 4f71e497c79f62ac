/** State machine cases about applying entries. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import { NO_MEMBERSHIP } from '../../core/membership/membership.ts';
import type { Checks } from './conformance-suite.ts';
import { expectRejection } from './expect.ts';
import type { StateMachineWorld } from './state-machine-world.ts';
import { appliedOf, expectApplied } from './state-machine-world.ts';

/** The cases do not look into requests and responses. */
type World = StateMachineWorld<unknown, unknown>;

export const applyChecks: Checks<World> = {
  'D-20 a new machine has applied nothing': async ({ subject }) => {
    expectApplied(subject.machine.applied(), { lastApplied: NO_LOG_ID, lastTimeMs: 0, membership: NO_MEMBERSHIP });
  },

  'says of itself whether its state survives a restart': async ({ subject, isPersistent }) => {
    assert.equal(subject.machine.isDurable, isPersistent, 'isDurable');
  },

  'D-20 the membership survives the blank entries after it': async (world) => {
    const entries = [
      world.blank(1, 1),
      world.blank(1, 2),
      world.blank(1, 3),
      world.membership(1, 4, [1, 2]),
      world.blank(1, 5),
      world.blank(1, 6),
    ];
    await world.subject.apply(entries.slice(0, 4));
    expectApplied(world.subject.machine.applied(), appliedOf(entries.slice(0, 4)));
    await world.subject.apply(entries.slice(4));
    expectApplied(world.subject.machine.applied(), appliedOf(entries));
  },

  'D-27 a blank and a membership entry each have one result, which is nothing': async (world) => {
    const [blank, membership] = [world.blank(1, 1), world.membership(2, 2, [1, 2])];
    assert.deepEqual(await world.subject.apply([blank]), [undefined]);
    assert.deepEqual({ ...world.subject.machine.applied().lastApplied }, { ...blank.logId });
    assert.deepEqual(await world.subject.apply([membership]), [undefined]);
    expectApplied(world.subject.machine.applied(), appliedOf([blank, membership]));
  },

  'blank and membership entries do not change the state': async (world) => {
    const before = await world.subject.readState();
    await world.subject.apply([world.membership(1, 1, [1]), world.blank(1, 2), world.membership(1, 3, [1, 2])]);
    assert.deepEqual(await world.subject.readState(), before);
  },

  'every entry has one result, the same however entries are batched': async (world) => {
    const history = world.history();
    const inOne = await world.subject.apply(history);
    assert.equal(inOne.length, history.length);
    for (const [position, { kind }] of history.entries()) {
      assert.ok(kind === 'normal' || inOne[position] === undefined, `a result for a ${kind} entry`);
    }
    for (const size of [1, 7]) {
      const other = await world.another();
      assert.deepEqual(await applyInBatches(other, history, size), inOne);
      assert.deepEqual(await other.readState(), await world.subject.readState());
      expectApplied(other.machine.applied(), appliedOf(history));
    }
  },

  'a request changes the state': async (world) => {
    const states: unknown[] = [];
    for (const request of world.requests(1, 1, 4)) {
      await world.subject.apply([request]);
      states.push(await world.subject.readState());
    }
    assert.notDeepEqual(states[0], states[1]);
    assert.notDeepEqual(states[1], states[2]);
  },

  'an apply of nothing has no results and changes nothing': async (world) => {
    const history = world.history();
    await world.subject.apply(history);
    assert.deepEqual(await world.subject.apply([]), []);
    expectApplied(world.subject.machine.applied(), appliedOf(history));
  },

  'entries are not changed by being applied': async (world) => {
    const history = world.history();
    await world.subject.apply(history);
    assert.deepEqual(structuredClone(history), structuredClone(world.history()));
  },

  'a request that cannot be decoded is an error, and nothing is applied in its place': async (world) => {
    await failsAt(world, world.undecodableRequest(1, 5));
  },

  'refuses every call after it was closed, which is safe to do twice': async (world) => {
    const { machine } = world.subject;
    await world.subject.apply(world.history());
    await Promise.all([machine.close(), machine.close()]);
    await machine.close();
    await expectRejection(() => world.subject.apply([world.request(3, 61)]), 'STORAGE');
    await expectRejection(() => machine.snapshot(), 'STORAGE');
  },
};

/** For machines with a request that fails. */
export const failingApplyChecks: Checks<World> = {
  'an exception in an apply is passed on, and the entry is not applied': async (world) => {
    await failsAt(world, world.failingRequest(1, 5));
  },
};

/** For machines that keep their state by themselves. */
export const reopenedApplyChecks: Checks<World> = {
  'state, last applied entry and membership are there together when reopened': async (world) => {
    const history = world.history();
    for (const [fromIndex, toIndex] of [
      [0, 20],
      [20, 45],
      [45, 60],
    ] as const) {
      await world.subject.apply(history.slice(fromIndex, toIndex));
      const state = await world.subject.readState();
      expectApplied(await world.subject.reopen(), appliedOf(history.slice(0, toIndex)));
      assert.deepEqual(await world.subject.readState(), state);
    }
  },
};

/** Applies entries 1 to 4, the bad one and one more; the machine must then be where it says it is. */
async function failsAt(world: World, bad: Entry): Promise<void> {
  const before = [world.membership(1, 1, [1]), ...world.requests(1, 2, 5)];
  await world.subject.apply(before.slice(0, 2));
  await assert.rejects(() => world.subject.apply([...before.slice(2), bad, world.request(1, 6)]));
  const { lastApplied } = world.subject.machine.applied();
  // Whether those before it in the same call stay applied is up to the machine.
  assert.ok([2, 4].includes(lastApplied.index), `applied up to ${lastApplied.index}`);
  const applied = before.slice(0, lastApplied.index);
  const other = await world.anotherWith(applied);
  assert.deepEqual(await world.subject.readState(), await other.readState());
  expectApplied(world.subject.machine.applied(), appliedOf(applied));
}

async function applyInBatches(
  subject: World['subject'],
  entries: readonly Entry[],
  size: number,
): Promise<readonly unknown[]> {
  const results: unknown[] = [];
  for (let start = 0; start < entries.length; start += size) {
    results.push(...(await subject.apply(entries.slice(start, start + size))));
  }
  return results;
}
