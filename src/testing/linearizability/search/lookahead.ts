/** Knows when a value is gone that an operation still has to see. */
import type { HeldValue, Model, Values } from '../model.ts';
import type { Asked } from './transitions.ts';

/** A value, and who has to do with it. */
export interface Watched {
  readonly value: HeldValue;
  /** Operations still to be placed that leave it behind. Open ones count as long as they are not taken. */
  writers: number;
  /** Required operations still to be placed that need it. */
  readers: number;
}

interface Effects {
  readonly written: Watched | null;
  readonly needed: readonly Watched[];
}

/** Counts, for each value that some required operation needs, who can still write it and who must still see it. */
export class Lookahead<Input, Output, State> {
  readonly #values: Values<Input, Output, State> | undefined;
  readonly #watched = new Map<string, Watched>();
  readonly #effects = new Map<Asked<Input, Output>, Effects>();
  /** Values that must stay until they have been seen: nobody can write them again. */
  readonly #endangered = new Set<Watched>();

  constructor(model: Model<Input, Output, State>) {
    this.#values = model.values;
  }

  /** Something to be placed; one call for each operation. */
  expect(asked: Asked<Input, Output>, isRequired: boolean): void {
    if (this.#values === undefined) return;
    let effects = this.#effects.get(asked);
    if (effects === undefined) {
      effects = this.#effectsOf(asked, isRequired, this.#values);
      this.#effects.set(asked, effects);
    }
    this.#change(effects, 1);
  }

  /** It has been placed. */
  place(asked: Asked<Input, Output>): void {
    this.#change(this.#effects.get(asked), -1);
  }

  /** It has been taken back. */
  putBack(asked: Asked<Input, Output>): void {
    this.#change(this.#effects.get(asked), 1);
  }

  /** A value that is gone although something remains that must see it; `null` if there may be an order. */
  missing(state: State): Watched | null {
    for (const watched of this.#endangered) {
      if (this.#values?.isHeld(state, watched.value) === false) return watched;
    }
    return null;
  }

  isReader(asked: Asked<Input, Output>, watched: Watched): boolean {
    return this.#effects.get(asked)?.needed.includes(watched) === true;
  }

  #effectsOf(
    { input, output }: Asked<Input, Output>,
    isRequired: boolean,
    values: Values<Input, Output, State>,
  ): Effects {
    const written = values.writtenBy(input, output);
    const needed = isRequired && output !== undefined ? values.neededBy(input, output) : [];
    return {
      written: written === null ? null : this.#watch(written),
      needed: needed.map((value) => this.#watch(value)),
    };
  }

  #watch(value: HeldValue): Watched {
    const key = JSON.stringify([value.part, value.value]);
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      watched = { value, writers: 0, readers: 0 };
      this.#watched.set(key, watched);
    }
    return watched;
  }

  #change(effects: Effects | undefined, by: 1 | -1): void {
    if (effects === undefined) return;
    if (effects.written !== null) {
      effects.written.writers += by;
      this.#judge(effects.written);
    }
    for (const watched of effects.needed) {
      watched.readers += by;
      this.#judge(watched);
    }
  }

  #judge(watched: Watched): void {
    if (watched.readers > 0 && watched.writers === 0) this.#endangered.add(watched);
    else this.#endangered.delete(watched);
  }
}
