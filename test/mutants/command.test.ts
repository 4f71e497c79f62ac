/** The command itself: what its exit codes say, and that a bug is caught in a process of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { MUTANTS } from '../../mutants/all-mutants.ts';

const COMMAND = join(import.meta.dirname, '../../mutants/main.ts');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: string[]): Ended {
  return spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
}

/** Runs made-up mutants for a few short seeds. */
function runFile(t: TestContext, mutants: readonly object[], ...args: string[]): Ended {
  return run('--file', writeMutants(t, mutants), '--workers', '1', ...args);
}

function writeMutants(t: TestContext, mutants: readonly object[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'mutants-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'mutants.json');
  writeFileSync(file, JSON.stringify(mutants));
  return file;
}

const HARMLESS = {
  name: 'harmless',
  patches: [
    {
      file: 'src/core/quorum/majority.ts',
      search: 'return Math.floor(voters.length / 2) + 1;',
      replace: 'return Math.floor(voters.length / 2 + 1);',
    },
  ],
  options: { nodes: 3, durationMs: 500 },
};

/** Two of five voters leave, and then two of those that are left are gone for good: no library can go on. */
const UNSURVIVABLE = [
  { id: 1, atMs: 0, action: { type: 'remove', target: 4 } },
  { id: 2, atMs: 3000, action: { type: 'remove', target: 5 } },
  { id: 3, atMs: 8000, action: { type: 'crash', target: 1, afterCalls: 0, downMs: null } },
  { id: 4, atMs: 8000, action: { type: 'crash', target: 2, afterCalls: 0, downMs: null } },
];

describe('npm run mutants', () => {
  test('exits with 2 when a mutant is not caught', (t) => {
    const { status, stderr } = runFile(t, [HARMLESS], '--seeds', '2');
    assert.equal(status, 2, stderr);
    assert.match(stderr, /harmless +2 seeds .* NOT CAUGHT[\s\S]*0 of 1 mutants are caught/);
  });

  test('exits with 0 when a mutant is caught by its pinned seed, which the unchanged library passes', () => {
    const [mutant] = MUTANTS;
    assert.ok(mutant !== undefined);
    const { status, stdout, stderr } = run('--reduced', '--only', mutant.name, '--json');
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout);
    const [{ name, caught }] = report.mutants;
    assert.deepEqual([name, caught.outcome], [mutant.name, 'safety']);
    assert.deepEqual(report.baseline.failures, []);
  });

  test('exits with 3 when the unchanged library fails a seed', (t) => {
    const options = { nodes: 5, durationMs: 9000, schedule: UNSURVIVABLE };
    const { status, stderr } = runFile(t, [{ ...HARMLESS, options, outcomes: ['liveness'] }], '--seeds', '1');
    assert.equal(status, 3, stderr);
    assert.match(stderr, /the unchanged library fails seed 1 with .*: liveness: elects/);
  });

  test('exits with 4 when a mutant does not fit', (t) => {
    const misfit = { ...HARMLESS, patches: [{ ...HARMLESS.patches[0], search: 'no such text' }] };
    const { status, stderr } = runFile(t, [misfit], '--seeds', '1');
    assert.equal(status, 4, stderr);
    assert.match(stderr, /majority\.ts must have this exactly once, but has it 0 times/);
  });

  test('exits with 1 when it is used wrongly', () => {
    for (const [args, message] of [
      [['--bogus'], /--bogus[\s\S]*--help lists all options/],
      [['--only', 'no-such'], /there is no mutant 'no-such': --list shows them all/],
      [['--file', '/no/such/file'], /can't be read/],
    ] as const) {
      const { status, stderr } = run(...args);
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
  });

  test('leaves no process behind when it is interrupted', async (t) => {
    const file = writeMutants(t, [{ ...HARMLESS, options: { nodes: 1, durationMs: 1 } }]);
    const child = spawn(process.execPath, [COMMAND, '--file', file, '--workers', '1', '--seeds', '100000']);
    t.after(() => child.kill('SIGKILL'));
    // Comes after a hundred seeds.
    await once(child.stderr, 'data');
    child.kill('SIGTERM');
    // The worker has the same standard output: it is gone when that is closed.
    const [code] = await once(child, 'close');
    assert.equal(code, 130);
  });

  test('lists all mutants', () => {
    const { status, stdout } = run('--list');
    assert.equal(status, 0);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
      MUTANTS.map(({ name }) => name),
    );
  });
});
