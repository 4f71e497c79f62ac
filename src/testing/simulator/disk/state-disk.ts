/** The part of a simulated disk where a state machine keeps its state, together with how far it is. */
import type { AppliedState } from '../../../ports/state-machine.ts';
import type { DiskConditions } from './disk-conditions.ts';

/** A state and what is applied to it: they change together, or not at all. */
export interface SavedState<State> {
  readonly state: State;
  readonly applied: AppliedState;
}

export class StateDisk<State> {
  readonly #conditions: DiskConditions;
  #saved: SavedState<State> | null = null;
  #underWay: SavedState<State> | null = null;

  constructor(conditions: DiskConditions) {
    this.#conditions = conditions;
  }

  get saved(): SavedState<State> | null {
    return this.#saved;
  }

  /** Durable when it resolves. The state must not change afterwards. */
  async save(next: SavedState<State>): Promise<void> {
    this.#underWay = next;
    const fault = await this.#conditions.before({ type: 'commit', path: 'state', bytes: 0 });
    if (fault !== null) throw fault.error;
    this.#saved = next;
    this.#underWay = null;
  }

  /** The process died: what was under way is there, or it is not. */
  crash(isLastSaveDone: boolean): void {
    if (isLastSaveDone && this.#underWay !== null) this.#saved = this.#underWay;
    this.#underWay = null;
  }
}
