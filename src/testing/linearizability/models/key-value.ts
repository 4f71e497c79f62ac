/** A store of keys: read, written, deleted and replaced one at a time, and listed by prefix at one moment. */
import type { HeldValue, Model, Precision } from '../model.ts';
import { accepted, REFUSED } from '../model.ts';
import type { Operation } from '../operation.ts';
import { describeCasOutput } from './cas-register.ts';
import type { KeyValueInput, KeyValueOutput, ListedEntries } from './key-value-operations.ts';
import { partitionKeys, weakenLists } from './key-value-partitions.ts';
import type { Scalar } from './scalar.ts';
import { describeScalar, mergeUnseen } from './scalar.ts';

export type KeyValueState = ReadonlyMap<string, Scalar>;

/**
 * Partitions by key. Keys that a list could see together stay together; whether each of them alone is linearizable, with
 * the lists as reads of it, is looked at first.
 */
export function keyValueModel(): Model<KeyValueInput, KeyValueOutput, KeyValueState> {
  return {
    name: 'key-value store',
    initial: () => new Map(),
    step: (state, input, output) => {
      if (input.type === 'list') {
        const isSeen = output === undefined || differencesOf(state, input.prefix, output).length === 0;
        return isSeen ? accepted(state) : REFUSED;
      }
      return stepKey(state, input, output);
    },
    key: keyOfState,
    isReadOnly: (input, output) =>
      input.type === 'get' || input.type === 'list' || (output === false && input.type !== 'put'),
    isOverwrite: (input, output) =>
      input.type === 'put' || (input.type === 'delete' && (output === undefined || output === null)),
    parts: {
      partOf: (input) => (input.type === 'list' ? null : input.key),
      differences: (state, input, output) => (input.type === 'list' ? differencesOf(state, input.prefix, output) : []),
    },
    values: {
      writtenBy,
      neededBy,
      isHeld: (state, { part, value }) => (state.get(part) ?? null) === value,
    },
    simplify(operations, precision) {
      // `null` is no value but the absence of one, which a delete or another key's list may see.
      const merge = mergeUnseen(new Set([null, ...operations.flatMap((operation) => seenBy(operation, precision))]));
      return (input) => {
        if (input.type === 'put') return { ...input, value: merge(input.value) };
        return input.type === 'cas' ? { ...input, to: merge(input.to) } : input;
      };
    },
    partition: partitionKeys,
    weaken: weakenLists,
    describe: describeKeyValue,
    describeState: describeEntries,
  };
}

type KeyInput = Exclude<KeyValueInput, { readonly type: 'list' }>;

function stepKey(
  state: KeyValueState,
  input: KeyInput,
  output: KeyValueOutput | undefined,
): ReturnType<typeof accepted<KeyValueState>> {
  const current = state.get(input.key) ?? null;
  switch (input.type) {
    case 'get':
      return output === undefined || output === current ? accepted(state) : REFUSED;
    case 'put':
      return accepted(withValue(state, input.key, input.value));
    case 'delete': {
      const isSilent = output === undefined || output === null;
      return isSilent || output === (current !== null) ? accepted(withValue(state, input.key, null)) : REFUSED;
    }
    case 'cas': {
      const isReplaced = current === input.from;
      if (output !== undefined && output !== isReplaced) return REFUSED;
      if (isReplaced) return accepted(withValue(state, input.key, input.to));
      return output === undefined ? REFUSED : accepted(state);
    }
    default:
      return REFUSED;
  }
}

function withValue(state: KeyValueState, key: string, value: Scalar): KeyValueState {
  if ((state.get(key) ?? null) === value) return state;
  const next = new Map(state);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}

/** Keys that the output shows otherwise than the state has them; never none for an output that can't be right. */
function differencesOf(state: KeyValueState, prefix: string, output: KeyValueOutput): readonly string[] {
  if (!Array.isArray(output)) return [prefix];
  const entries = output as ListedEntries;
  const listed = new Map(entries);
  const isTwice = listed.size < entries.length;
  const differences = [...listed.keys()].filter((key) => {
    const isListed = key.startsWith(prefix) && listed.get(key) !== null;
    return isTwice || !isListed || state.get(key) !== listed.get(key);
  });
  for (const key of state.keys()) {
    if (key.startsWith(prefix) && !listed.has(key)) differences.push(key);
  }
  return differences;
}

function writtenBy(input: KeyValueInput, output: KeyValueOutput | undefined): HeldValue | null {
  switch (input.type) {
    case 'put':
      return { part: input.key, value: input.value };
    case 'delete':
      return output === false ? null : { part: input.key, value: null };
    case 'cas':
      return output === false ? null : { part: input.key, value: input.to };
    default:
      return null;
  }
}

function neededBy(input: KeyValueInput, output: KeyValueOutput): readonly HeldValue[] {
  if (input.type === 'get') return [{ part: input.key, value: output }];
  if (input.type === 'cas') return output === true ? [{ part: input.key, value: input.from }] : [];
  if (input.type === 'delete') return output === false ? [{ part: input.key, value: null }] : [];
  if (input.type === 'put' || !Array.isArray(output)) return [];
  return (output as ListedEntries).map(([part, value]) => ({ part, value }));
}

/** Values that the operation tells from others; roughly, those that it must have found. */
function seenBy(operation: Operation<KeyValueInput, KeyValueOutput>, precision: Precision): readonly unknown[] {
  const { type, input } = operation;
  const output = type === 'ok' ? operation.output : undefined;
  if (input.type === 'cas') return output === false && precision === 'rough' ? [] : [input.from];
  if (input.type === 'get' && output !== undefined) return [output];
  return input.type === 'list' && Array.isArray(output) ? (output as ListedEntries).map(([, value]) => value) : [];
}

/** Most partitions have one key: don't sort then. */
function keyOfState(state: KeyValueState): string {
  if (state.size === 0) return '';
  const entries = [...state];
  if (entries.length > 1) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

function describeKeyValue(input: KeyValueInput, output: KeyValueOutput | undefined): string {
  const answer = output === undefined ? '?' : null;
  switch (input.type) {
    case 'get': {
      const value = answer ?? describeScalar(output as Scalar, 'none');
      return input.listed === undefined
        ? `get ${input.key} → ${value}`
        : `list ${input.listed}: ${input.key} → ${value}`;
    }
    case 'put':
      return `put ${input.key} ${describeScalar(input.value)}${output === undefined ? ' → ?' : ''}`;
    case 'delete':
      return `delete ${input.key}${output === null ? '' : ` → ${answer ?? (output === true ? 'done' : 'none')}`}`;
    case 'cas': {
      const { key, from, to } = input;
      return `cas ${key} ${describeScalar(from, 'none')} to ${describeScalar(to, 'none')} → ${describeCasOutput(output)}`;
    }
    default:
      return `list ${input.prefix}* → ${answer ?? describeListed(output)}`;
  }
}

/** Any answer, also one that is no list. */
function describeListed(output: KeyValueOutput | undefined): string {
  return Array.isArray(output) ? describeEntries(new Map(output as ListedEntries)) : JSON.stringify(output);
}

function describeEntries(entries: KeyValueState): string {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${key}: ${describeScalar(value)}`).join(', ')}}`;
}
