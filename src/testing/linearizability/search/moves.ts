/** Where the search stands, and which parts of the state it goes on with. */
import type { Target } from './open-operations.ts';
import type { PartTable } from './part-table.ts';
import { SEVERAL_PARTS } from './part-table.ts';
import type { Transitions } from './transitions.ts';

/** Placing one operation. */
export interface Move {
  /** Number of a required operation, or of a class of open ones. */
  readonly index: number;
  readonly isOpen: boolean;
  /** The state after it. */
  readonly stateId: number;
  /**
   * Of an open operation: the state before it, if what comes next must be something that would not be possible there,
   * or would lead elsewhere. Otherwise the operation would be taken for nothing.
   */
  readonly neededSince: number | null;
}

/** A required operation that was called before any remaining one returned. */
export interface Candidate<Input, Output> {
  readonly index: number;
  readonly target: Target<Input, Output>;
  /** Event number of its return. */
  readonly returnEvent: number;
  /** The state after it; `NO_STATE` when it can't come next. */
  readonly stateId: number;
}

/** Where the search stands. */
export interface Position<Input, Output> {
  readonly stateId: number;
  /** No reads that fit: those are placed already. */
  readonly candidates: readonly Candidate<Input, Output>[];
  /** The candidate that returns first: nothing that was called after its return may come before it. */
  readonly urgent: Candidate<Input, Output>;
  /** When it returns. */
  readonly untilAt: number;
}

/**
 * The parts of the state to go on with; `null` for all, 'none' when the operation that must be placed now never can be.
 * They are chosen such that nothing on other parts can change what operations on these do (a stubborn set), so that
 * those on other parts may as well come later. It starts from the operation that returns first, which must be placed
 * now. A read of several parts waits until they are all as it saw them, so it is enough to try one part that is not;
 * operations on any part of the set may spoil such a read, so that all of them have a say.
 */
export function chooseParts<Input, Output, State>(
  { candidates, urgent, stateId }: Position<Input, Output>,
  parts: PartTable<Input, Output, State>,
  transitions: Transitions<Input, Output, State>,
): ReadonlySet<number> | 'none' | null {
  if (parts.count <= 1) return null;
  const chosen = new Set<number>();
  if (urgent.target.part !== SEVERAL_PARTS) chosen.add(urgent.target.part);
  const reads = candidates.filter(({ target }) => target.part === SEVERAL_PARTS);
  for (const { target } of [urgent, ...reads]) {
    if (target.part !== SEVERAL_PARTS || target.output === undefined) continue;
    const differing = parts.differences(transitions.stateOf(stateId), target.input, target.output);
    // A read that can never be right ends the search when its turn comes, so that what is before it is still tried.
    if (differing.includes(null) && target === urgent.target) return 'none';
    if (differing.includes(null)) continue;
    if (differing.some((part) => part !== null && chosen.has(part))) continue;
    const [first] = differing;
    if (first !== undefined && first !== null) chosen.add(first);
  }
  return chosen;
}
