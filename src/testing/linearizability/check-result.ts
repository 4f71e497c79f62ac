/** What a check says. */
import type { ShownViolation } from './explain/violation.ts';
import type { Operation } from './operation.ts';
import type { LimitReached } from './search/limits.ts';

export interface CheckStatistics {
  readonly operations: number;
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  readonly partitions: number;
  /** Questions to the model, without those for the explanation of a violation. */
  readonly steps: number;
  /** The most configurations and states that were remembered at one time. */
  readonly cacheEntries: number;
}

/** An order that explains the history of one partition. Operations of unknown outcome are in it where they are needed. */
export interface Linearization<Input, Output> {
  readonly partition: string;
  readonly order: readonly Operation<Input, Output>[];
}

/** A partition that was given up. */
export interface UndecidedPartition {
  readonly partition: string;
  readonly limit: LimitReached;
  /** So many of the partition's answered operations could be put in order at one time, of so many. */
  readonly placed: number;
  readonly required: number;
}

/**
 * - `linearizable`: there is such an order, and here it is.
 * - `violation`: there is certainly none.
 * - `undecided`: a limit was reached before either was known, in the partitions named; the others are linearizable.
 */
export type CheckResult<Input, Output> =
  | {
      readonly verdict: 'linearizable';
      readonly statistics: CheckStatistics;
      readonly linearizations: readonly Linearization<Input, Output>[];
    }
  | {
      readonly verdict: 'violation';
      readonly statistics: CheckStatistics;
      readonly violation: ShownViolation<Input, Output>;
    }
  | {
      readonly verdict: 'undecided';
      readonly statistics: CheckStatistics;
      /** For people: what was reached, and how far the search came. */
      readonly reason: string;
      readonly undecided: readonly UndecidedPartition[];
    };
