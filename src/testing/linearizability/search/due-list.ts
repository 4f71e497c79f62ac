/** Which operation must come next by the time that the service itself gave. */

/**
 * The operations that are not placed yet, by the time at which the service applied them. `lift` and `unlift` as in
 * `EventList`.
 */
export class DueList {
  readonly #times: readonly (number | null)[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #end: number;

  /** The times, by the number of the operation; `null` where none is known. */
  constructor(times: readonly (number | null)[]) {
    this.#times = times;
    this.#end = times.length;
    const known = [...times.keys()].filter((index) => this.#timeOf(index) !== null);
    const sorted = known.toSorted((a, b) => (this.#timeOf(a) ?? 0) - (this.#timeOf(b) ?? 0));
    this.#next = new Int32Array(this.#end + 1).fill(this.#end);
    this.#previous = new Int32Array(this.#end + 1).fill(this.#end);
    for (const [position, index] of [...sorted, this.#end].entries()) {
      const before = sorted[position - 1] ?? this.#end;
      this.#next[before] = index;
      this.#previous[index] = before;
    }
  }

  /** Whether no operation that is left was applied before this one. */
  isDue(index: number): boolean {
    const time = this.#timeOf(index);
    const first = this.#timeOf(this.#next[this.#end] ?? this.#end);
    return time === null || first === null || time <= first;
  }

  lift(index: number): void {
    if (this.#timeOf(index) === null) return;
    const [previous, next] = [this.#previous[index] ?? this.#end, this.#next[index] ?? this.#end];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  unlift(index: number): void {
    if (this.#timeOf(index) === null) return;
    this.#next[this.#previous[index] ?? this.#end] = index;
    this.#previous[this.#next[index] ?? this.#end] = index;
  }

  #timeOf(index: number): number | null {
    return this.#times[index] ?? null;
  }
}
