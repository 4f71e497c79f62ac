/** The checker against one that tries everything, on small random histories of every model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { CheckResult } from '../../../src/testing/linearizability/check-result.ts';
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { casRegisterModel } from '../../../src/testing/linearizability/models/cas-register.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import { keyValueModel } from '../../../src/testing/linearizability/models/key-value.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { isExplainedBy, isLinearizable } from './brute-force.ts';
import { casRegisters, counters, locks, registers, stores } from './objects.ts';
import type { HistoryShape } from './random-histories.ts';
import { histories } from './random-histories.ts';

const RUNS = 4000;

describe('the checker agrees with trying every order', () => {
  agrees('registers', registerModel(), registers);
  agrees('compare-and-set registers', casRegisterModel(), casRegisters);
  agrees('counters', counterModel(), counters);
  agrees('key-value stores', keyValueModel(), stores);
  agrees('locks', lockModel(), locks);
});

function agrees<Input, Output, State>(
  name: string,
  model: Model<Input, Output, State>,
  shape: HistoryShape<Input, Output>,
): void {
  test(`on ${name}`, () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    fc.assert(
      fc.property(histories(shape), (operations) => {
        const result = checkLinearizability(operations, model);
        seen[result.verdict] += 1;
        assert.equal(result.verdict, isLinearizable(operations, model) ? 'linearizable' : 'violation');
        assertProven(result, operations, model);
      }),
      { numRuns: RUNS },
    );
    // Neither verdict may be so rare that the comparison means little.
    assert.ok(seen.linearizable > RUNS / 10 && seen.violation > RUNS / 10, JSON.stringify(seen));
  });
}

/** Each verdict comes with what anyone can check: an order, or a smaller history that is a violation too. */
function assertProven<Input, Output, State>(
  result: CheckResult<Input, Output>,
  operations: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): void {
  if (result.verdict === 'violation') {
    const { violation } = result;
    assert.equal(violation.isMinimal, true);
    assert.ok(violation.operations.some(({ role }) => role === 'stuck'));
    // All else makes no difference, whatever became of it, unless it says itself that it had no effect.
    const conflict = violation.operations.filter(({ role }) => role === 'placed' || role === 'stuck');
    assert.equal(conflict.length, violation.conflict);
    const processes = new Set(conflict.map(({ operation }) => operation.process));
    const others = operations.filter((operation) => {
      const output = operation.type === 'ok' ? operation.output : undefined;
      const isIdle = operation.type === 'failed' || model.isReadOnly(operation.input, output);
      return !isIdle && !processes.has(operation.process);
    });
    const open = [...conflict.map(({ operation }) => operation), ...others.map(openOf)];
    assert.equal(isLinearizable(open, model), false);
  } else if (result.verdict === 'linearizable') {
    const possible = operations.filter(({ type }) => type !== 'failed');
    const partitions = model.partition?.(possible) ?? [{ name: 'the whole history', operations: possible }];
    assert.equal(result.linearizations.length, partitions.length);
    assert.equal(partitions.flatMap((partition) => partition.operations).length, possible.length);
    for (const { partition, order } of result.linearizations) {
      const own = partitions.find(({ name }) => name === partition)?.operations ?? [];
      assert.ok(isExplainedBy(new Set(own), order, model));
    }
  }
}

function openOf<Input, Output>({ process, input, callAt }: Operation<Input, Output>): Operation<Input, Output> {
  return { type: 'unknown', process, input, callAt };
}
