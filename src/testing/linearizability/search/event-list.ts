/** The calls and returns of the operations that are not placed yet, in order of time: a list that forgets and recalls. */

/** Times of one operation. */
export interface Interval {
  readonly callAt: number;
  readonly returnAt: number;
}

/**
 * A doubly linked list over event numbers 0 .. 2n-1. `lift` takes an operation's two events out, `unlift` puts them back
 * where they were, in the reverse order of the lifts.
 */
export class EventList {
  /** The event number that stands for the end. */
  readonly end: number;
  /** Operation of each event, and whether the event is its return. */
  readonly #operations: Int32Array;
  readonly #isReturn: Uint8Array;
  readonly #calls: Int32Array;
  readonly #returns: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  /** Operations are numbered as given. At one time, calls come before returns: what touches overlaps. */
  constructor(intervals: readonly Interval[]) {
    const size = intervals.length * 2;
    this.end = size;
    this.#operations = new Int32Array(size);
    this.#isReturn = new Uint8Array(size);
    this.#calls = new Int32Array(intervals.length);
    this.#returns = new Int32Array(intervals.length);
    // The end is also what comes before the first event: the list is a ring.
    this.#next = Int32Array.from({ length: size + 1 }, (_, event) => (event === size ? 0 : event + 1));
    this.#previous = Int32Array.from({ length: size + 1 }, (_, event) => (event === 0 ? size : event - 1));
    const events = intervals.flatMap(({ callAt, returnAt }, operation) => [
      { at: callAt, operation, isReturn: 0 },
      { at: returnAt, operation, isReturn: 1 },
    ]);
    events.sort((a, b) => a.at - b.at || a.isReturn - b.isReturn);
    for (const [event, { operation, isReturn }] of events.entries()) {
      this.#operations[event] = operation;
      this.#isReturn[event] = isReturn;
      (isReturn === 1 ? this.#returns : this.#calls)[operation] = event;
    }
  }

  first(): number {
    return this.#next[this.end] ?? this.end;
  }

  next(event: number): number {
    return this.#next[event] ?? this.end;
  }

  previous(event: number): number {
    return this.#previous[event] ?? this.end;
  }

  isReturn(event: number): boolean {
    return this.#isReturn[event] === 1;
  }

  operationOf(event: number): number {
    return this.#operations[event] ?? -1;
  }

  returnOf(operation: number): number {
    return this.#returns[operation] ?? -1;
  }

  lift(operation: number): void {
    this.#remove(this.#calls[operation] ?? 0);
    this.#remove(this.#returns[operation] ?? 0);
  }

  unlift(operation: number): void {
    this.#restore(this.#returns[operation] ?? 0);
    this.#restore(this.#calls[operation] ?? 0);
  }

  #remove(event: number): void {
    const [previous, next] = [this.previous(event), this.next(event)];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #restore(event: number): void {
    this.#next[this.previous(event)] = event;
    this.#previous[this.next(event)] = event;
  }
}
