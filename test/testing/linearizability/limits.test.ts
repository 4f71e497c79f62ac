/** What a check may cost, and what it says when that is not enough. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { CounterInput, CounterOutput } from '../../../src/testing/linearizability/models/counter.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import { keyValueModel } from '../../../src/testing/linearizability/models/key-value.ts';
import type {
  KeyValueInput,
  KeyValueOutput,
} from '../../../src/testing/linearizability/models/key-value-operations.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { isLinearizable } from './brute-force.ts';
import { stores } from './objects.ts';
import { ask, done, unknown } from './operations.ts';
import { histories } from './random-histories.ts';

/** Additions of all powers of two at once, and a sum that none of their selections has: nothing but trying helps. */
function hardSum(powers: number): readonly Operation<CounterInput, CounterOutput>[] {
  const additions = Array.from({ length: powers }, (_, power) =>
    unknown(ask(power, { type: 'add' as const, amount: 2 ** (power + 1) }), 0),
  );
  return [...additions, done(ask('reader', { type: 'get' as const }), 3, [1, 2])];
}

describe('a check within limits', () => {
  test('gives up after so many steps, and says how far it came', () => {
    const result = checkLinearizability(hardSum(25), counterModel(), { maxSteps: 10_000 });
    assert.equal(result.verdict, 'undecided');
    assert.deepEqual(result.undecided, [{ partition: 'the whole history', limit: 'steps', placed: 0, required: 1 }]);
    assert.match(result.reason, /maxSteps.*0 of 1 operations/);
    assert.ok(result.statistics.steps < 30_000);
  });

  test('gives up in the middle of a move that asks too much', () => {
    const acquire = (n: number) => ({ type: 'acquire' as const, lock: 'l', owner: `owner ${n}`, ttlMs: n + 1 });
    const holder = ask('reader', { type: 'holder' as const, lock: 'l' });
    const result = checkLinearizability(
      [
        ...Array.from({ length: 600 }, (_, n) => unknown(ask(n, acquire(n)), 0)),
        done(holder, { isDone: true, token: 1, owner: 'nobody', timeMs: 10_000 }, [1, 2]),
      ],
      lockModel(),
      { maxSteps: 20_000 },
    );
    assert.equal(result.verdict, 'undecided');
    assert.ok(result.statistics.steps < 40_000, String(result.statistics.steps));
  });

  test('gives up when its memory is full', () => {
    const result = checkLinearizability(hardSum(25), counterModel(), { maxCacheEntries: 1000 });
    assert.equal(result.verdict, 'undecided');
    assert.equal(result.undecided[0]?.limit, 'memory');
    assert.match(result.reason, /maxCacheEntries/);
    assert.ok(result.statistics.cacheEntries < 10_000);
  });

  test('gives up at its deadline', () => {
    let questions = 0;
    const isOverdue = () => {
      questions += 1;
      return questions > 3;
    };
    const result = checkLinearizability(hardSum(25), counterModel(), { isOverdue });
    assert.equal(result.verdict, 'undecided');
    assert.equal(result.undecided[0]?.limit, 'deadline');
    assert.match(result.reason, /deadline/);
  });

  test('finds the violation of one key although another one is too hard', () => {
    const operations: Operation<KeyValueInput, KeyValueOutput>[] = [];
    for (let n = 0; n < 40; n += 1) {
      operations.push(unknown(ask(n, { type: 'cas', key: 'hard', from: n % 7, to: (n * 3) % 7 }), 0));
      operations.push(unknown(ask(n, { type: 'put', key: 'hard', value: n % 5 }), 0));
    }
    operations.push(done(ask('r', { type: 'get', key: 'hard' }), 'never written', [1, 2]));
    operations.push(done(ask('r', { type: 'get', key: 'easy' }), 1, [3, 4]));
    const result = checkLinearizability(operations, keyValueModel(), { maxSteps: 200 });
    assert.equal(result.verdict, 'violation');
    assert.equal(result.violation.partition, 'key "easy"');
  });

  test('is never wrong when it decides', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    fc.assert(
      fc.property(histories(stores), fc.nat(30), (operations, maxSteps) => {
        const { verdict } = checkLinearizability(operations, keyValueModel(), { maxSteps, maxExplanationSteps: 10 });
        seen[verdict] += 1;
        if (verdict !== 'undecided') {
          assert.equal(verdict, isLinearizable(operations, keyValueModel()) ? 'linearizable' : 'violation');
        }
      }),
      { numRuns: 1000 },
    );
    assert.ok(seen.linearizable > 0 && seen.violation > 0, JSON.stringify(seen));
  });

  test('counts what it was given', () => {
    const write = { type: 'write' as const, value: 1 };
    const { statistics } = checkLinearizability(
      [
        done(ask(1, write), null, [0, 1]),
        unknown(ask(2, write), 0),
        { type: 'failed', process: 3, input: write, callAt: 0, returnAt: 1 },
      ],
      registerModel(),
    );
    const { operations, ok, failed, unknown: open, partitions } = statistics;
    assert.deepEqual(
      { operations, ok, failed, open, partitions },
      { operations: 3, ok: 1, failed: 1, open: 1, partitions: 1 },
    );
    assert.ok(statistics.steps > 0);
  });

  test('finds a history without operations linearizable', () => {
    const result = checkLinearizability([], keyValueModel());
    assert.deepEqual([result.verdict, result.statistics.partitions], ['linearizable', 0]);
  });

  test('refuses a return before its call, and times that are no numbers', () => {
    const read = ask(1, { type: 'read' as const });
    assert.throws(() => checkLinearizability([done(read, null, [2, 1])], registerModel()), {
      name: 'RangeError',
      message: /operation 0 is called at 2 and returns at 1/,
    });
    assert.throws(() => checkLinearizability([unknown(read, Number.NaN)], registerModel()), RangeError);
  });
});

describe('many operations of unknown outcome', () => {
  test('that nobody saw cost little', () => {
    const operations = [
      ...Array.from({ length: 2000 }, (_, n) => unknown(ask(n, { type: 'write' as const, value: n }), n)),
      ...Array.from({ length: 200 }, (_, n) => done(ask('r', { type: 'read' as const }), null, [n * 10, n * 10 + 5])),
    ];
    const result = checkLinearizability(operations, registerModel());
    assert.equal(result.verdict, 'linearizable');
    assert.ok(result.statistics.steps < 20_000, String(result.statistics.steps));
  });

  test('that ask for the same are not told apart', () => {
    const operations = [
      ...Array.from({ length: 60 }, (_, n) => unknown(ask(n, { type: 'add' as const, amount: 1 }), n)),
      done(ask('r', { type: 'get' as const }), 31, [100, 101]),
      done(ask('r', { type: 'get' as const }), 61, [102, 103]),
    ];
    const result = checkLinearizability(operations, counterModel());
    assert.equal(result.verdict, 'violation');
    assert.ok(result.statistics.steps < 20_000, String(result.statistics.steps));
  });
});
