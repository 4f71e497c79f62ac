/** Reduces a violation to few operations. */
import type { Model, Precision } from '../model.ts';
import type { Operation } from '../operation.ts';
import { itemsOf } from '../search/item.ts';
import type { SearchLimits } from '../search/limits.ts';
import type { SearchResult } from '../search/search.ts';
import { searchOrder } from '../search/search.ts';
import { leadsTo } from './leads-to.ts';

/** How the steps for one question relate to those for all: a question that is too hard must not use them up. */
const QUESTIONS_MIN = 20;

/** So many operations are tried first for a conflict, then twice as many, and so on. */
const FIRST_GUESS = 4;
const GUESS_MAX = 64;
/** Where so many operations are no conflict, or none that can be shown, looking for a small one takes too long. */
const REDUCED_MAX = 512;
/** Of all steps, so many may go into the search for a first conflict: hard models need them all, and find none. */
const GUESS_SHARE = 0.2;
/** Of operations that may have led to the answer that does not fit. */
const SOURCES_MAX = 8;

/** Answered operations that can't all be right, whatever the others of the window did. */
export interface Conflict<Input, Output> {
  readonly core: ReadonlySet<Operation<Input, Output>>;
  /** Those of them that return last: without them, all others up to then are in order. */
  readonly last: readonly Operation<Input, Output>[];
  /** Whether every one of them is needed. */
  readonly isMinimal: boolean;
}

/** When an operation returns whose return no order gets past. */
export interface Blocked {
  readonly blockedAt: number;
  /** Whether it is known that what happened until then is a violation by itself. */
  readonly isEnd: boolean;
}

export interface ConflictOptions {
  readonly precision: Precision;
  readonly limits: SearchLimits;
}

/**
 * The beginning of a history that is the shortest to be a violation: what was answered by then is required, what was
 * called by then is open, and what came later is not there. It means the same as the whole history, since a history is
 * only linearizable if each of its beginnings is.
 */
export class ConflictWindow<Input, Output, State> {
  readonly #history: readonly Operation<Input, Output>[];
  readonly #model: Model<Input, Output, State>;
  readonly #precision: Precision;
  readonly #limits: SearchLimits;
  #window: readonly Operation<Input, Output>[];
  #steps = 0;
  #isDecided = true;

  constructor(
    operations: readonly Operation<Input, Output>[],
    model: Model<Input, Output, State>,
    { precision, limits }: ConflictOptions,
  ) {
    this.#history = operations;
    this.#model = model;
    this.#precision = precision;
    this.#limits = limits;
    this.#window = operations;
  }

  /**
   * Makes operations open as long as the rest is still a violation. That keeps the meaning: a linearizable history stays
   * one when less is known of it. First looks for the few most likely ones that are a violation, since questions about
   * many open operations next to many required ones are hard; then leaves out of these what it can, by halves
   * (QuickXplain).
   */
  reduce({ blockedAt, isEnd }: Blocked): Conflict<Input, Output> {
    const endAt = isEnd ? blockedAt : this.#findEnd(blockedAt);
    this.#window = this.#history.filter(({ callAt }) => callAt <= endAt);
    const required = this.#byRelevance(this.#answeredBy(endAt), endAt);
    let size = Math.min(FIRST_GUESS, required.length);
    const guessEnd = this.#steps + GUESS_SHARE * this.#limits.maxSteps;
    while (size < required.length && !this.#isViolation(required.slice(0, size))) {
      size = this.#steps < guessEnd ? Math.min(size * 2, required.length) : required.length;
    }
    if (size > REDUCED_MAX) return this.#conflictOf(required, { endAt, isMinimal: false });
    this.#isDecided = true;
    const core = this.#needed([], false, required.slice(0, size));
    // Questions that were given up may have made it too small.
    const isCertain = this.#isDecided || this.#isViolation(core);
    return this.#conflictOf(isCertain ? core : required, { endAt, isMinimal: this.#isDecided });
  }

  #conflictOf(
    members: readonly Operation<Input, Output>[],
    { endAt, isMinimal }: { readonly endAt: number; readonly isMinimal: boolean },
  ): Conflict<Input, Output> {
    const last = members.filter((operation) => returnOf(operation) === endAt);
    return { core: new Set(members), last, isMinimal };
  }

  /** Whether a few of the operations up to this return are a violation. That it is one is certain, that it is none not. */
  isViolationAt(endAt: number): boolean {
    this.#window = this.#history.filter(({ callAt }) => callAt <= endAt);
    const required = this.#byRelevance(this.#answeredBy(endAt), endAt);
    for (let size = FIRST_GUESS; size <= GUESS_MAX; size *= 2) {
      if (this.#isViolation(required.slice(0, size))) return true;
    }
    return false;
  }

  /** Questions to the model so far. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * The operation at which the window ends, what may have led to its answer, and then by turns the latest before it and
   * the latest beside it.
   */
  #byRelevance(required: readonly Operation<Input, Output>[], endAt: number): readonly Operation<Input, Output>[] {
    const last = required.filter((operation) => returnOf(operation) === endAt);
    const calledAt = Math.min(...last.map(({ callAt }) => callAt));
    const others = required.filter((operation) => !last.includes(operation));
    const sources = others.filter((operation) => leadsTo(operation, last, this.#model)).slice(0, SOURCES_MAX);
    const before = others.filter((operation) => returnOf(operation) < calledAt);
    const beside = others.filter((operation) => returnOf(operation) >= calledAt);
    const byTurns = before.flatMap((operation, index) => [operation, ...beside.slice(index, index + 1)]);
    return [...new Set([...last, ...sources, ...byTurns, ...beside])];
  }

  /**
   * When the shortest beginning that is a violation ends: at `blockedAt`, or a little later where the answers to what was
   * under way matter. Goes ahead in steps that double, then halves. A question that is too hard counts as a violation:
   * the first one nearly always is, and a window that is none shows in the next questions.
   */
  #findEnd(blockedAt: number): number {
    const returns = [...new Set(this.#answeredBy(Number.POSITIVE_INFINITY).map(returnOf))]
      .filter((returnAt) => returnAt >= blockedAt)
      .toReversed();
    let low = 0;
    let high = 0;
    for (let stride = 1; high < returns.length - 1 && this.#isOrderly(returns[high] ?? blockedAt); stride *= 2) {
      low = high + 1;
      high = Math.min(high + stride, returns.length - 1);
    }
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#isOrderly(returns[middle] ?? blockedAt)) low = middle + 1;
      else high = middle;
    }
    return returns[high] ?? blockedAt;
  }

  #isOrderly(endAt: number): boolean {
    this.#window = this.#history.filter(({ callAt }) => callAt <= endAt);
    return !this.#isSpent() && this.search(new Set(this.#answeredBy(endAt))).type === 'found';
  }

  /** What returned by then, the latest first. */
  #answeredBy(endAt: number): readonly Operation<Input, Output>[] {
    return this.#history
      .filter((operation) => operation.type === 'ok' && operation.returnAt <= endAt)
      .toSorted((a, b) => returnOf(b) - returnOf(a));
  }

  /** Searches with the given operations required and all others of the window open. */
  search(required: ReadonlySet<Operation<Input, Output>>): SearchResult<Input, Output> {
    return this.#search(this.#window, (operation) => !required.has(operation));
  }

  /** Searches the window as it was answered, without some of its operations. */
  searchWithout(left: readonly Operation<Input, Output>[], endAt: number): SearchResult<Input, Output> {
    const rest = this.#window.filter((operation) => !left.includes(operation));
    return this.#search(rest, (operation) => returnOf(operation) > endAt);
  }

  #search(
    operations: readonly Operation<Input, Output>[],
    isOpen: (operation: Operation<Input, Output>) => boolean,
  ): SearchResult<Input, Output> {
    const items = itemsOf(operations, this.#model, { isOpen, precision: this.#precision });
    const left = Math.max(0, this.#limits.maxSteps - this.#steps);
    const maxSteps = Math.min(left, this.#limits.maxSteps / QUESTIONS_MIN);
    const result = searchOrder(items, this.#model, { ...this.#limits, maxSteps });
    // To put the question costs about as much as a step for each operation.
    this.#steps += result.cost.steps + items.length;
    return result;
  }

  /** Which of `candidates` are needed beside `background`, given that both together are a violation. */
  #needed(
    background: readonly Operation<Input, Output>[],
    isGrown: boolean,
    candidates: readonly Operation<Input, Output>[],
  ): readonly Operation<Input, Output>[] {
    if (candidates.length === 0 || (isGrown && this.#isViolation(background))) return [];
    if (candidates.length === 1 || this.#isSpent()) return candidates;
    const half = Math.ceil(candidates.length / 2);
    const [near, far] = [candidates.slice(0, half), candidates.slice(half)];
    const neededFar = this.#needed([...background, ...near], true, far);
    const neededNear = this.#needed([...background, ...neededFar], neededFar.length > 0, near);
    return [...neededNear, ...neededFar];
  }

  #isViolation(required: readonly Operation<Input, Output>[]): boolean {
    const type = this.#isSpent() ? 'gave-up' : this.search(new Set(required)).type;
    if (type === 'gave-up') this.#isDecided = false;
    return type === 'none';
  }

  #isSpent(): boolean {
    return this.#steps >= this.#limits.maxSteps || this.#limits.isOverdue();
  }
}

function returnOf(operation: Operation<unknown, unknown>): number {
  return operation.type === 'ok' ? operation.returnAt : Number.POSITIVE_INFINITY;
}
