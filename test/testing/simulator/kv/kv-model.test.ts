/** What clients of the simulator saw, as the linearizability check reads it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkLinearizability } from '../../../../src/testing/linearizability/check-linearizability.ts';
import { checkCalls, kvModel, operationsOfCalls } from '../../../../src/testing/simulator/kv/kv-model.ts';
import type { KvOperation } from '../../../../src/testing/simulator/kv/kv-types.ts';
import type { ReadLevel, SettledCall } from '../../../../src/testing/simulator/observation/client-call.ts';
import { readCall, settled, writeCall } from '../oracles/node-views.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

const noAnswer = { outcome: 'unknown', output: null } as const;

function write(
  operation: KvOperation,
  [key, value, expected = null]: readonly [string, number, (number | null)?],
  { from, to }: Span,
  response: number | null,
): SettledCall {
  const call = writeCall(from);
  const request = { callId: from, operation, key, value, expected, padding: 0 };
  const made = { ...call, client: from, input: { type: 'write', request } as const };
  return settled(made, { returnOrder: to, output: { type: 'written', response } });
}

function read(
  key: string,
  value: number | null | readonly number[],
  { from, to }: Span,
  level: ReadLevel = 'linearizable',
): SettledCall {
  const made = { ...readCall(from), client: from, input: { type: 'read', key, level, atLeast: 0 } as const };
  return settled(made, { returnOrder: to, output: { type: 'read', value, stateIndex: 1 } });
}

const verdictOf = (history: readonly SettledCall[]): string => checkCalls(history).verdict;

describe('registers', () => {
  test('a read sees the newest write, and a write says what was there', () => {
    const history = [
      write('set', ['r1', 5], { from: 1, to: 2 }, null),
      write('set', ['r1', 6], { from: 3, to: 4 }, 5),
      read('r1', 6, { from: 5, to: 6 }),
      read('r2', null, { from: 7, to: 8 }),
    ];
    assert.equal(verdictOf(history), 'linearizable');
    assert.equal(verdictOf([...history, read('r1', 5, { from: 9, to: 10 })]), 'violation');
    assert.equal(verdictOf([...history, write('set', ['r1', 7], { from: 9, to: 10 }, 5)]), 'violation');
  });

  test('compare-and-set tells whether what it expects was there', () => {
    const first = write('set', ['r1', 5], { from: 1, to: 2 }, null);
    const swapped = (expected: number, response: number): string =>
      verdictOf([first, write('cas', ['r1', 9, expected], { from: 3, to: 4 }, response)]);
    assert.equal(swapped(5, 1), 'linearizable');
    assert.equal(swapped(5, 0), 'violation');
    assert.equal(swapped(4, 0), 'linearizable');
    assert.equal(swapped(4, 1), 'violation');
  });
});

describe('lists', () => {
  test('hold what was appended, in one order for all', () => {
    const history = [
      write('append', ['l1', 5], { from: 1, to: 4 }, 1),
      write('append', ['l1', 6], { from: 2, to: 3 }, 2),
      read('l1', [5, 6], { from: 5, to: 6 }),
    ];
    assert.equal(verdictOf(history), 'linearizable');
    for (const value of [[6, 5], [5], [5, 6, 6]]) {
      assert.equal(verdictOf([...history, read('l1', value, { from: 7, to: 8 })]), 'violation', `${value}`);
    }
  });
});

describe('calls', () => {
  test('that failed had no effect, and those of unknown outcome one at any later time, or none', () => {
    const made = write('set', ['r1', 5], { from: 1, to: 2 }, null);
    const seen = [read('r1', null, { from: 3, to: 4 }), read('r1', 5, { from: 5, to: 6 })];
    assert.equal(verdictOf([{ ...made, ...noAnswer }, ...seen]), 'linearizable');
    assert.equal(verdictOf([{ ...made, outcome: 'failed', output: null }, ...seen]), 'violation');
    assert.equal(verdictOf([made, ...seen]), 'violation');
  });

  test('that are open when a run ends may have taken effect', () => {
    const { input, client, node, id, callMs, callOrder } = write('set', ['r1', 5], { from: 1, to: 2 }, null);
    const open = { input, client, node, id, callMs, callOrder };
    const seen = [read('r1', 5, { from: 3, to: 4 })];
    assert.equal(checkCalls(seen).verdict, 'violation');
    assert.equal(checkCalls(seen, [open]).verdict, 'linearizable');
  });

  test('have the times of the trace, moved apart as far as their order needs', () => {
    const call = write('set', ['r1', 5], { from: 1, to: 2 }, null);
    const [operation] = operationsOfCalls([{ ...call, callMs: 70, returnMs: 70 }]);
    assert.deepEqual([operation?.callAt, operation?.type === 'ok' && operation.returnAt], [70, 70.001]);
  });

  test('that may be old are left out, those under a lease are not', () => {
    const made = write('set', ['r1', 5], { from: 1, to: 2 }, null);
    const levels: readonly ReadLevel[] = ['linearizable', 'lease', 'leader', 'stale', 'at-least'];
    const verdicts = levels.map((level) => verdictOf([made, read('r1', null, { from: 3, to: 4 }, level)]));
    const [old, fine] = ['violation', 'linearizable'];
    assert.deepEqual(verdicts, [old, old, fine, fine, fine]);
  });

  test('are named where they contradict each other', () => {
    const history = [write('set', ['r1', 5], { from: 1, to: 2 }, null), read('r1', 7, { from: 3, to: 4 })];
    const result = checkLinearizability(operationsOfCalls(history), kvModel());
    assert.equal(result.verdict, 'violation');
    assert.match(JSON.stringify(result), /r1: set 5 \(before: none\).*r1: get → 7/);
  });
});
