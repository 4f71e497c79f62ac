/** Correct objects, written the plain way, and what may be asked of them at random. */
import fc from 'fast-check';
import type { CasRegisterInput } from '../../../src/testing/linearizability/models/cas-register.ts';
import type { CounterInput, CounterOutput } from '../../../src/testing/linearizability/models/counter.ts';
import type {
  KeyValueInput,
  KeyValueOutput,
} from '../../../src/testing/linearizability/models/key-value-operations.ts';
import type { LockInput, LockOutput } from '../../../src/testing/linearizability/models/lock.ts';
import type { RegisterInput } from '../../../src/testing/linearizability/models/register.ts';
import type { Scalar } from '../../../src/testing/linearizability/models/scalar.ts';
import type { HistoryShape } from './random-histories.ts';

const value: fc.Arbitrary<Scalar> = fc.constantFrom(1, 2, 3);
const read = fc.constant<RegisterInput>({ type: 'read' });
const write: fc.Arbitrary<RegisterInput> = fc.record({ type: fc.constant('write'), value });

export const registers: HistoryShape<RegisterInput, Scalar> = {
  input: fc.oneof(read, write),
  output: value,
  createObject: () => {
    let current: Scalar = null;
    return (input) => {
      if (input.type === 'write') current = input.value;
      return input.type === 'write' ? null : current;
    };
  },
};

const cas: fc.Arbitrary<CasRegisterInput> = fc.record({
  type: fc.constant('cas'),
  from: fc.constantFrom<Scalar>(null, 1, 2),
  to: value,
});

export const casRegisters: HistoryShape<CasRegisterInput, Scalar> = {
  input: fc.oneof<fc.Arbitrary<CasRegisterInput>[]>(read, write, cas, cas),
  output: fc.constantFrom<Scalar>(1, 2, true, false),
  createObject: () => {
    let current: Scalar = null;
    return (input) => {
      if (input.type === 'read') return current;
      if (input.type === 'write') current = input.value;
      if (input.type === 'write') return null;
      const isSame = current === input.from;
      if (isSame) current = input.to;
      return isSame;
    };
  },
};

export const counters: HistoryShape<CounterInput, CounterOutput> = {
  input: fc.oneof<fc.Arbitrary<CounterInput>[]>(
    fc.constant({ type: 'get' }),
    fc.record({ type: fc.constant('add'), amount: fc.constantFrom(1, 1, 2, -1) }),
  ),
  output: fc.constantFrom(0, 1, 2, 3),
  createObject: () => {
    let current = 0;
    return (input) => {
      if (input.type === 'add') current += input.amount;
      return current;
    };
  },
};

const key = fc.constantFrom('a/1', 'a/2', 'b/1');
const prefix = fc.constantFrom('', 'a/', 'b/', 'c/');

export const stores: HistoryShape<KeyValueInput, KeyValueOutput> = {
  input: fc.oneof<fc.Arbitrary<KeyValueInput>[]>(
    fc.record({ type: fc.constant('get'), key }),
    fc.record({ type: fc.constant('put'), key, value }),
    fc.record({ type: fc.constant('put'), key, value }),
    fc.record({ type: fc.constant('delete'), key }),
    fc.record({ type: fc.constant('cas'), key, from: fc.constantFrom<Scalar>(null, 1, 2), to: value }),
    fc.record({ type: fc.constant('list'), prefix }),
    fc.record({ type: fc.constant('list'), prefix }),
  ),
  output: fc.oneof<fc.Arbitrary<KeyValueOutput>[]>(
    fc.constantFrom<Scalar>(1, 2, true, false),
    fc.uniqueArray(fc.tuple(key, value), { maxLength: 3, selector: ([k]) => k }),
  ),
  createObject: () => {
    const entries = new Map<string, Scalar>();
    return (input) => {
      if (input.type === 'list') return [...entries].filter(([k]) => k.startsWith(input.prefix));
      const before = entries.get(input.key) ?? null;
      if (input.type === 'get') return before;
      if (input.type === 'delete') return entries.delete(input.key);
      const isDone = input.type === 'put' || before === input.from;
      if (isDone) entries.set(input.key, input.type === 'put' ? input.value : input.to);
      return input.type === 'put' ? null : isDone;
    };
  },
};

const owner = fc.constantFrom('A', 'B');
const token = fc.integer({ min: 1, max: 4 });
const lock = fc.constant('l');

export const locks: HistoryShape<LockInput, LockOutput> = {
  input: fc.oneof<fc.Arbitrary<LockInput>[]>(
    fc.record({ type: fc.constant('acquire'), lock, owner, ttlMs: fc.constantFrom(1, 2, 4, null) }),
    fc.record({ type: fc.constant('acquire'), lock, owner, ttlMs: fc.constantFrom(1, 2, 4) }),
    fc.record({ type: fc.constant('renew'), lock, owner, token, ttlMs: fc.constantFrom(1, 3) }),
    fc.record({ type: fc.constant('release'), lock, owner, token }),
    fc.record({ type: fc.constant('holder'), lock }),
  ),
  output: fc.record({
    isDone: fc.boolean(),
    token: fc.option(token),
    owner: fc.option(owner),
    timeMs: fc.nat(12),
  }),
  createObject: () => {
    let holder: { readonly owner: string; readonly token: number; readonly endMs: number } | null = null;
    let lastToken = 0;
    return (input, timeMs) => {
      const held = holder !== null && holder.endMs > timeMs ? holder : null;
      const refused: LockOutput = { isDone: false, token: null, owner: null, timeMs };
      if (input.type === 'holder') {
        return held === null ? refused : { isDone: true, token: held.token, owner: held.owner, timeMs };
      }
      if (input.type === 'acquire') {
        if (held !== null) return refused;
        lastToken += 1;
        holder = { owner: input.owner, token: lastToken, endMs: timeMs + (input.ttlMs ?? Number.POSITIVE_INFINITY) };
        return { ...refused, isDone: true, token: lastToken };
      }
      if (held === null || held.owner !== input.owner || held.token !== input.token) return refused;
      holder = input.type === 'release' ? null : { ...held, endMs: timeMs + input.ttlMs };
      return { ...refused, isDone: true };
    };
  },
};
