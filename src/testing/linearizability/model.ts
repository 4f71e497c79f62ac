/** What a correct object does when it is used by one client at a time: the yardstick of a linearizability check. */
import type { Operation } from './operation.ts';

/** The state after an operation, or that it could not have answered so. */
export type Step<State> = { readonly ok: true; readonly state: State } | { readonly ok: false };

/** Operations that can be checked without the rest of the history. */
export interface Partition<Input, Output> {
  /** For people: `key "a"`. */
  readonly name: string;
  readonly operations: readonly Operation<Input, Output>[];
}

/**
 * For models whose state has parts that operations touch one at a time, such as the keys of a store. It lets the search
 * of a partition with several parts leave the order of operations on different parts open.
 */
export interface Parts<Input, Output, State> {
  /**
   * The only part that the operation reads and writes; `null` when it reads several. Operations on different parts
   * commute. An operation on several parts must be read-only.
   */
  partOf(input: Input): string | null;
  /** Of a read of several parts: those whose value in `state` is not what `output` says. Empty: it answers so. */
  differences(state: State, input: Input, output: Output): readonly string[];
}

/** A value that a part of the state may have. Equal if their JSON is. */
export interface HeldValue {
  /** Anything, if the state has only one part. */
  readonly part: string;
  readonly value: unknown;
}

/** See `Model.simplify`. */
export type Precision = 'exact' | 'rough';

/**
 * For models in which it can be told beforehand which values operations leave behind. It lets the search turn back as
 * soon as a value is gone that an operation still has to see, and that nothing can bring back.
 */
export interface Values<Input, Output, State> {
  /** What the part has after the operation, if it has an effect; `null` if it never has one. */
  writtenBy(input: Input, output: Output | undefined): HeldValue | null;
  /** What the state must have for the operation to answer so, as far as it can be told. */
  neededBy(input: Input, output: Output): readonly HeldValue[];
  isHeld(state: State, value: HeldValue): boolean;
}

/**
 * A sequential specification. All functions are pure, and states are values: `step` returns a new one or the same one,
 * and never changes what it was given.
 */
export interface Model<Input, Output, State> {
  readonly name: string;
  initial(): State;
  /**
   * Whether `input` may answer `output` in `state`, and the state after it. `output` is `undefined` when nobody knows
   * it: the state after the operation took effect then, or not ok when it can have no effect in this state.
   */
  step(state: State, input: Input, output: Output | undefined): Step<State>;
  /** Equal for states that no later operation can tell apart, and only for those. */
  key(state: State): string | number;
  /**
   * Whether the operation, if it answers so, has no effect in any state. Those of unknown outcome are left out; the
   * others are placed as soon as they fit.
   */
  isReadOnly(input: Input, output: Output | undefined): boolean;
  /**
   * Whether the operation answers so in every state, and leaves the same state (or part of it) behind whatever it was
   * before. Optional: it makes histories with many unknown outcomes cheap.
   */
  isOverwrite?(input: Input, output: Output | undefined): boolean;
  readonly parts?: Parts<Input, Output, State>;
  readonly values?: Values<Input, Output, State>;
  /**
   * For services that tell when they applied an operation: that time. The model must refuse it after a later one.
   * Optional: it spares the search from trying other orders. `null`: the answer does not tell.
   */
  appliedAt?(input: Input, output: Output): number | null;
  /**
   * For a history of these operations: which input may stand for which, since none of them can tell the difference. For
   * example, all values that nobody read are as good as one. Optional: it makes unknown outcomes that nobody saw alike.
   *
   * With `rough`, an input may also stand for one that allows less, so that a history without an order then has none at
   * all, but not the other way round. It is tried where the exact question is too hard.
   */
  simplify?(operations: readonly Operation<Input, Output>[], precision: Precision): (input: Input) => Input;
  /**
   * Splits a history so that it is linearizable exactly when each partition is. By default it is one. Operations that
   * failed are not in it.
   */
  partition?(operations: readonly Operation<Input, Output>[]): readonly Partition<Input, Output>[];
  /**
   * Histories that must be linearizable if the given partition is, but say less: cheap to check, and easier to read when
   * they are not. Checked before the partition itself.
   */
  weaken?(partition: Partition<Input, Output>): Iterable<Partition<Input, Output>>;
  /** One operation in a few words; `output` is `undefined` when nobody knows it. */
  describe(input: Input, output: Output | undefined): string;
  describeState(state: State): string;
}

/** The answer of `step` for an operation that could not have answered so. */
export const REFUSED: { readonly ok: false } = Object.freeze({ ok: false });

/** The answer of `step` for an operation that leaves `state` behind. */
export function accepted<State>(state: State): Step<State> {
  return { ok: true, state };
}

/**
 * Makes many independent objects of one: the history is split by the key of each input. Inputs may have more fields than
 * those of the model, which does not look at them: the key, for example.
 */
export function perKey<Input, Output, State, Keyed extends Input = Input>(
  model: Model<Input, Output, State>,
  keyOf: (input: Keyed) => string,
): Model<Keyed, Output, State> {
  // Its functions take any input that has their fields. A simplified one may lack the key: nobody looks for it there.
  const inner = model as unknown as Model<Keyed, Output, State>;
  return {
    ...inner,
    name: `${model.name} per key`,
    partition: (operations) => groupByKey(operations, keyOf),
    describe: (input, output) => `${keyOf(input)}: ${inner.describe(input, output)}`,
  };
}

/** One partition a key, in the order of their first operations. */
export function groupByKey<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  keyOf: (input: Input) => string,
): readonly Partition<Input, Output>[] {
  const groups = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const key = keyOf(operation.input);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [operation]);
    else group.push(operation);
  }
  return [...groups].map(([key, group]) => ({ name: `key ${JSON.stringify(key)}`, operations: group }));
}
