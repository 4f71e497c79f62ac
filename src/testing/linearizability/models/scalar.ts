/** Values that the models compare: plain JSON without structure. */

import type { HeldValue } from '../model.ts';

/** Anything else is best written as text. Tests find more when every write has a value of its own. */
export type Scalar = string | number | boolean | null;

/** Puts one value in the place of all those that are not in the set: nobody can tell them apart. */
export function mergeUnseen(seen: ReadonlySet<unknown>): (value: Scalar) => Scalar {
  let common: Scalar | undefined;
  return (value) => {
    if (seen.has(value)) return value;
    common ??= value;
    return common;
  };
}

/** What an object of a single value has. */
export function heldValue(value: Scalar): HeldValue {
  return { part: '', value };
}

/** A scalar as a person writes it; `nothing` stands for `null`. */
export function describeScalar(value: Scalar, nothing = 'null'): string {
  return value === null ? nothing : JSON.stringify(value);
}
