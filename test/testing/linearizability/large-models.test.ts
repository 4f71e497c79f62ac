/** Every model with a history of the size that a test with real clients records: 10,000 operations on 5 keys. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CheckLimits } from '../../../src/testing/linearizability/check-linearizability.ts';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { perKey } from '../../../src/testing/linearizability/model.ts';
import type { CasRegisterInput } from '../../../src/testing/linearizability/models/cas-register.ts';
import { casRegisterModel } from '../../../src/testing/linearizability/models/cas-register.ts';
import type { CounterInput, CounterOutput } from '../../../src/testing/linearizability/models/counter.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import type { LockInput, LockOutput } from '../../../src/testing/linearizability/models/lock.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import type { RegisterInput } from '../../../src/testing/linearizability/models/register.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Scalar } from '../../../src/testing/linearizability/models/scalar.ts';
import type { OkOperation, Operation } from '../../../src/testing/linearizability/operation.ts';
import { isExplainedBy } from './brute-force.ts';
import type { Workload } from './large-histories.ts';
import { largeHistoryOf } from './large-histories.ts';
import { casRegisters, counters, locks, registers } from './objects.ts';
import type { Answer } from './random-histories.ts';

const SIZE = { seed: 1, operations: 10_000, keys: 5, clients: 15 };
const KEYS = ['a', 'b', 'c', 'd', 'e'] as const;

type Keyed<Input> = Input & { readonly key: string };

interface Case<Input, Output, State> {
  /** Share of the operations of unknown outcome. Counters and locks with many of them are hard. */
  readonly unknown: number;
  readonly model: Model<Input, Output, State>;
  readonly limits?: Partial<CheckLimits>;
  readonly workload: () => Workload<Input, Output>;
  /** A wrong answer in place of a right one; `null` where this operation can't be wrong in that way. */
  readonly spoil: (operation: OkOperation<Input, Output>) => Output | null;
}

/** As many objects as keys, each under its own. */
function perKeyAnswer<Asked, Input extends Asked, Output>(
  create: () => Answer<Asked, Output>,
  keyOf: (input: Input) => string,
): Answer<Input, Output> {
  const objects = new Map<string, Answer<Asked, Output>>();
  return (input, timeMs) => {
    const object = objects.get(keyOf(input)) ?? create();
    objects.set(keyOf(input), object);
    return object(input, timeMs);
  };
}

function pick<Value>(random: () => number, values: readonly [Value, ...Value[]]): Value {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

const keyOf = ({ key }: { readonly key: string }): string => key;

const register: Case<Keyed<RegisterInput>, Scalar, Scalar> = {
  unknown: 0.05,
  model: perKey(registerModel(), ({ key }: Keyed<RegisterInput>) => key),
  workload: () => ({
    ask: (random, n) => {
      const key = pick(random, KEYS);
      return random() < 0.5 ? { type: 'read', key } : { type: 'write', value: n, key };
    },
    answer: perKeyAnswer<RegisterInput, Keyed<RegisterInput>, Scalar>(registers.createObject, keyOf),
  }),
  spoil: ({ input }) => (input.type === 'read' ? -1 : null),
};

const casRegister: Case<Keyed<CasRegisterInput>, Scalar, Scalar> = {
  unknown: 0.05,
  model: perKey(casRegisterModel(), ({ key }: Keyed<CasRegisterInput>) => key),
  workload: () => {
    return {
      // Of values that were written lately, most are gone.
      ask: (random, n) => {
        const key = pick(random, KEYS);
        const kind = random();
        if (kind < 0.4) return { type: 'read', key };
        if (kind < 0.6) return { type: 'write', value: n, key };
        return { type: 'cas', from: n - Math.ceil(random() * 40), to: n, key };
      },
      answer: perKeyAnswer<CasRegisterInput, Keyed<CasRegisterInput>, Scalar>(casRegisters.createObject, keyOf),
    };
  },
  spoil: ({ input, output }) => (input.type === 'cas' && output === false ? true : null),
};

const counter: Case<Keyed<CounterInput>, number | null, number> = {
  unknown: 0.01,
  model: perKey(counterModel(), ({ key }: Keyed<CounterInput>) => key),
  workload: () => {
    const object = perKeyAnswer<CounterInput, Keyed<CounterInput>, CounterOutput>(counters.createObject, keyOf);
    return {
      ask: (random) => {
        const key = pick(random, KEYS);
        return random() < 0.4 ? { type: 'get', key } : { type: 'add', amount: pick(random, [1, 1, 2, -1]), key };
      },
      // Half of the services tell the new value.
      answer: (input, timeMs) => {
        const value = object(input, timeMs);
        return input.type === 'add' && input.key < 'c' ? null : value;
      },
    };
  },
  spoil: ({ input, output }) => (input.type === 'get' && output !== null ? output + 10_000 : null),
};

const lock: Case<LockInput, LockOutput, unknown> = {
  unknown: 0.002,
  // A small conflict is hard to find here: of the many operations that are left open each may change the state.
  limits: { maxExplanationSteps: 200_000 },
  model: lockModel() as Model<LockInput, LockOutput, unknown>,
  workload: () => ({ ask: askLock, answer: perKeyAnswer(locks.createObject, (input) => input.lock) }),
  spoil: ({ input, output }) =>
    input.type === 'acquire' && !output.isDone ? { ...output, isDone: true, token: 1 } : null,
};

const OWNERS = ['A', 'B', 'C', 'D'] as const;

function askLock(random: () => number, n: number): LockInput {
  const lockName = pick(random, KEYS);
  const owner = pick(random, OWNERS);
  const kind = random();
  if (kind < 0.4) return { type: 'acquire', lock: lockName, owner, ttlMs: Math.ceil(random() * 40) };
  if (kind < 0.6) return { type: 'holder', lock: lockName };
  // Tokens are given out one by one, about as fast as this.
  const token = Math.max(1, Math.round(n * 0.04 + random() * 8 - 4));
  if (kind < 0.8) return { type: 'renew', lock: lockName, owner, token, ttlMs: Math.ceil(random() * 40) };
  return { type: 'release', lock: lockName, owner, token };
}

function holds<Input, Output, State>(
  name: string,
  { unknown, model, limits, workload, spoil }: Case<Input, Output, State>,
): void {
  describe(`10,000 operations of 15 clients on 5 keys, ${unknown * 100} % of unknown outcome: ${name}`, () => {
    const operations = largeHistoryOf({ ...SIZE, unknown }, workload());

    test('are found linearizable, with an order', () => {
      const result = checkLinearizability(operations, model);
      assert.equal(result.verdict, 'linearizable');
      assert.equal(result.linearizations.length, 5);
      const partitions = model.partition?.(operations) ?? [];
      for (const { partition, order } of result.linearizations) {
        const own = partitions.find((candidate) => candidate.name === partition)?.operations ?? [];
        assert.ok(isExplainedBy(new Set(own), order, model), partition);
      }
    });

    test('are a violation when one late answer is wrong', () => {
      const result = checkLinearizability(withWrongAnswer(operations, spoil), model, limits);
      assert.equal(result.verdict, 'violation');
      assert.ok(result.violation.operations.some(({ role }) => role === 'stuck'));
    });
  });
}

function withWrongAnswer<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  spoil: (operation: OkOperation<Input, Output>) => Output | null,
): readonly Operation<Input, Output>[] {
  const position = operations.findLastIndex((operation, index) => {
    return index < operations.length * 0.8 && operation.type === 'ok' && spoil(operation) !== null;
  });
  const victim = operations[position];
  assert.ok(victim?.type === 'ok');
  const output = spoil(victim);
  assert.ok(output !== null);
  return operations.with(position, { ...victim, output });
}

holds('registers', register);
holds('compare-and-set registers', casRegister);
holds('counters', counter);
holds('locks with leases', lock);
