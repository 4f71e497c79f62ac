/** Decides whether a history is linearizable. */
import type { CheckResult, CheckStatistics, Linearization, UndecidedPartition } from './check-result.ts';
import type { Blocked } from './explain/conflict.ts';
import { ConflictWindow } from './explain/conflict.ts';
import { explainViolation } from './explain/explain-violation.ts';
import type { Model, Partition, Precision } from './model.ts';
import type { Operation } from './operation.ts';
import { assertTimes } from './operation.ts';
import type { Item } from './search/item.ts';
import { itemsOf } from './search/item.ts';
import type { LimitReached, SearchLimits } from './search/limits.ts';
import type { SearchResult } from './search/search.ts';
import { searchOrder } from './search/search.ts';

/** Limits of a check. Whatever they are, a verdict other than `undecided` is certain. */
export interface CheckLimits {
  /** How often the model may be asked, for all partitions together. Default: 50 million. */
  readonly maxSteps: number;
  /** How many configurations and states may be remembered at one time: a few hundred bytes each. Default: 1 million. */
  readonly maxCacheEntries: number;
  /** For the explanation of a violation: how often the model may be asked. Default: 5 million. */
  readonly maxExplanationSteps: number;
  /** True when there is no more time: `() => clock.nowMs() > endMs`. Asked now and then. Default: never. */
  readonly isOverdue: () => boolean;
}

export const DEFAULT_CHECK_LIMITS: CheckLimits = Object.freeze({
  maxSteps: 50_000_000,
  maxCacheEntries: 1_000_000,
  maxExplanationSteps: 5_000_000,
  isOverdue: () => false,
});

/**
 * Checks a history against a model: is there an order of the operations, each at one moment between its call and its
 * return, in which the model gives the same answers?
 *
 * Partitions are checked one by one, small ones first. What one leaves of the steps is for the others. The first
 * violation ends the check, also when an earlier partition was given up.
 *
 * ```ts
 * const result = checkLinearizability(recorder.operations(), keyValueModel());
 * if (result.verdict === 'violation') writeFileSync('violation.html', renderTimeline(result.violation));
 * ```
 */
export function checkLinearizability<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
  limits: Partial<CheckLimits> = {},
): CheckResult<Input, Output> {
  assertTimes(operations);
  return new Check(operations, model, { ...DEFAULT_CHECK_LIMITS, ...limits }).run();
}

/** Steps of the first question about a partition, and how many times more each further one gets. */
const FIRST_TURN_STEPS = 500_000;
const TURN_GROWTH = 4;
/** An order would most likely have been found by now, so the rough question gets more. */
const ROUGH_SHARE = 4;

/** For the guess what may be wrong. */
const GUESS_STEPS = 4_000_000;

interface Violated {
  readonly type: 'violation';
  readonly blocked: Blocked;
  readonly precision: Precision;
}

type Decision<Input, Output> = Exclude<SearchResult<Input, Output>, { readonly type: 'none' }> | Violated;

function violationAt({ returnAt }: Item<unknown, unknown>, precision: Precision): Violated {
  return { type: 'violation', blocked: { blockedAt: returnAt, isEnd: false }, precision };
}

class Check<Input, Output, State> {
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #model: Model<Input, Output, State>;
  readonly #limits: CheckLimits;
  readonly #partitions: readonly Partition<Input, Output>[];
  readonly #linearizations: Linearization<Input, Output>[] = [];
  readonly #undecided: UndecidedPartition[] = [];
  #steps = 0;
  #cacheEntries = 0;

  constructor(
    operations: readonly Operation<Input, Output>[],
    model: Model<Input, Output, State>,
    limits: CheckLimits,
  ) {
    this.#operations = operations;
    this.#model = model;
    this.#limits = limits;
    const possible = operations.filter(({ type }) => type !== 'failed');
    const whole = [{ name: 'the whole history', operations: possible }];
    this.#partitions = (model.partition?.(possible) ?? whole).toSorted(
      (a, b) => a.operations.length - b.operations.length,
    );
  }

  run(): CheckResult<Input, Output> {
    for (const [index, partition] of this.#partitions.entries()) {
      const violation = this.#checkPartition(partition, this.#partitions.length - index);
      if (violation !== null) return violation;
    }
    const statistics = this.#statistics();
    if (this.#undecided.length === 0) {
      return { verdict: 'linearizable', statistics, linearizations: this.#linearizations };
    }
    return { verdict: 'undecided', statistics, reason: reasonOf(this.#undecided), undecided: this.#undecided };
  }

  /** `shares`: how many partitions the steps that are left must do for. */
  #checkPartition(partition: Partition<Input, Output>, shares: number): CheckResult<Input, Output> | null {
    // Half for the weaker questions at most, so that the partition itself gets its turn.
    const share = Math.floor((this.#limits.maxSteps - this.#steps) / shares);
    const weakEnd = this.#steps + Math.floor(share / 2);
    for (const weaker of this.#model.weaken?.(partition) ?? []) {
      if (this.#steps >= weakEnd) break;
      const decision = this.#decide(weaker, weakEnd - this.#steps);
      if (decision.type === 'violation') return this.#violation(weaker, decision);
    }
    const decision = this.#decide(partition, Math.floor((this.#limits.maxSteps - this.#steps) / shares));
    if (decision.type === 'violation') return this.#violation(partition, decision);
    if (decision.type === 'found') {
      const order = decision.order.map(({ operation }) => operation);
      this.#linearizations.push({ partition: partition.name, order });
    } else {
      const required = partition.operations.filter(({ type }) => type === 'ok').length;
      this.#undecided.push({ partition: partition.name, limit: decision.limit, placed: decision.placed, required });
    }
    return null;
  }

  /**
   * Most histories are easy, and take a few steps for each operation. For the others it first guesses what may be wrong,
   * then asks by turns exactly, which finds an order if there is one, and roughly, which is better at finding out that
   * there is none; each time with more steps.
   */
  #decide(partition: Partition<Input, Output>, maxSteps: number): Decision<Input, Output> {
    const endSteps = this.#steps + maxSteps;
    let isRoughUseful = this.#model.simplify !== undefined;
    for (let turn = FIRST_TURN_STEPS; ; turn *= TURN_GROWTH) {
      const isFirst = turn === FIRST_TURN_STEPS;
      const left = endSteps - this.#steps;
      const exact = this.#search(partition, 'exact', isFirst || isRoughUseful ? Math.min(turn, left) : left);
      if (exact.type === 'found') return exact;
      if (exact.type === 'none') return violationAt(exact.blocked, 'exact');
      if (exact.limit === 'deadline' || this.#steps >= endSteps) return exact;
      const guess = isFirst ? this.#guess(partition, exact.suspects, endSteps - this.#steps) : null;
      if (guess !== null) return guess;
      if (isRoughUseful) {
        const rough = this.#search(partition, 'rough', Math.min(turn * ROUGH_SHARE, endSteps - this.#steps));
        if (rough.type === 'none') return violationAt(rough.blocked, 'rough');
        // Either it can't tell, or it needs more steps.
        isRoughUseful = rough.type === 'gave-up' && rough.limit === 'steps';
      }
      // More steps are of no use to a search that has no room.
      if (exact.limit === 'memory') return exact;
    }
  }

  /** Asks whether a few operations around each suspect are a violation by themselves. */
  #guess(
    partition: Partition<Input, Output>,
    suspects: readonly Item<Input, Output>[],
    left: number,
  ): Decision<Input, Output> | null {
    const { maxCacheEntries, isOverdue } = this.#limits;
    const limits: SearchLimits = { maxSteps: Math.min(GUESS_STEPS, left), maxCacheEntries, isOverdue };
    const window = new ConflictWindow(partition.operations, this.#model, { precision: 'rough', limits });
    const found = suspects.find(({ returnAt }) => window.isViolationAt(returnAt));
    this.#steps += window.steps;
    if (found === undefined) return null;
    return { type: 'violation', blocked: { blockedAt: found.returnAt, isEnd: true }, precision: 'rough' };
  }

  #search(
    { operations }: Partition<Input, Output>,
    precision: Precision,
    maxSteps: number,
  ): SearchResult<Input, Output> {
    const { maxCacheEntries, isOverdue } = this.#limits;
    const limits: SearchLimits = { maxSteps, maxCacheEntries, isOverdue };
    const result = searchOrder(itemsOf(operations, this.#model, { precision }), this.#model, limits);
    this.#steps += result.cost.steps;
    this.#cacheEntries = Math.max(this.#cacheEntries, result.cost.cacheEntries);
    return result;
  }

  #violation(partition: Partition<Input, Output>, { blocked, precision }: Violated): CheckResult<Input, Output> {
    const { maxExplanationSteps: maxSteps, maxCacheEntries, isOverdue } = this.#limits;
    const limits: SearchLimits = { maxSteps, maxCacheEntries, isOverdue };
    const violation = explainViolation(partition, this.#model, { blocked, precision, limits });
    return { verdict: 'violation', statistics: this.#statistics(), violation };
  }

  #statistics(): CheckStatistics {
    const count = (type: Operation<Input, Output>['type']): number =>
      this.#operations.filter((operation) => operation.type === type).length;
    return {
      operations: this.#operations.length,
      ok: count('ok'),
      failed: count('failed'),
      unknown: count('unknown'),
      partitions: this.#partitions.length,
      steps: this.#steps,
      cacheEntries: this.#cacheEntries,
    };
  }
}

const LIMIT_WORDS: Readonly<Record<LimitReached, string>> = {
  steps: 'the limit of steps (maxSteps)',
  memory: 'the limit of memory (maxCacheEntries)',
  deadline: 'the deadline',
};

function reasonOf(undecided: readonly UndecidedPartition[]): string {
  return undecided
    .map(({ partition, limit, placed, required }) => {
      return `${partition}: ${LIMIT_WORDS[limit]} was reached with ${placed} of ${required} operations in order`;
    })
    .join('; ');
}
