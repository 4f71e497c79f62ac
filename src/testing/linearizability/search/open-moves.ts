/** Which open operations are worth placing next: those that what comes right after them depends on. */
import type { Move, Position } from './moves.ts';
import type { OpenClass, OpenOperations, Target } from './open-operations.ts';
import type { PartTable } from './part-table.ts';
import { SEVERAL_PARTS } from './part-table.ts';
import type { Transitions } from './transitions.ts';
import { NO_STATE } from './transitions.ts';

/**
 * Finds the open operations to try. In an order that takes as few of them as possible, each is followed, on its part of
 * the state, by something that could not come there without it, or would lead elsewhere; and all of that was called
 * before the next return. So nothing else needs to be tried, neither instead of it nor right after it. Only a read of
 * several parts may have to wait for the others.
 */
export class OpenMoves<Input, Output, State> {
  readonly #open: OpenOperations<Input, Output, State>;
  readonly #parts: PartTable<Input, Output, State>;
  readonly #transitions: Transitions<Input, Output, State>;
  /** By state: the sensitive classes that have an effect in it. */
  readonly #effective = new Map<number, readonly number[]>();

  constructor(
    open: OpenOperations<Input, Output, State>,
    parts: PartTable<Input, Output, State>,
    transitions: Transitions<Input, Output, State>,
  ) {
    this.#open = open;
    this.#parts = parts;
    this.#transitions = transitions;
  }

  find(position: Position<Input, Output>, isChosen: (part: number) => boolean): readonly Move[] {
    const moves: Move[] = [];
    for (const index of this.#suggestions(position)) {
      const openClass = this.#open.classes[index];
      if (openClass === undefined || !isChosen(openClass.part)) continue;
      if (!this.#open.isAvailable(index, position.untilAt)) continue;
      const stateId = this.#transitions.step(position.stateId, openClass);
      if (stateId === NO_STATE || stateId === position.stateId) continue;
      const isForRead = this.#isForRead(position, openClass, stateId);
      if (!isForRead && !this.#isForNext(position, openClass, stateId)) continue;
      moves.push({ index, isOpen: true, stateId, neededSince: isForRead ? null : position.stateId });
    }
    return moves;
  }

  /** Overwriting classes that make something possible, and the others that have an effect. */
  #suggestions(position: Position<Input, Output>): ReadonlySet<number> {
    const suggested = new Set(this.#effectiveIn(position.stateId));
    for (const { target } of position.candidates) {
      for (const enabler of this.#open.enablersOf(target)) suggested.add(enabler);
    }
    for (const index of this.#open.sensitive) {
      const openClass = this.#open.classes[index];
      if (openClass === undefined || !this.#open.isAvailable(index, position.untilAt)) continue;
      for (const enabler of this.#open.enablersOf(openClass)) suggested.add(enabler);
    }
    return suggested;
  }

  /** What may come right after the open class that led here from the state `sinceId`. */
  findDependent(position: Position<Input, Output>, part: number, sinceId: number): readonly Move[] {
    const { candidates, stateId } = position;
    const moves: Move[] = [];
    for (const { index, target, stateId: afterId } of candidates) {
      const isPossible = target.part === part && afterId !== NO_STATE;
      if (isPossible && this.#transitions.step(sinceId, target) !== afterId) {
        moves.push({ index, isOpen: false, stateId: afterId, neededSince: null });
      }
    }
    for (const index of this.#effectiveIn(stateId)) {
      const openClass = this.#open.classes[index];
      if (openClass?.part !== part || !this.#open.isAvailable(index, position.untilAt)) continue;
      const afterId = this.#transitions.step(stateId, openClass);
      if (this.#transitions.step(sinceId, openClass) === afterId) continue;
      const isForRead = this.#isForRead(position, openClass, afterId);
      if (!isForRead && !this.#isForNext(position, openClass, afterId)) continue;
      moves.push({ index, isOpen: true, stateId: afterId, neededSince: isForRead ? null : stateId });
    }
    return moves;
  }

  /** Does the class, which leads to the state `afterId`, bring a read of several parts nearer? */
  #isForRead(position: Position<Input, Output>, openClass: OpenClass<Input, Output>, afterId: number): boolean {
    return position.candidates.some(({ target }) => {
      return target.part === SEVERAL_PARTS && this.#helpsRead(target, openClass.part, [position.stateId, afterId]);
    });
  }

  /** Does anything that could come next depend on the class, which leads to the state `afterId`? */
  #isForNext(position: Position<Input, Output>, openClass: OpenClass<Input, Output>, afterId: number): boolean {
    const { candidates, stateId, untilAt } = position;
    const isDependent = candidates.some(({ target, stateId: withoutId }) => {
      if (target.part !== openClass.part) return false;
      const withId = this.#transitions.step(afterId, target);
      return withId !== NO_STATE && withId !== withoutId;
    });
    if (isDependent) return true;
    return this.#effectiveIn(afterId).some((index) => {
      const next = this.#open.classes[index];
      if (next?.part !== openClass.part || !this.#open.isAvailable(index, untilAt)) return false;
      return this.#transitions.step(afterId, next) !== this.#transitions.step(stateId, next);
    });
  }

  /** Whether the part keeps a read of several from answering so before, and not after. */
  #helpsRead({ input, output }: Target<Input, Output>, part: number, [beforeId, afterId]: [number, number]): boolean {
    if (output === undefined) return false;
    const differs = (stateId: number): boolean =>
      this.#parts.differences(this.#transitions.stateOf(stateId), input, output).includes(part);
    return differs(beforeId) && !differs(afterId);
  }

  #effectiveIn(stateId: number): readonly number[] {
    let effective = this.#effective.get(stateId);
    if (effective === undefined) {
      effective = this.#open.sensitive.filter((index) => {
        const openClass = this.#open.classes[index];
        const afterId = openClass === undefined ? NO_STATE : this.#transitions.step(stateId, openClass);
        return afterId !== NO_STATE && afterId !== stateId;
      });
      this.#effective.set(stateId, effective);
    }
    return effective;
  }
}
