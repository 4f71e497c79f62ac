/** Splits the history of a store: by key where that says everything, and by what lists can see together where not. */
import type { Partition } from '../model.ts';
import { groupByKey } from '../model.ts';
import type { Operation } from '../operation.ts';
import type { KeyValueInput, KeyValueOutput } from './key-value-operations.ts';
import type { Scalar } from './scalar.ts';

type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>;
type KeyValuePartition = Partition<KeyValueInput, KeyValueOutput>;

/** More reads than this are not made out of lists: the partition as a whole is then all that is checked. */
const WEAKENED_READS_MAX = 2_000_000;

/** Keys that no list sees are on their own. The others are with all that the same list, or one that overlaps, sees. */
export function partitionKeys(operations: readonly KeyValueOperation[]): readonly KeyValuePartition[] {
  const groups = new Groups();
  const keys = new Set(operations.flatMap((operation) => keysOf(operation)));
  const prefixes = new Set(operations.flatMap(({ input }) => (input.type === 'list' ? [input.prefix] : [])));
  for (const prefix of prefixes) {
    for (const key of keys) {
      if (key.startsWith(prefix)) groups.join(`list ${prefix}`, `key ${key}`);
    }
  }
  // A wrong answer may hold keys that do not belong to the list; they must not vanish with the split.
  for (const operation of operations) {
    if (operation.input.type !== 'list') continue;
    for (const key of keysOf(operation)) groups.join(`list ${operation.input.prefix}`, `key ${key}`);
  }
  const partitions = groupByKey(operations, (input) =>
    groups.rootOf(input.type === 'list' ? `list ${input.prefix}` : `key ${input.key}`),
  );
  return partitions.map((partition) => ({ ...partition, name: nameOf(partition.operations) }));
}

/** For each key, its own operations, with every list that covers the key as a read of it. */
export function* weakenLists({ operations }: KeyValuePartition): Generator<KeyValuePartition> {
  const keys = new Set(operations.flatMap((operation) => keysOf(operation)));
  const lists = operations.filter(({ input }) => input.type === 'list');
  if (lists.length === 0 || keys.size * lists.length > WEAKENED_READS_MAX) return;
  for (const key of keys) {
    const ofKey = operations.flatMap((operation) => readOfKey(operation, key));
    yield { name: `key ${JSON.stringify(key)}`, operations: ofKey };
  }
}

function readOfKey(operation: KeyValueOperation, key: string): readonly KeyValueOperation[] {
  const { input } = operation;
  if (input.type !== 'list') return input.key === key ? [operation] : [];
  const entries = entriesOf(operation);
  if (operation.type !== 'ok' || entries === null || !key.startsWith(input.prefix)) return [];
  const value: Scalar = entries.get(key) ?? null;
  return [{ ...operation, input: { type: 'get', key, listed: `${input.prefix}*` }, output: value }];
}

function keysOf(operation: KeyValueOperation): readonly string[] {
  if (operation.input.type !== 'list') return [operation.input.key];
  return [...(entriesOf(operation)?.keys() ?? [])];
}

function entriesOf(operation: KeyValueOperation): ReadonlyMap<string, Scalar> | null {
  return operation.type === 'ok' && Array.isArray(operation.output) ? new Map(operation.output) : null;
}

function nameOf(operations: readonly KeyValueOperation[]): string {
  const prefixes = new Set(operations.flatMap(({ input }) => (input.type === 'list' ? [input.prefix] : [])));
  if (prefixes.size > 0) return `keys listed as ${[...prefixes].map((prefix) => `${prefix}*`).join(', ')}`;
  return operations[0] === undefined ? 'no key' : `key ${JSON.stringify(keysOf(operations[0])[0])}`;
}

/** Disjoint sets of names. */
class Groups {
  readonly #parents = new Map<string, string>();

  rootOf(name: string): string {
    let root = name;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    if (root !== name) this.#parents.set(name, root);
    return root;
  }

  join(first: string, second: string): void {
    const [a, b] = [this.rootOf(first), this.rootOf(second)];
    if (a !== b) this.#parents.set(b, a);
  }
}
