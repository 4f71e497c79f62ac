/** How a state in memory becomes values of a snapshot, and values a state. */
import { SnapshotError } from '../../errors.ts';

/** Names format and version of the bytes that a `MemStateMachine` writes. */
export const MEM_STATE_CODEC_ID = 'zlayer-mem-state/1';

/**
 * - `map`: the values are `[key, value]` pairs.
 * - `set`: the values are the members.
 * - `value`: one value, the whole state.
 */
export type DefaultStateKind = 'map' | 'set' | 'value';

/** `custom`: the values are what the application's own `snapshot` yields. */
export type StateKind = DefaultStateKind | 'custom';

/** @throws TypeError when a state like this one would not survive a snapshot */
export function kindOfState(state: unknown): DefaultStateKind {
  if (typeof state !== 'object' || state === null) {
    return 'value';
  }
  const prototype: unknown = Object.getPrototypeOf(state);
  if (prototype === Map.prototype) {
    return 'map';
  }
  if (prototype === Set.prototype) {
    return 'set';
  }
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) {
    return 'value';
  }
  throw new TypeError(
    `a state of class ${state.constructor.name} would come back from a snapshot as a plain object: pass 'snapshot' and 'restore'`,
  );
}

/** The values of a state, without a copy: it must not change while they are read. */
export function valuesOfState(state: unknown): Iterable<unknown> {
  if (state instanceof Map) {
    return state.entries();
  }
  return state instanceof Set ? state.values() : [state];
}

/** @throws SnapshotError when the values are not those of such a state */
export function buildState(kind: DefaultStateKind, groups: AsyncIterable<readonly unknown[]>): Promise<unknown> {
  switch (kind) {
    case 'map':
      return buildMap(groups);
    case 'set':
      return buildSet(groups);
    case 'value':
      return buildValue(groups);
  }
}

async function buildMap(groups: AsyncIterable<readonly unknown[]>): Promise<Map<unknown, unknown>> {
  const state = new Map<unknown, unknown>();
  for await (const group of groups) {
    for (const pair of group) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new SnapshotError('the snapshot is damaged: an entry of a Map is no pair');
      }
      state.set(pair[0], pair[1]);
    }
  }
  return state;
}

async function buildSet(groups: AsyncIterable<readonly unknown[]>): Promise<Set<unknown>> {
  const state = new Set<unknown>();
  for await (const group of groups) {
    for (const member of group) {
      state.add(member);
    }
  }
  return state;
}

async function buildValue(groups: AsyncIterable<readonly unknown[]>): Promise<unknown> {
  const values: unknown[] = [];
  for await (const group of groups) {
    values.push(...group);
  }
  if (values.length !== 1) {
    throw new SnapshotError(`the snapshot is damaged: it holds ${values.length} values instead of one`);
  }
  return values[0];
}
