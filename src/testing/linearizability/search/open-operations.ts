/**
 * The operations that may be placed at any time after their call, or never. Three things keep many of them cheap, and
 * none of them loses a linearization:
 *
 * - Operations that ask for the same are alike: the one that was called first goes first.
 * - Taking one is of use only if what comes next on its part of the state depends on it. For those that overwrite,
 *   what they make possible is worked out once.
 * - With the same done, having taken fewer is never worse (see `Visited`).
 */
import type { Model } from '../model.ts';
import type { Item } from './item.ts';
import type { PartTable } from './part-table.ts';
import { SEVERAL_PARTS } from './part-table.ts';
import type { Asked, Transitions } from './transitions.ts';
import { NO_STATE } from './transitions.ts';

/** Open operations that ask for the same. */
export interface OpenClass<Input, Output> extends Asked<Input, Output> {
  readonly part: number;
  readonly isOverwrite: boolean;
  /** In order of their calls. */
  readonly items: readonly Item<Input, Output>[];
  /** Number of the first item's bit; the others follow. */
  readonly firstBit: number;
}

/** An operation whose answer may depend on an open one. */
export interface Target<Input, Output> extends Asked<Input, Output> {
  readonly part: number;
}

export class OpenOperations<Input, Output, State> {
  readonly classes: readonly OpenClass<Input, Output>[];
  /** Classes that do not overwrite: they may need others, and what they do depends on the state. */
  readonly sensitive: readonly number[];
  readonly #model: Model<Input, Output, State>;
  readonly #parts: PartTable<Input, Output, State>;
  readonly #transitions: Transitions<Input, Output, State>;
  readonly #taken: Int32Array;
  readonly #bits: Uint32Array;
  readonly #enablers = new Map<Target<Input, Output>, readonly number[]>();
  /** The state that each overwriting class leaves behind an initial one; `NO_STATE` for the others. */
  #left: readonly number[] | null = null;

  constructor(
    items: readonly Item<Input, Output>[],
    model: Model<Input, Output, State>,
    parts: PartTable<Input, Output, State>,
    transitions: Transitions<Input, Output, State>,
  ) {
    this.#model = model;
    this.#parts = parts;
    this.#transitions = transitions;
    this.classes = this.#classify(items);
    this.sensitive = [...this.classes.keys()].filter((index) => this.classes[index]?.isOverwrite === false);
    this.#taken = new Int32Array(this.classes.length);
    this.#bits = new Uint32Array(Math.ceil(items.length / 32));
  }

  /** Is one of the class left that was called by the given time? */
  isAvailable(index: number, untilAt: number): boolean {
    const item = this.classes[index]?.items[this.#taken[index] ?? 0];
    return item !== undefined && item.callAt <= untilAt;
  }

  take(index: number): void {
    this.#flip(index, this.#taken[index] ?? 0);
    this.#taken[index] = (this.#taken[index] ?? 0) + 1;
  }

  putBack(index: number): void {
    this.#taken[index] = (this.#taken[index] ?? 0) - 1;
    this.#flip(index, this.#taken[index] ?? 0);
  }

  /** What is taken, as a copy. */
  words(): Uint32Array {
    return this.#bits.slice();
  }

  /** Overwriting classes after which the target could answer as it must; none if it always can. */
  enablersOf(target: Target<Input, Output>): readonly number[] {
    let enablers = this.#enablers.get(target);
    if (enablers === undefined) {
      enablers = this.#isOverwrite(target) ? [] : this.#findEnablers(target);
      this.#enablers.set(target, enablers);
    }
    return enablers;
  }

  /** Among all classes, whatever is taken and whoever has called: it is looked up often. */
  #findEnablers(target: Target<Input, Output>): readonly number[] {
    this.#left ??= this.classes.map((openClass) =>
      openClass.isOverwrite ? this.#transitions.step(this.#transitions.initialId, openClass) : NO_STATE,
    );
    const enablers: number[] = [];
    for (const [index, left] of this.#left.entries()) {
      if (left !== NO_STATE && this.#enables(index, left, target)) enablers.push(index);
    }
    return enablers;
  }

  #enables(index: number, left: number, target: Target<Input, Output>): boolean {
    const { input, output, part } = target;
    const ownPart = this.classes[index]?.part;
    if (part !== SEVERAL_PARTS) return part === ownPart && this.#transitions.step(left, target) !== NO_STATE;
    if (output === undefined) return false;
    const differing = this.#parts.differences(this.#transitions.stateOf(left), input, output);
    return !differing.includes(ownPart ?? null);
  }

  #classify(items: readonly Item<Input, Output>[]): readonly OpenClass<Input, Output>[] {
    const groups = new Map<string, Item<Input, Output>[]>();
    for (const item of items.toSorted((a, b) => a.callAt - b.callAt)) {
      const key = JSON.stringify([item.input, item.output]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
    const classes: OpenClass<Input, Output>[] = [];
    let firstBit = 0;
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      const { output, input } = first;
      const isOverwrite = this.#isOverwrite({ input, output });
      const part = this.#parts.numberOf(input);
      classes.push({ input, output, part, isOverwrite, items: group, firstBit });
      firstBit += group.length;
    }
    return classes;
  }

  #isOverwrite({ input, output }: Asked<Input, Output>): boolean {
    return this.#model.isOverwrite?.(input, output) ?? false;
  }

  #flip(index: number, position: number): void {
    const bit = (this.classes[index]?.firstBit ?? 0) + position;
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) ^ (1 << (bit & 31));
  }
}
