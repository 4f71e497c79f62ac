/** What each model accepts, one answer at a time, and how it splits histories. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { perKey } from '../../../src/testing/linearizability/model.ts';
import { casRegisterModel } from '../../../src/testing/linearizability/models/cas-register.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import { keyValueModel } from '../../../src/testing/linearizability/models/key-value.ts';
import type {
  KeyValueInput,
  KeyValueOutput,
} from '../../../src/testing/linearizability/models/key-value-operations.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { casRegisters, counters, locks, registers, stores } from './objects.ts';
import { ask, done, failed, unknown } from './operations.ts';
import type { HistoryShape } from './random-histories.ts';

describe('every model agrees with a plain object that is used by one client', () => {
  follows('register', registerModel(), registers);
  follows('compare-and-set register', casRegisterModel(), casRegisters);
  follows('counter', counterModel(), counters);
  follows('key-value store', keyValueModel(), stores);
  follows('lock', lockModel(), locks);
});

/** The right answer is accepted, any other one that the model looks at is not, and an unknown one leads to the same. */
function follows<Input, Output, State>(
  name: string,
  model: Model<Input, Output, State>,
  { input, output, createObject }: HistoryShape<Input, Output>,
): void {
  test(name, () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(input, output), { maxLength: 20 }), (calls) => {
        const answer = createObject();
        let state = model.initial();
        for (const [timeMs, [asked, other]] of calls.entries()) {
          const right = answer(asked, timeMs);
          const step = model.step(state, asked, right);
          assert.ok(step.ok, `${JSON.stringify(asked)} → ${JSON.stringify(right)} in ${model.describeState(state)}`);
          const wrong = model.step(state, asked, atTime(other, timeMs));
          // Where another answer is accepted too, it must be one that makes no difference.
          if (!wrong.ok) refused += 1;
          else if (model.isReadOnly(asked, undefined)) assert.deepEqual(normal(other), normal(right));
          assert.equal(typeof model.describe(asked, right), 'string');
          assert.match(model.describe(asked, undefined), /\?/);
          state = step.state;
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(refused > 100, String(refused));
  });
}

/** An answer of a lock with the time of now: what it would be at another time is no question of right or wrong. */
function atTime<Output>(output: Output, timeMs: number): Output {
  return typeof output === 'object' && output !== null && 'timeMs' in output ? { ...output, timeMs } : output;
}

/** Lists in any order are the same; that nobody holds a lock needs no more words. */
function normal(output: unknown): unknown {
  if (Array.isArray(output)) return output.toSorted();
  if (typeof output !== 'object' || output === null || !('isDone' in output)) return output;
  return output.isDone === false ? 'free' : { ...output, timeMs: 0 };
}

describe('the key-value model', () => {
  const model = keyValueModel();
  const put = (key: string) =>
    done<KeyValueInput, KeyValueOutput>(ask(key, { type: 'put', key, value: 1 }), null, [0, 1]);
  const list = (prefix: string, ...keys: readonly string[]) =>
    done<KeyValueInput, KeyValueOutput>(
      ask('l', { type: 'list', prefix }),
      keys.map((key) => [key, 1] as const),
      [2, 3],
    );
  const split = (...operations: readonly Operation<KeyValueInput, KeyValueOutput>[]) =>
    (model.partition?.(operations) ?? []).map((partition) => [partition.name, partition.operations.length]);

  test('splits a history by key', () => {
    assert.deepEqual(split(put('a'), put('b'), put('a')), [
      ['key "a"', 2],
      ['key "b"', 1],
    ]);
  });

  test('keeps together what a list could see, and nothing else', () => {
    assert.deepEqual(split(put('a/1'), put('b/1'), put('a/2'), list('a/')), [
      ['keys listed as a/*', 3],
      ['key "b/1"', 1],
    ]);
  });

  test('keeps together the keys of lists that overlap', () => {
    assert.deepEqual(split(put('a/1'), put('a/b/1'), put('c'), list('a/'), list('a/b/')), [
      ['keys listed as a/*, a/b/*', 4],
      ['key "c"', 1],
    ]);
  });

  test('keeps a list with the keys that it shows, also where they are not its own', () => {
    assert.deepEqual(split(put('x'), list('a/', 'x')), [['keys listed as a/*', 2]]);
  });

  test('refuses lists that show a key twice, a key of another prefix, a key without a value, or no list', () => {
    const state = new Map([
      ['a/1', 1],
      ['b/1', 1],
    ]);
    const step = (output: KeyValueOutput) => model.step(state, { type: 'list', prefix: 'a/' }, output).ok;
    assert.equal(step([['a/1', 1]]), true);
    assert.deepEqual(
      [
        step([]),
        step([
          ['a/1', 1],
          ['a/1', 1],
        ]),
        step([
          ['a/1', 1],
          ['b/1', 1],
        ]),
        step([
          ['a/1', 1],
          ['a/2', null],
        ]),
        step(null),
      ],
      [false, false, false, false, false],
    );
  });

  test('names the key that is wrong even though lists keep many keys together', () => {
    const read = done<KeyValueInput, KeyValueOutput>(ask('r', { type: 'get', key: 'a/2' }), null, [4, 5]);
    const result = checkLinearizability([put('a/1'), put('a/2'), list('a/', 'a/1', 'a/2'), read], model);
    assert.equal(result.verdict, 'violation');
    assert.equal(result.violation.partition, 'key "a/2"');
  });

  test('shows a list that is wrong about one key as a read of it', () => {
    const result = checkLinearizability([put('a/1'), put('a/2'), list('a/', 'a/1')], model);
    assert.equal(result.verdict, 'violation');
    const stuck = result.violation.operations.find(({ role }) => role === 'stuck');
    assert.equal(stuck?.label, 'list a/*: a/2 → none');
  });
});

describe('a model per key', () => {
  const model = perKey(registerModel(), ({ type }) => type);

  test('splits by key, in order of first use, without what failed', () => {
    const result = checkLinearizability(
      [
        done(ask(1, { type: 'read' as const }), null, [0, 1]),
        done(ask(1, { type: 'write' as const, value: 1 }), null, [2, 3]),
        failed(ask(1, { type: 'read' as const }), [4, 5]),
        unknown(ask(1, { type: 'write' as const, value: 2 }), 6),
      ],
      model,
    );
    assert.equal(result.verdict, 'linearizable');
    assert.deepEqual(result.linearizations.map(({ partition }) => partition).toSorted(), ['key "read"', 'key "write"']);
  });

  test('names the key with each operation', () => {
    assert.equal(model.describe({ type: 'read' }, 3), 'read: read → 3');
    assert.equal(model.name, 'register per key');
  });
});
