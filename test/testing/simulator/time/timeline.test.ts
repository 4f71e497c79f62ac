/** Virtual time: in order, with all promises done between two steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StandstillError, Timeline } from '../../../../src/testing/simulator/time/timeline.ts';

test('events happen at their times, and those of one time in the order in which they were set', async () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name} ${timeline.nowMs}`);
  timeline.after(5, note('c'));
  timeline.after(1, note('a'));
  timeline.after(5, note('d'));
  timeline.after(2, note('b'));
  await timeline.run(10);
  assert.deepEqual(seen, ['a 1', 'b 2', 'c 5', 'd 5']);
  assert.equal(timeline.nowMs, 10);
});

test('what was cancelled does not happen, and what comes later waits for the next run', async () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  const cancel = timeline.after(1, () => seen.push('cancelled'));
  timeline.after(3, () => seen.push('later'));
  cancel();
  await timeline.run(2);
  assert.deepEqual(seen, []);
  await timeline.run(3);
  assert.deepEqual(seen, ['later']);
});

test('a step starts when nothing is left of the promises of the one before', async () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  const hop = (left: number): void => {
    if (left === 0) seen.push('promises');
    else queueMicrotask(() => hop(left - 1));
  };
  timeline.after(1, () => hop(100));
  timeline.after(1, () => seen.push('next'));
  await timeline.run(1);
  assert.deepEqual(seen, ['promises', 'next']);
});

test('a run ends when it is halted, and rejects with what a step throws', async () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  timeline.after(1, () => timeline.halt());
  timeline.after(2, () => seen.push('too late'));
  await timeline.run(10);
  assert.deepEqual(seen, []);
  timeline.after(1, () => {
    throw new Error('broken');
  });
  await assert.rejects(timeline.run(10), /broken/);
});

test('what goes round in circles is noticed', async () => {
  const timeline = new Timeline();
  const again = (): void => {
    timeline.after(0, again);
  };
  again();
  await assert.rejects(timeline.run(1), StandstillError);
});
