/** The model behind small numbers: states and steps are computed once and compared as integers. */
import type { Model } from '../model.ts';
import type { SearchLimits } from './limits.ts';
import { LimitError, limitReached } from './limits.ts';

/** Stands for "it could not have answered so". */
export const NO_STATE = -1;

/** What of an operation a step depends on. */
export interface Asked<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
}

/** Steps that are kept to be looked up; then all are forgotten. */
const KNOWN_STEPS_MAX = 1_000_000;

/** Questions of the clock are rare. */
const STEPS_PER_LIMIT_CHECK = 4096;

export class Transitions<Input, Output, State> {
  readonly initialId: number;
  readonly #model: Model<Input, Output, State>;
  readonly #states: State[] = [];
  readonly #ids = new Map<string | number, number>();
  /** Of each operation: the state after it by the state before. */
  #known = new Map<Asked<Input, Output>, Map<number, number>>();
  readonly #limits: SearchLimits;
  #knownSteps = 0;
  #steps = 0;

  constructor(model: Model<Input, Output, State>, limits: SearchLimits) {
    this.#model = model;
    this.#limits = limits;
    this.initialId = this.#idOf(model.initial());
  }

  /** How many steps were asked for. */
  get steps(): number {
    return this.#steps;
  }

  /** How many different states it has seen. */
  get states(): number {
    return this.#states.length;
  }

  /** The state after the operation, or `NO_STATE`; throws a `LimitError` now and then beyond the limits. The same object stands for the same operation. */
  step(stateId: number, asked: Asked<Input, Output>): number {
    this.#steps += 1;
    if (this.#steps % STEPS_PER_LIMIT_CHECK === 0) this.#checkLimits();
    const ofAsked = this.#knownOf(asked);
    const known = ofAsked.get(stateId);
    if (known !== undefined) return known;
    const step = this.#model.step(this.stateOf(stateId), asked.input, asked.output);
    const after = step.ok ? this.#idOf(step.state) : NO_STATE;
    ofAsked.set(stateId, after);
    this.#knownSteps += 1;
    return after;
  }

  /** One move of a search may need many steps where many operations are open. */
  #checkLimits(): void {
    const limit = limitReached({ steps: this.#steps, cacheEntries: this.states }, this.#limits);
    if (limit !== null) throw new LimitError(limit);
  }

  stateOf(stateId: number): State {
    // Ids are positions in the list, so there is a state, though it may be `undefined` itself.
    return this.#states[stateId] as State;
  }

  #knownOf(asked: Asked<Input, Output>): Map<number, number> {
    if (this.#knownSteps >= KNOWN_STEPS_MAX) {
      this.#known = new Map();
      this.#knownSteps = 0;
    }
    let known = this.#known.get(asked);
    if (known === undefined) {
      known = new Map();
      this.#known.set(asked, known);
    }
    return known;
  }

  #idOf(state: State): number {
    const key = this.#model.key(state);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#states.length;
    this.#ids.set(key, id);
    this.#states.push(state);
    return id;
  }
}
