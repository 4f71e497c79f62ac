/** What a container held at one moment. */

/** A `Map`, `Set`, plain object or array of plain data. */
export type ContainerType = 'map' | 'set' | 'object' | 'array';

/** The members of a container, by reference, in lists of bounded length: a long one would be moved as it grows. */
export type Column = readonly (readonly unknown[])[];

/** Takes the place of a container in a copy of the state. It may hold further copies, but only as direct values. */
export class CopiedContainer {
  readonly type: ContainerType;
  /** `null` for a `Set` and an array. */
  readonly keys: Column | null;
  readonly values: Column;

  constructor(type: ContainerType, keys: Column | null, values: Column) {
    this.type = type;
    this.keys = keys;
    this.values = values;
  }

  /** `[key, value]` of a `Map` and an object, else the values. */
  members(): Iterable<unknown> {
    return this.keys === null ? flat(this.values) : pairs(this.keys, this.values);
  }
}

/** The two columns may be divided at different places. */
function* pairs(keys: Column, values: Column): Generator<unknown, void> {
  const flatValues = flat(values);
  for (const key of flat(keys)) {
    yield [key, flatValues.next().value];
  }
}

function* flat(column: Column): Generator<unknown, void> {
  for (const part of column) {
    yield* part;
  }
}
