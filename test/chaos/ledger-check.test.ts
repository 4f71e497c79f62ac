import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operation } from 'zlayer-consensus/testing';
import type { ClientInput, ClientOutput } from '../../chaos/client/operation.ts';
import { checkLedger, describeLedger } from '../../chaos/run/ledger-check.ts';

const put: ClientInput = { type: 'put', key: 'a', value: 1 };
const call = { process: 'c1', callAt: 0 };
const operations: readonly Operation<ClientInput, ClientOutput>[] = [
  { ...call, type: 'ok', input: put, output: null, returnAt: 1 },
  { ...call, type: 'failed', input: put, returnAt: 1 },
  { ...call, type: 'unknown', input: put },
  { ...call, type: 'ok', input: { type: 'get', key: 'a' }, output: 1, returnAt: 1 },
];

describe('the ledger of applied writes', () => {
  test('is right when acknowledged writes were applied once, and those of unknown outcome once or never', () => {
    for (const ledger of [
      [[0, 1]],
      [
        [0, 1],
        [2, 1],
      ],
    ] as const) {
      const found = checkLedger(operations, ledger);
      assert.equal(found.acknowledged, 1);
      assert.deepEqual(describeLedger(found), []);
    }
  });

  test('tells a write that was acknowledged and lost', () => {
    const found = checkLedger(operations, []);
    assert.deepEqual(found.lost, [0]);
    assert.match(describeLedger(found).join(), /1 writes were acknowledged and lost: operations 0/);
  });

  test('tells a write that was applied twice', () => {
    assert.deepEqual(checkLedger(operations, [[0, 2]]).appliedTwice, [0]);
  });

  test('tells a write that was applied although the client was told that it failed', () => {
    assert.deepEqual(
      checkLedger(operations, [
        [0, 1],
        [1, 1],
      ]).appliedThoughFailed,
      [1],
    );
  });

  test('tells what nobody asked for', () => {
    assert.deepEqual(
      checkLedger(operations, [
        [0, 1],
        [3, 1],
        [9, 1],
      ]).phantoms,
      [3, 9],
    );
  });
});
