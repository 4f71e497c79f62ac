/** A set of objects without the limits of a `Set`. */

/** A `Set` takes 2 ** 24 members at most, and moves all of them at once when it grows: 20 ms for these. */
const PART_MEMBERS_MAX = 2 ** 20;

export class ObjectSet {
  readonly #full: Set<object>[] = [];
  #last = new Set<object>();

  /** `false` when the object is in the set already. */
  tryAdd(object: object): boolean {
    if (this.#last.has(object) || this.#full.some((part) => part.has(object))) {
      return false;
    }
    if (this.#last.size >= PART_MEMBERS_MAX) {
      this.#full.push(this.#last);
      this.#last = new Set();
    }
    this.#last.add(object);
    return true;
  }
}
