/**
 * Tells what MessagePack keeps from what it would lose without a word: the type of a class instance, a function, half of
 * a surrogate pair. Runs for every request, so it only looks; the way to a fault is put together once one is found.
 */

/** Nesting beyond this is refused: no node may read what another one, with a smaller stack, can't. */
export const DEPTH_MAX = 256;

/** Why a value can't be encoded. */
export interface DataFault {
  readonly reason: string;
  /** Steps from the fault up to the whole value, as in `.rows`, `[3]`. */
  readonly path: string[];
}

/** What the check saw on its way. */
export interface Sighting {
  hasMap: boolean;
}

/** Objects that are encoded as they are, and come back as the same type. */
const leafPrototypes: ReadonlySet<unknown> = new Set([
  Date.prototype,
  ArrayBuffer.prototype,
  DataView.prototype,
  Int8Array.prototype,
  Uint8Array.prototype,
  Uint8ClampedArray.prototype,
  Int16Array.prototype,
  Uint16Array.prototype,
  Int32Array.prototype,
  Uint32Array.prototype,
  Float32Array.prototype,
  Float64Array.prototype,
  BigInt64Array.prototype,
  BigUint64Array.prototype,
  // Comes back as a Uint8Array, which it is.
  Buffer.prototype,
]);

/** The first fault in `value`, `null` when there is none. */
export function findFault(value: unknown, sighting: Sighting, depth = 0): DataFault | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? null : fault('text with half of a surrogate pair');
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      return null;
    case 'object':
      return value === null ? null : findFaultInObject(value, sighting, depth);
    default:
      return fault(`a ${typeof value}`);
  }
}

function findFaultInObject(value: object, sighting: Sighting, depth: number): DataFault | null {
  if (depth > DEPTH_MAX) {
    return fault(`nested deeper than ${DEPTH_MAX} levels, or circular`);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return findFaultInFields(value as Readonly<Record<string, unknown>>, sighting, depth);
  }
  if (prototype === Array.prototype) {
    return findFaultInArray(value as readonly unknown[], sighting, depth);
  }
  if (leafPrototypes.has(prototype)) {
    return null;
  }
  if (prototype === Map.prototype) {
    sighting.hasMap = true;
    return findFaultInMap(value as ReadonlyMap<unknown, unknown>, sighting, depth);
  }
  if (prototype === Set.prototype) {
    return findFaultInSet(value as ReadonlySet<unknown>, sighting, depth);
  }
  return fault(`an instance of ${nameOf(prototype)}, which would lose its type`);
}

function findFaultInFields(
  value: Readonly<Record<string, unknown>>,
  sighting: Sighting,
  depth: number,
): DataFault | null {
  for (const key in value) {
    if (key === '__proto__' || !key.isWellFormed()) {
      return fault(`a field named ${JSON.stringify(key)}`);
    }
    const found = findFault(value[key], sighting, depth + 1);
    if (found !== null) {
      return onTheWay(found, `.${key}`);
    }
  }
  return null;
}

function findFaultInArray(value: readonly unknown[], sighting: Sighting, depth: number): DataFault | null {
  for (let i = 0; i < value.length; i++) {
    const found = findFault(value[i], sighting, depth + 1);
    if (found !== null) {
      return onTheWay(found, `[${i}]`);
    }
  }
  return null;
}

function findFaultInMap(value: ReadonlyMap<unknown, unknown>, sighting: Sighting, depth: number): DataFault | null {
  let i = 0;
  for (const [key, item] of value) {
    const inKey = findFault(key, sighting, depth + 1);
    if (inKey !== null) {
      return onTheWay(inKey, `.keys()[${i}]`);
    }
    const inItem = findFault(item, sighting, depth + 1);
    if (inItem !== null) {
      return onTheWay(inItem, `.values()[${i}]`);
    }
    i += 1;
  }
  return null;
}

function findFaultInSet(value: ReadonlySet<unknown>, sighting: Sighting, depth: number): DataFault | null {
  let i = 0;
  for (const item of value) {
    const found = findFault(item, sighting, depth + 1);
    if (found !== null) {
      return onTheWay(found, `.values()[${i}]`);
    }
    i += 1;
  }
  return null;
}

function fault(reason: string): DataFault {
  return { reason, path: [] };
}

function onTheWay(found: DataFault, step: string): DataFault {
  found.path.push(step);
  return found;
}

function nameOf(prototype: unknown): string {
  const { constructor: type } = prototype as { readonly constructor?: unknown };
  return typeof type === 'function' && type.name !== '' ? type.name : 'a class';
}
