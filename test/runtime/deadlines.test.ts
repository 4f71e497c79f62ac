import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../../src/runtime/deadlines.ts';
import { FakeTime } from '../support/fake-time.ts';

function sweeper(time: FakeTime): { readonly deadlines: Deadlines; readonly swept: number[]; due: number[] } {
  const state = { due: [] as number[], swept: [] as number[] };
  const deadlines = new Deadlines(time, time, (nowMs) => {
    state.swept.push(nowMs);
    state.due = state.due.filter((dueMs) => dueMs > nowMs);
    return Math.min(...state.due);
  });
  return Object.assign(state, { deadlines });
}

test('one timer serves all deadlines, armed for the earliest', async () => {
  const time = new FakeTime();
  const { deadlines, swept, due } = sweeper(time);
  for (const deadlineMs of [500, 300, 400, 300]) {
    due.push(deadlineMs);
    deadlines.note(deadlineMs);
    assert.equal(time.timerCount, 1);
  }
  await time.advance(1000);
  assert.deepEqual(swept, [300, 400, 500]);
  assert.equal(time.timerCount, 0);
});

test('a new deadline after the last one fired arms the timer anew', async () => {
  const time = new FakeTime();
  const { deadlines, swept } = sweeper(time);
  deadlines.note(10);
  await time.advance(100);
  deadlines.note(200);
  await time.advance(100);
  assert.deepEqual(swept, [10, 200]);
});

test('after stop no timer is set, nor will be', async () => {
  const time = new FakeTime();
  const { deadlines, swept } = sweeper(time);
  deadlines.note(10);
  deadlines.stop();
  deadlines.note(5);
  assert.equal(time.timerCount, 0);
  await time.advance(100);
  assert.deepEqual(swept, []);
});
