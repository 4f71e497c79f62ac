/** A violation as it is shown to a person. */
import type { Operation } from '../operation.ts';

export interface ShownOperation<Input, Output> {
  readonly operation: Operation<Input, Output>;
  /** `read → 1` */
  readonly label: string;
  /**
   * - `placed`: it belongs to the conflict, and has its place in the order that comes farthest.
   * - `stuck`: it belongs to the conflict, and fits nowhere in that order.
   * - `context`: it does not belong to the conflict, but to that order.
   * - `assumed`: the same, with a place that may be later than its return: also then there is no order.
   */
  readonly role: 'placed' | 'stuck' | 'context' | 'assumed';
}

/** One place in the order that comes farthest. */
export interface ShownStep {
  /** Position in `operations`. */
  readonly operation: number;
  /** The model's state after it. */
  readonly state: string;
  /** So many operations come between the step before and this one, and are not shown. */
  readonly hiddenBefore: number;
}

/** Operations that can't all be right, and an order that comes as far as possible. */
export interface ShownViolation<Input, Output> {
  readonly model: string;
  readonly partition: string;
  /** In order of their calls. */
  readonly operations: readonly ShownOperation<Input, Output>[];
  readonly steps: readonly ShownStep[];
  readonly initialState: string;
  /** After all steps, also those that are not shown. */
  readonly finalState: string;
  /** Of the partition; so many of them are shown at least. */
  readonly total: number;
  /** Size of the conflict: answered operations that can't all be right. */
  readonly conflict: number;
  /**
   * Whether none of them can be left out. The other operations of the partition then make no difference: no order would
   * exist even if each of them had taken effect at any time after its call, or never.
   */
  readonly isMinimal: boolean;
}
