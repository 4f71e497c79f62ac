import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrashPoints } from '../support/crash-run.ts';
import { snapshotCrashes } from './snapshot-crashes.ts';

test('D-30 a snapshot store whose process is killed at any moment has the last snapshot it published, or a newer one', async (t) => {
  const totals = await runCrashPoints({ workload: snapshotCrashes, fromSeed: 1, points: 25, reach: 0.3 });
  assert.equal(totals.points, 25);
  assert.ok(totals.acknowledged > 25, `only ${totals.acknowledged} snapshots were published before the kills`);
  t.diagnostic(`${totals.points} kills, ${totals.acknowledged} published snapshots, all found`);
});
