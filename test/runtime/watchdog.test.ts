import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watchdog } from '../../src/runtime/watchdog.ts';
import { RecordingObserver } from '../support/fake-ports.ts';
import { FakeTime } from '../support/fake-time.ts';

function makeKit() {
  const time = new FakeTime();
  const observer = new RecordingObserver();
  const kit = {
    time,
    observer,
    writeMs: null as number | null,
    applyMs: null as number | null,
    slow: [] as string[],
    hangs: [] as number[],
  };
  const watchdog = new Watchdog({
    clock: time,
    timers: time,
    observer,
    intervalMs: 50,
    diskHangMs: 600,
    oldestWriteMs: () => kit.writeMs,
    applyStartedMs: () => kit.applyMs,
    onSlow: (what, ms) => kit.slow.push(`${what} ${ms}`),
    onDiskHang: () => kit.hangs.push(time.nowMs()),
  });
  watchdog.start();
  return Object.assign(kit, { watchdog });
}

test('a healthy node is not reported', async () => {
  const { time, slow, hangs, observer } = makeKit();
  await time.advance(1000);
  assert.deepEqual([slow, hangs], [[], []]);
  assert.equal(observer.values.get('event-loop.late.ms')?.length, 20);
});

test('a write that takes longer than an interval is reported as long as it lasts', async () => {
  const kit = makeKit();
  kit.writeMs = 0;
  await kit.time.advance(150);
  kit.writeMs = null;
  await kit.time.advance(200);
  assert.deepEqual([kit.slow, kit.hangs], [['disk 100', 'disk 150'], []]);
});

test('a write that hangs for an election timeout is a hang', async () => {
  const kit = makeKit();
  kit.writeMs = 0;
  await kit.time.advance(600);
  assert.deepEqual(kit.hangs, []);
  await kit.time.advance(100);
  assert.deepEqual(kit.hangs, [650, 700]);
});

test('an apply that takes longer than an interval is reported', async () => {
  const kit = makeKit();
  kit.applyMs = 20;
  await kit.time.advance(100);
  assert.deepEqual(kit.slow, ['apply 80']);
});

test('a loop that stalls for longer than an interval is reported', async () => {
  const kit = makeKit();
  kit.time.spend(50 + 51);
  await kit.time.runTurns();
  assert.deepEqual(kit.slow, ['event-loop 51']);
  await kit.time.advance(500);
  assert.equal(kit.slow.length, 1);
});

test('after stop it looks no more', async () => {
  const kit = makeKit();
  kit.watchdog.stop();
  kit.writeMs = 0;
  await kit.time.advance(5000);
  assert.deepEqual([kit.slow, kit.time.timerCount], [[], 0]);
});
