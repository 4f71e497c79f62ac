/** How much work it is to encode a value, in units of about 0.1 microseconds, so that no piece of it gets too large. */
import { DEPTH_MAX } from '../../codec/plain-data.ts';
import type { Column } from './copied-container.ts';
import { CopiedContainer } from './copied-container.ts';

const CHARACTERS_PER_UNIT = 64;
const BYTES_PER_UNIT = 256;

/** Stops counting at `unitsMax`: looking at a value of any size takes a bounded time. */
export function unitsOf(value: unknown, unitsMax: number, depth = 0): number {
  if (typeof value === 'string') {
    return 1 + value.length / CHARACTERS_PER_UNIT;
  }
  // Whoever encodes it refuses what is nested too deeply.
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) {
    return 1;
  }
  if (value instanceof Map) {
    return unitsOfAll(value.keys(), unitsMax, depth) + unitsOfAll(value.values(), unitsMax, depth);
  }
  if (Array.isArray(value)) {
    return unitsOfItems(value, unitsMax, depth);
  }
  if (value instanceof Set) {
    return unitsOfAll(value, unitsMax, depth);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return 1 + value.byteLength / BYTES_PER_UNIT;
  }
  if (value instanceof CopiedContainer) {
    return unitsOfColumn(value.keys ?? [], unitsMax, depth) + unitsOfColumn(value.values, unitsMax, depth);
  }
  return unitsOfFields(value as Readonly<Record<string, unknown>>, unitsMax, depth);
}

function unitsOfAll(values: Iterable<unknown>, unitsMax: number, depth: number): number {
  let units = 1;
  for (const value of values) {
    units += unitsOf(value, unitsMax - units, depth + 1);
    if (units >= unitsMax) {
      break;
    }
  }
  return units;
}

/** As above, and faster: this is called for every value. */
function unitsOfItems(items: readonly unknown[], unitsMax: number, depth: number): number {
  let units = 1;
  for (let at = 0; at < items.length && units < unitsMax; at += 1) {
    units += unitsOf(items[at], unitsMax - units, depth + 1);
  }
  return units;
}

function unitsOfColumn(column: Column, unitsMax: number, depth: number): number {
  let units = 0;
  for (const values of column) {
    units += unitsOfItems(values, unitsMax - units, depth);
    if (units >= unitsMax) {
      break;
    }
  }
  return units;
}

function unitsOfFields(fields: Readonly<Record<string, unknown>>, unitsMax: number, depth: number): number {
  let units = 1;
  for (const key in fields) {
    units += unitsOf(fields[key], unitsMax - units, depth + 1);
    if (units >= unitsMax) {
      break;
    }
  }
  return units;
}
