import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrashPoints } from '../support/crash-run.ts';
import { logCrashes } from './log-crashes.ts';

test('D-30 a log whose process is killed at any moment keeps what it acknowledged, in order, and nothing else', async (t) => {
  const totals = await runCrashPoints({ workload: logCrashes, fromSeed: 1, points: 25, reach: 0.2 });
  assert.equal(totals.points, 25);
  assert.ok(totals.acknowledged > 1000, `only ${totals.acknowledged} writes were acknowledged before the kills`);
  t.diagnostic(`${totals.points} kills, ${totals.acknowledged} acknowledged writes, all found`);
});
