/** Chooses what a snapshot reads: a copy of the state, or the state itself while applies wait. */
import type { Timers } from '../../ports/clock.ts';
import type { MemStateView } from './mem-state-snapshot.ts';
import { copyState } from './state-copy.ts';
import type { DefaultStateKind } from './state-format.ts';
import { membersOfState } from './state-format.ts';
import { runInTurns } from './state-turns.ts';

/** Makes views of the states of one machine. */
export interface StateReader<State> {
  /** Calls `release` as soon as the view does not need the state as it is: now, or when it was read. */
  view(state: State, release: () => void): Promise<MemStateView>;
}

/** For a state that is taken apart here. */
export function plainStateReader(
  kind: DefaultStateKind,
  mutableLevels: number | null,
  timers: Timers,
): StateReader<unknown> {
  return {
    async view(state, release) {
      const copied = await runInTurns(copyState(state, mutableLevels), timers);
      if (copied === null) {
        return { kind, isDivisible: false, members: () => membersOfState(kind, state), release };
      }
      release();
      return { kind, isDivisible: true, members: () => membersOfState(kind, copied.copy), release: nothing };
    },
  };
}

/** For a state that the application takes apart; `isDetached` if the parts do not depend on what is applied later. */
export function customStateReader<State>(
  partsOf: (state: State) => Iterable<unknown> | AsyncIterable<unknown>,
  isDetached: boolean,
): StateReader<State> {
  return {
    async view(state, release) {
      if (!isDetached) {
        return { kind: 'custom', isDivisible: false, members: () => partsOf(state), release };
      }
      const parts = partsOf(state);
      release();
      return { kind: 'custom', isDivisible: false, members: () => parts, release: nothing };
    },
  };
}

function nothing(): void {
  // The state was released before.
}
