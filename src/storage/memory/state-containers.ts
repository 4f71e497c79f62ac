/** The containers that plain data is made of: taken apart into members, and put together from them. */
import { SnapshotError } from '../../errors.ts';
import type { ContainerType } from './copied-container.ts';
import { CopiedContainer } from './copied-container.ts';

/** `null` for what is no container, or none that plain data consists of. */
export function containerTypeOf(value: unknown): ContainerType | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  switch (prototype) {
    case Object.prototype:
    case null:
      return 'object';
    case Array.prototype:
      return 'array';
    case Map.prototype:
      return 'map';
    case Set.prototype:
      return 'set';
    case CopiedContainer.prototype:
      return (value as CopiedContainer).type;
    default:
      return null;
  }
}

export function isContainerType(value: unknown): value is ContainerType {
  return value === 'map' || value === 'set' || value === 'object' || value === 'array';
}

/** Whether the members are `[key, value]` pairs. */
export function isKeyed(type: ContainerType): boolean {
  return type === 'map' || type === 'object';
}

/** The keys of a container, in order; `null` for a `Set` and an array. It must not change while they are read. */
export function keysOf(container: object): Iterable<unknown> | null {
  if (container instanceof Map) {
    return container.keys();
  }
  return container instanceof Set || Array.isArray(container) ? null : Object.keys(container);
}

/** The values of a container, in order. It must not change while they are read. */
export function valuesOf(container: object): Iterable<unknown> {
  if (container instanceof Map || container instanceof Set || Array.isArray(container)) {
    return container.values();
  }
  return fieldValuesOf(container as Fields);
}

/** The number of its members; without end for a plain object, where it is costly to tell. */
export function sizeOf(container: object): number {
  if (container instanceof Map || container instanceof Set) {
    return container.size;
  }
  return Array.isArray(container) ? container.length : Number.POSITIVE_INFINITY;
}

/** `[key, value]` of a `Map` and an object, else the values. The container must not change while they are read. */
export function membersOf(container: object): Iterable<unknown> {
  if (container instanceof CopiedContainer) {
    return container.members();
  }
  if (container instanceof Map || container instanceof Set || Array.isArray(container)) {
    return container;
  }
  return fieldsOf(container as Fields);
}

/** What is an object and none of the other containers. */
type Fields = Readonly<Record<string, unknown>>;

function* fieldsOf(container: Fields): Generator<readonly [string, unknown], void> {
  for (const key in container) {
    yield [key, container[key]];
  }
}

function* fieldValuesOf(container: Fields): Generator<unknown, void> {
  for (const key in container) {
    yield container[key];
  }
}

/** Makes a container member by member. */
export interface ContainerBuilder {
  readonly container: object;
  /** @throws SnapshotError when such a container can't have this member */
  add(member: unknown): void;
}

export function containerBuilder(type: ContainerType): ContainerBuilder {
  switch (type) {
    case 'map': {
      const container = new Map<unknown, unknown>();
      return { container, add: (member) => addEntry(container, member) };
    }
    case 'set': {
      const container = new Set<unknown>();
      return { container, add: (member) => void container.add(member) };
    }
    case 'array': {
      const container: unknown[] = [];
      return { container, add: (member) => void container.push(member) };
    }
    case 'object': {
      const container: Record<string, unknown> = {};
      return { container, add: (member) => addField(container, member) };
    }
  }
}

function addEntry(container: Map<unknown, unknown>, member: unknown): void {
  if (!isPair(member)) {
    throw new SnapshotError('the snapshot is damaged: an entry of a Map is no pair');
  }
  container.set(member[0], member[1]);
}

function addField(container: Record<string, unknown>, member: unknown): void {
  if (!isPair(member) || typeof member[0] !== 'string') {
    throw new SnapshotError('the snapshot is damaged: a field of an object has no name');
  }
  if (member[0] === '__proto__') {
    throw new SnapshotError("an object can't have a field named '__proto__'");
  }
  container[member[0]] = member[1];
}

function isPair(member: unknown): member is readonly [unknown, unknown] {
  return Array.isArray(member) && member.length === 2;
}
