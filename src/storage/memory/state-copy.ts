/**
 * Copies as much of a state as applies may change in place, in pieces. What lies below is taken by reference: it stays
 * as it is. So little is copied that applies can wait for it: 16 bytes for each entry of a `Map`.
 */
import { DEPTH_MAX } from '../../codec/plain-data.ts';
import type { Column, ContainerType } from './copied-container.ts';
import { CopiedContainer } from './copied-container.ts';
import { ObjectSet } from './object-set.ts';
import { containerTypeOf, keysOf, sizeOf, valuesOf } from './state-containers.ts';
import type { Pieces } from './state-turns.ts';

/** References that are copied in one piece. In a loop that takes about a millisecond. */
const PIECE_VALUES = 16_384;
const COLUMN_PART_VALUES = 4096;

/** A spread is ten times as fast as a loop, but can't be interrupted: so many references take it some 7 ms. */
const SPREAD_VALUES_MAX = 2 ** 20;
const SPREAD_SPEED = 10;

/** A state of more containers than these is not worth copying as a whole. */
const CONTAINERS_MAX = 1000;

/** Of what is a key of a container; never copied, because it would be another key then. */
const KEY_LEVEL = Number.POSITIVE_INFINITY;

/** What is left of a state when applies go on: of the same type, or a `CopiedContainer` in its place. */
export interface StateCopy {
  readonly copy: unknown;
}

/**
 * Returns `null` when a copy would not mean the same: a container that can be reached in two ways would become two.
 * @param mutableLevels How many levels of containers applies may change in place. `null`: all of them; then also `null`
 * is returned when there is more to copy than primitive values and a few containers.
 */
export function* copyState(state: unknown, mutableLevels: number | null): Pieces<StateCopy | null> {
  const type = containerTypeOf(state);
  if (type === null) {
    return { copy: state };
  }
  const copier = new StateCopier(mutableLevels);
  // A cast: what has a type is an object.
  const copy = yield* copier.copyContainer(state as object, type, 1);
  return copier.isRefused ? null : { copy };
}

class StateCopier {
  /** The copy is not complete and must not be used. */
  isRefused = false;
  readonly #mutableLevels: number | null;
  readonly #containers = new ObjectSet();
  #containersLeft: number;
  #valuesLeft = PIECE_VALUES;

  constructor(mutableLevels: number | null) {
    this.#mutableLevels = mutableLevels;
    this.#containersLeft = mutableLevels === null ? CONTAINERS_MAX : Number.POSITIVE_INFINITY;
  }

  *copyContainer(container: object, type: ContainerType, level: number): Pieces<CopiedContainer> {
    this.#containersLeft -= 1;
    if (this.#containersLeft < 0 || level > DEPTH_MAX || !this.#containers.tryAdd(container)) {
      this.isRefused = true;
      return new CopiedContainer(type, null, []);
    }
    const isSpread = sizeOf(container) <= SPREAD_VALUES_MAX;
    const keys = keysOf(container);
    return new CopiedContainer(
      type,
      keys === null ? null : yield* this.#copyColumn(keys, isSpread, KEY_LEVEL),
      yield* this.#copyColumn(valuesOf(container), isSpread, level + 1),
    );
  }

  *#copyColumn(values: Iterable<unknown>, isSpread: boolean, level: number): Pieces<Column> {
    const column = isSpread ? [[...values]] : yield* this.#takeParts(values);
    if (isSpread) {
      yield* this.#count((column[0]?.length ?? 0) / SPREAD_SPEED);
    }
    if (this.#mutableLevels === null || level <= this.#mutableLevels) {
      for (const part of column) {
        yield* this.#copyObjects(part, level);
      }
    }
    return column;
  }

  *#takeParts(values: Iterable<unknown>): Pieces<unknown[][]> {
    let part: unknown[] = [];
    const column = [part];
    for (const value of values) {
      if (part.length === COLUMN_PART_VALUES) {
        yield* this.#count(part.length);
        part = [];
        column.push(part);
      }
      part.push(value);
    }
    yield* this.#count(part.length);
    return column;
  }

  /** Puts copies in the place of the objects among the values. */
  *#copyObjects(values: unknown[], level: number): Pieces<void> {
    for (let at = 0; at < values.length && !this.isRefused; at += 1) {
      const value = values[at];
      if (typeof value === 'object' && value !== null) {
        values[at] = yield* this.#copyObject(value, level);
      }
    }
  }

  *#copyObject(value: object, level: number): Pieces<object> {
    const type = level === KEY_LEVEL ? null : containerTypeOf(value);
    if (type !== null) {
      return yield* this.copyContainer(value, type, level);
    }
    // A key, a date or binary data: not changed in place by who promised to replace what is in containers.
    if (this.#mutableLevels === null) {
      this.isRefused = true;
    }
    return value;
  }

  /** Counts what was copied, and yields when it was enough for one piece. */
  *#count(values: number): Pieces<void> {
    this.#valuesLeft -= 1 + values;
    if (this.#valuesLeft <= 0) {
      this.#valuesLeft = PIECE_VALUES;
      yield;
    }
  }
}
