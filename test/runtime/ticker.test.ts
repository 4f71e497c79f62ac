import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ticker } from '../../src/runtime/ticker.ts';
import { FakeTime } from '../support/fake-time.ts';

function makeTicker(): { readonly time: FakeTime; readonly ticker: Ticker; readonly due: number[] } {
  const time = new FakeTime();
  const due: number[] = [];
  return { time, ticker: new Ticker(time, time, () => due.push(time.nowMs())), due };
}

test('the deadline is acted on once, when it is due', async () => {
  const { time, ticker, due } = makeTicker();
  ticker.arm(100);
  await time.advance(99);
  assert.deepEqual(due, []);
  await time.advance(200);
  assert.deepEqual(due, [100]);
});

test('an earlier deadline replaces the one that is armed, a later one leaves it', async () => {
  const { time, ticker, due } = makeTicker();
  ticker.arm(100);
  ticker.arm(200);
  ticker.arm(50);
  assert.equal(time.timerCount, 1);
  await time.advance(300);
  assert.deepEqual(due, [50]);
});

test('rule 2 after a stall the I/O that waits is read before the deadline is acted on', async () => {
  const { time, ticker } = makeTicker();
  const order: string[] = [];
  const stalled = new Ticker(time, time, () => order.push('deadline'));
  stalled.arm(100);
  time.spend(5000);
  time.io(() => order.push('heartbeat'));
  await time.runTurns();
  assert.deepEqual(order, ['heartbeat', 'deadline']);
  ticker.stop();
});

test('no deadline means no timer', () => {
  const { time, ticker } = makeTicker();
  ticker.arm(Number.POSITIVE_INFINITY);
  assert.equal(time.timerCount, 0);
});

test('after stop nothing is due any more, not even what had fired already', async () => {
  const { time, ticker, due } = makeTicker();
  ticker.arm(100);
  time.spend(100);
  time.io(() => ticker.stop());
  await time.runTurns();
  ticker.arm(150);
  await time.advance(1000);
  assert.deepEqual([due, time.timerCount], [[], 0]);
});
