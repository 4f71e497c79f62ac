import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrashPoints } from '../support/crash-run.ts';
import { nodeCrashes } from './node-crashes.ts';

for (const kind of ['memory', 'disk'] as const) {
  test(`D-30 a node with its state ${kind === 'disk' ? 'on' : 'in'} ${kind} that is killed at any moment has every acknowledged proposal`, async (t) => {
    const totals = await runCrashPoints({ workload: nodeCrashes(kind), fromSeed: 1, points: 10, reach: 0.5 });
    assert.equal(totals.points, 10);
    assert.ok(totals.acknowledged > 200, `only ${totals.acknowledged} proposals were acknowledged before the kills`);
    t.diagnostic(`${totals.points} kills, ${totals.acknowledged} acknowledged proposals, all found`);
  });
}
