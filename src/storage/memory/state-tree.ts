/** Tells whether a value can be encoded in parts: only if no object in it would be in two of them. */
import { ObjectSet } from './object-set.ts';
import { containerTypeOf, valuesOf } from './state-containers.ts';
import type { Pieces } from './state-turns.ts';

/** Values that are looked at in one piece, which takes a few milliseconds. */
const PIECE_VALUES = 32_768;

/** `false` when an object in it can be reached in two ways: it would come back as two, and they would drift apart. */
export function* isTree(value: unknown): Pieces<boolean> {
  const seen = new ObjectSet();
  /** What is left of the containers that are being looked at, the innermost last. */
  const open: Iterator<unknown>[] = [[value].values()];
  let valuesLeft = PIECE_VALUES;
  for (let innermost = open.at(-1); innermost !== undefined; innermost = open.at(-1)) {
    const { done, value: next } = innermost.next();
    if (done === true) {
      open.pop();
    } else if (typeof next === 'object' && next !== null) {
      if (!seen.tryAdd(next)) {
        return false;
      }
      open.push(...childrenOf(next));
    }
    valuesLeft -= 1;
    if (valuesLeft === 0) {
      valuesLeft = PIECE_VALUES;
      yield;
    }
  }
  return true;
}

function childrenOf(value: object): readonly Iterator<unknown>[] {
  if (containerTypeOf(value) === null) {
    return [];
  }
  const values = valuesOf(value)[Symbol.iterator]();
  return value instanceof Map ? [values, value.keys()] : [values];
}
