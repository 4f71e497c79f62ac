/** Whole runs: what they report, what they refuse, and how failures are made small. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeTimeline } from '../../../../scripts/sim/failure-report.ts';
import { ClientCalls } from '../../../../src/testing/simulator/clients/client-calls.ts';
import { checkCalls } from '../../../../src/testing/simulator/kv/kv-model.ts';
import { HEALED_LIMITS, HealedPhase, LivenessFailure } from '../../../../src/testing/simulator/run/healed-phase.ts';
import { runSeed } from '../../../../src/testing/simulator/run/run-seed.ts';
import { shrink } from '../../../../src/testing/simulator/run/shrink.ts';
import type { SimOptions, SimResult } from '../../../../src/testing/simulator/run/sim-options.ts';
import {
  checkQuorumLeft,
  parseSchedule,
  ScheduleError,
} from '../../../../src/testing/simulator/schedule/check-schedule.ts';
import type { FaultItem } from '../../../../src/testing/simulator/schedule/fault-item.ts';
import { drawSettings } from '../../../../src/testing/simulator/settings.ts';
import { SimRandom } from '../../../../src/testing/simulator/time/sim-random.ts';
import { Operator } from '../../../../src/testing/simulator/world/operator.ts';
import { SimCluster } from '../../../../src/testing/simulator/world/sim-cluster.ts';

test('clusters under all kinds of faults keep every property, and serve when they are healed', async () => {
  const results: SimResult[] = [];
  for (let seed = 1; seed <= 12; seed += 1) results.push(await runSeed({ seed, durationMs: 5000 }));
  const failed = results.filter(({ outcome }) => outcome !== 'ok').map(({ seed, message }) => `${seed}: ${message}`);
  assert.deepEqual(failed, []);
  assert.ok(results.some(({ counts }) => counts.unknown > 0 && counts.ok > 100));
  assert.ok(results.some(({ counts }) => counts.starts > 10));
  assert.ok(results.some(({ counts }) => counts.memberships > 5));
});

test('what clients saw is linearizable, and would not be if an answer were another one', async (t) => {
  const result = await runSeed({ seed: 5, durationMs: 3000, nodes: 3, checksLinearizability: true });
  const { history } = result;
  assert.equal(result.linearizability?.verdict, 'linearizable');
  assert.equal(result.linearizability.statistics.partitions > 0, true);
  const position = history.findIndex(({ input, output }) => {
    return input.type === 'read' && input.level === 'linearizable' && output?.type === 'read' && output.stateIndex > 20;
  });
  const call = history[position];
  assert.ok(call?.output?.type === 'read');
  const changed = history.with(position, { ...call, output: { ...call.output, value: 4_000_000_000 } });
  const linearizability = checkCalls(changed);
  assert.equal(linearizability.verdict, 'violation');

  // What the command writes for people then.
  const directory = mkdtempSync(join(tmpdir(), 'sim-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'timeline.html');
  assert.equal(writeTimeline({ ...result, linearizability: null }, file), null);
  assert.equal(writeTimeline(result, file), null);
  assert.equal(writeTimeline({ ...result, linearizability }, file), file);
  assert.match(readFileSync(file, 'utf8'), /Seed 5: not linearizable[\s\S]*get → 4000000000/);
});

test('nodes that stay down for good are not waited for, as long as a quorum is left', async () => {
  const schedule: FaultItem[] = [
    { id: 1, atMs: 100, action: { type: 'crash', target: 1, afterCalls: 0, downMs: null } },
  ];
  const { outcome, counts } = await runSeed({ seed: 8, nodes: 3, durationMs: 2000, schedule });
  assert.equal(outcome, 'ok');
  assert.ok(counts.ok > 0);
});

test('a schedule that leaves no quorum in the healed phase is refused', async () => {
  const schedule: FaultItem[] = [1, 2].map((target, id) => ({
    id,
    atMs: 100,
    action: { type: 'crash', target, afterCalls: 0, downMs: null },
  }));
  const error = { name: 'ScheduleError', message: /of 3 nodes 2 stay down for good, and no quorum is left/ };
  assert.throws(() => checkQuorumLeft(schedule, 3), error);
  assert.doesNotThrow(() => checkQuorumLeft(schedule, 5));
  await assert.rejects(runSeed({ seed: 1, nodes: 3, schedule }), error);
});

test('a schedule that is not one is refused with all of its problems', () => {
  const good = { id: 1, atMs: 5, action: { type: 'stall', target: 'leader', forMs: 10 } };
  assert.deepEqual(parseSchedule([good]), [good]);
  assert.throws(() => parseSchedule({}), ScheduleError);
  const bad = [
    { ...good, id: 'x' },
    { ...good, atMs: -1 },
    { ...good, action: { type: 'fire' } },
    { ...good, action: { type: 'stall', target: 1 } },
  ];
  assert.throws(
    () => parseSchedule(bad),
    (error) => error instanceof ScheduleError && error.problems.length === bad.length,
  );
});

test('a healed cluster that elects nobody in time fails, and says how the nodes are', async () => {
  const settings = drawSettings(new SimRandom('settings'), 3);
  const cluster = new SimCluster(settings, new SimRandom('cluster'), null);
  const node = cluster.addNode();
  node.start();
  const calls = new ClientCalls({ ...cluster, onUnexpected: assert.fail });
  const operator = new Operator(cluster, new SimRandom('operator'));
  const phase = new HealedPhase({ cluster, operator, calls, forever: new Set(), repairOverlooked: () => undefined });
  const failure = assert.rejects(phase.run(), (error) => {
    return error instanceof LivenessFailure && error.property === 'elects' && error.message.includes('n1 learner');
  });
  const unitMs = settings.config.electionTimeoutMaxMs ?? 0;
  await cluster.timeline.run((HEALED_LIMITS.elect + 1) * unitMs);
  await failure;
});

test('a failing schedule is made as small as it can be', async () => {
  const options: SimOptions = { seed: 12, nodes: 3, durationMs: 1500 };
  const passed = await runSeed(options);
  // What is looked for is a run that ends well: of such a schedule nothing is needed.
  const { result, runs } = await shrink({ options, failed: passed });
  assert.equal(passed.outcome, 'ok');
  assert.ok(passed.schedule.length > 3);
  assert.deepEqual(result.schedule, []);
  assert.ok(runs < 20);
});
