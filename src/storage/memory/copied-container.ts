/** What a container held at one moment. */

/** A `Map`, `Set`, plain object or array of plain data. */
export type ContainerType = 'map' | 'set' | 'object' | 'array';

/** The members of a container, by reference, in lists of bounded length: a long one would be moved as it grows. */
export type Column = readonly (readonly unknown[])[];

/** Takes the place of a container in a copy of the state. It may hold further copies, but only as direct values. */
export class CopiedContainer {
  readonly type: ContainerType;
  /** Divided as the values are; `null` for a `Set` and an array. */
  readonly keys: Column | null;
  readonly values: Column;

  constructor(type: ContainerType, keys: Column | null, values: Column) {
    this.type = type;
    this.keys = keys;
    this.values = values;
  }

  /** `[key, value]` of a `Map` and an object, else the values. */
  *members(): Generator<unknown, void> {
    for (let part = 0; part < this.values.length; part += 1) {
      const values = this.values[part] ?? [];
      const keys = this.keys?.[part];
      for (let at = 0; at < values.length; at += 1) {
        yield keys === undefined ? values[at] : [keys[at], values[at]];
      }
    }
  }
}
