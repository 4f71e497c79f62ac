import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrashPoints } from '../support/crash-run.ts';
import { installCrashes } from './install-crashes.ts';

for (const kind of ['memory', 'disk'] as const) {
  test(`a learner with its state ${kind === 'disk' ? 'on' : 'in'} ${kind} that is killed while it takes snapshots holds what it said it holds, and catches up`, async (t) => {
    const totals = await runCrashPoints({ workload: installCrashes(kind), fromSeed: 1, points: 8, reach: 0.4 });
    assert.equal(totals.points, 8);
    assert.ok(totals.acknowledged > 200, `only ${totals.acknowledged} proposals were acknowledged before the kills`);
    t.diagnostic(`${totals.points} kills, ${totals.acknowledged} acknowledged proposals, all found`);
  });
}
