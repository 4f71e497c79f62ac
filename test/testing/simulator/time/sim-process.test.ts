/** A simulated process has the event loop of Node.js: timers, then I/O, then what was put off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimProcess } from '../../../../src/testing/simulator/time/sim-process.ts';
import { Timeline } from '../../../../src/testing/simulator/time/timeline.ts';

function setUp(rate: number = 1): {
  timeline: Timeline;
  process: SimProcess;
  seen: string[];
  note: (name: string) => () => void;
} {
  const timeline = new Timeline();
  const process = new SimProcess({ timeline, onSettled: () => undefined, startMs: 1000, rate, wallOffsetMs: 0 });
  const seen: string[] = [];
  const note = (name: string) => () => {
    seen.push(`${name} ${timeline.nowMs}`);
  };
  return { timeline, process, seen, note };
}

test('a turn runs timers, then I/O, then what was put off to its end', async () => {
  const { timeline, process, seen, note } = setUp();
  process.setTimer(5, note('timer'));
  timeline.after(2, () => process.stall(10));
  timeline.after(3, () => process.nextTurn(note('turn')));
  timeline.after(4, () => process.io(note('io')));
  await timeline.run(20);
  assert.deepEqual(seen, ['timer 12', 'io 12', 'turn 12']);
});

test('what is put off at the end of a turn waits for the I/O of the next one', async () => {
  const { timeline, process, seen, note } = setUp();
  process.nextTurn(() => {
    note('first')();
    process.nextTurn(note('second'));
    process.io(note('io'));
  });
  await timeline.run(1);
  assert.deepEqual(seen, ['first 0', 'io 0', 'second 0']);
});

test('a timer takes a millisecond at least, keeps its order, and can be cancelled', async () => {
  const { timeline, process, seen, note } = setUp();
  process.setTimer(0, note('a'));
  process.setTimer(1, note('b'));
  process.setTimer(1, note('c')).cancel();
  await timeline.run(5);
  assert.deepEqual(seen, ['a 1', 'b 1']);
});

test('clocks run at their own rate, from then on when it changes', async () => {
  const { timeline, process, seen, note } = setUp(2);
  process.setTimer(10, note('fast'));
  await timeline.run(5);
  assert.deepEqual(seen, ['fast 5']);
  assert.equal(process.nowMs(), 1010);
  process.setTimer(10, note('slow'));
  process.setRate(0.5);
  await timeline.run(100);
  assert.deepEqual(seen, ['fast 5', 'slow 25']);
});

test('the wall clock jumps without the monotonic one', () => {
  const { process } = setUp();
  const [wallMs, nowMs] = [process.wallMs(), process.nowMs()];
  process.jumpWallClock(-5000);
  assert.equal(process.wallMs(), wallMs - 5000);
  assert.equal(process.nowMs(), nowMs);
});

test('a callback that takes long moves the own clock on and holds up the rest', async () => {
  const { timeline, process, seen, note } = setUp();
  process.io(() => {
    process.spend(7);
    seen.push(`after ${process.nowMs()}`);
  });
  process.io(note('next'));
  await timeline.run(20);
  assert.deepEqual(seen, ['after 1007', 'next 7']);
});

test('nothing of a dead process happens any more', async () => {
  const { timeline, process, seen, note } = setUp();
  process.setTimer(1, note('timer'));
  process.io(() => process.kill());
  process.io(note('io'));
  process.nextTurn(note('turn'));
  await timeline.run(10);
  process.io(note('late'));
  process.setTimer(1, note('late'));
  await timeline.run(20);
  assert.deepEqual(seen, []);
});

test('a doomed process makes so many calls of its ports, and no more', () => {
  const { process } = setUp();
  process.doom(2, () => process.kill());
  assert.deepEqual(
    [process.portCall(), process.portCall(), process.portCall(), process.portCall()],
    [true, true, false, false],
  );
});
