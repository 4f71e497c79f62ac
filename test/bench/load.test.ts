import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { runLoad } from '../../bench/support/load.ts';

describe('the load generator', () => {
  test('keeps as many operations in flight as wanted, and runs as many as wanted', async () => {
    let inFlight = 0;
    let most = 0;
    let started = 0;
    const operation = async (): Promise<void> => {
      started += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await setImmediate();
      inFlight -= 1;
    };
    const { operations } = await runLoad(operation, { inFlight: 7, length: { operations: 100 } });
    assert.deepEqual({ operations, started, most, inFlight }, { operations: 100, started: 100, most: 7, inFlight: 0 });
  });

  test('starts nothing after its time is over, and makes no figure of it', async () => {
    let started = 0;
    const operation = async (): Promise<void> => {
      started += 1;
    };
    await assert.rejects(runLoad(operation, { inFlight: 3, length: { durationMs: 0 } }), RangeError);
    assert.equal(started, 0);
  });

  test('ends with the first failure', async () => {
    let started = 0;
    const operation = async (): Promise<void> => {
      started += 1;
      await setImmediate();
      if (started >= 5) throw new Error('no more');
    };
    await assert.rejects(runLoad(operation, { inFlight: 2, length: { operations: 1000 } }), /no more/);
    await setImmediate();
    const startedAtFailure = started;
    await setImmediate();
    assert.equal(started, startedAtFailure);
  });
});
