/** The same seed gives the same run: in one process, in two, and whether or not somebody watches. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runSeed } from '../../../../src/testing/simulator/run/run-seed.ts';

const OPTIONS = { seed: 5, durationMs: 4000 };

test('the same seed gives the same run, also when it is traced', async () => {
  const lines: string[] = [];
  const first = await runSeed(OPTIONS);
  const traced = await runSeed({ ...OPTIONS, trace: (line) => lines.push(line) });
  assert.deepEqual({ ...traced }, { ...first });
  assert.ok(lines.length > 100);
});

test('another seed gives another run', async () => {
  const first = await runSeed(OPTIONS);
  const second = await runSeed({ ...OPTIONS, seed: OPTIONS.seed + 1 });
  assert.notEqual(second.hash, first.hash);
});

test('a drawn schedule can be given instead', async () => {
  const drawn = await runSeed(OPTIONS);
  const { schedule } = drawn;
  const given = await runSeed({ ...OPTIONS, schedule: JSON.parse(JSON.stringify(schedule)), intensity: 0 });
  assert.equal(given.hash, drawn.hash);
});

test('two processes write the same trace, byte for byte', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sim-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const script = join(import.meta.dirname, '../../../../scripts/sim.ts');
  const traces = ['a', 'b'].map((name) => {
    const traceFile = join(directory, name);
    const args = [script, '--seeds', '1', '--from', '5', '--duration-ms', '4000', '--trace', traceFile];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return readFileSync(traceFile, 'utf8');
  });
  assert.ok((traces[0]?.length ?? 0) > 10_000);
  assert.equal(traces[0], traces[1]);
});
