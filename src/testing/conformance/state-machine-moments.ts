/** The states that a machine goes through, one for each entry: what is there after a crash must be one of them. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import type { LogIndex } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import { NO_MEMBERSHIP } from '../../core/membership/membership.ts';
import type { AppliedState } from '../../ports/state-machine.ts';
import type { StateMachineWorld } from './state-machine-world.ts';
import { appliedOf, expectApplied } from './state-machine-world.ts';

type World = StateMachineWorld<unknown, unknown>;
type Subject = World['subject'];

/** What a machine has applied, and the state that belongs to it. */
interface Moment {
  readonly applied: AppliedState;
  readonly state: unknown;
}

export class Moments {
  readonly #moments: readonly Moment[];

  private constructor(moments: readonly Moment[]) {
    this.#moments = moments;
  }

  /** Applies the entries, which start at index 1, one by one to a machine of their own. */
  static async of(world: World, entries: readonly Entry[]): Promise<Moments> {
    const twin = await world.another();
    const nothing: AppliedState = { lastApplied: NO_LOG_ID, lastTimeMs: 0, membership: NO_MEMBERSHIP };
    const moments: Moment[] = [{ applied: nothing, state: await twin.readState() }];
    for (const [position, entry] of entries.entries()) {
      await twin.apply([entry]);
      moments.push({ applied: appliedOf(entries.slice(0, position + 1)), state: await twin.readState() });
    }
    return new Moments(moments);
  }

  /** The machine must be at one of the moments from `firstIndex` to `lastIndex`, both included. Returns at which. */
  async expect(subject: Subject, firstIndex: LogIndex, lastIndex: LogIndex): Promise<LogIndex> {
    const applied = subject.machine.applied();
    const { index } = applied.lastApplied;
    const range = firstIndex === lastIndex ? `${lastIndex}` : `${firstIndex} to ${lastIndex}`;
    assert.ok(index >= firstIndex && index <= lastIndex, `entry ${index} is the last applied one, expected ${range}`);
    const moment = this.#moments[index];
    assert.ok(moment !== undefined, `the machine says that it applied entry ${index}, which does not exist`);
    expectApplied(applied, moment.applied);
    assert.deepEqual(await subject.readState(), moment.state, `the state does not belong to entry ${index}`);
    return index;
  }
}
