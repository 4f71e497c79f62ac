/** Which part of the state each operation touches, as numbers. */
import type { Model } from '../model.ts';

/** Stands for an operation that reads several parts. */
export const SEVERAL_PARTS = -1;

/** Part numbers of a partition's operations. Without parts in the model, the whole state is one. */
export class PartTable<Input, Output, State> {
  readonly #parts: Model<Input, Output, State>['parts'];
  readonly #ids = new Map<string, number>();

  constructor(model: Model<Input, Output, State>) {
    this.#parts = model.parts;
  }

  /** A number for what `input` touches, made when it is new. */
  numberOf(input: Input): number {
    const part = this.#parts === undefined ? '' : this.#parts.partOf(input);
    if (part === null) return SEVERAL_PARTS;
    const known = this.#ids.get(part);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(part, id);
    return id;
  }

  /** How many parts operations touch one at a time. */
  get count(): number {
    return this.#ids.size;
  }

  /**
   * Parts that keep a read of several from answering so. `null` among them: a part that no operation changes, so that
   * the read can never be right.
   */
  differences(state: State, input: Input, output: Output): readonly (number | null)[] {
    const parts = this.#parts?.differences(state, input, output) ?? [];
    return parts.map((part) => this.#ids.get(part) ?? null);
  }
}
