/** How a state in memory becomes members of a snapshot, and members a state. */
import { SnapshotError } from '../../errors.ts';
import { containerBuilder, containerTypeOf, membersOf } from './state-containers.ts';

/** Names format and version of the bytes that a `MemStateMachine` writes. */
export const MEM_STATE_CODEC_ID = 'zlayer-mem-state/1';

/**
 * - `map`: the members are `[key, value]` pairs.
 * - `set`: the members are those of the set.
 * - `value`: one member, the whole state.
 */
export type DefaultStateKind = 'map' | 'set' | 'value';

/** `custom`: the members are what the application's own `snapshot` yields. */
export type StateKind = DefaultStateKind | 'custom';

/** @throws TypeError when a state like this one would not survive a snapshot */
export function kindOfState(state: unknown): DefaultStateKind {
  const type = containerTypeOf(state);
  if (type === 'map' || type === 'set') {
    return type;
  }
  if (type === null && typeof state === 'object' && state !== null) {
    throw new TypeError(
      `a state of class ${state.constructor.name} would come back from a snapshot as a plain object: pass 'snapshot' and 'restore'`,
    );
  }
  return 'value';
}

/** The members of a state or of a copy of it, which must not change while they are read. */
export function membersOfState(kind: DefaultStateKind, state: unknown): Iterable<unknown> {
  // A cast: a state of the other kinds is a container.
  return kind === 'value' ? [state] : membersOf(state as object);
}

/** @throws SnapshotError when the members are not those of such a state */
export async function buildState(kind: DefaultStateKind, groups: AsyncIterable<readonly unknown[]>): Promise<unknown> {
  const { container, add } = containerBuilder(kind === 'value' ? 'array' : kind);
  for await (const group of groups) {
    for (const member of group) {
      add(member);
    }
  }
  return kind === 'value' ? onlyOf(container) : container;
}

function onlyOf(values: object): unknown {
  if (!Array.isArray(values) || values.length !== 1) {
    throw new SnapshotError('the snapshot is damaged: it does not hold one value');
  }
  return values[0];
}
