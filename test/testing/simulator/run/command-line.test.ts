/** The command line of the simulator: what it takes, what it refuses, and what its exit codes say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseArguments, UsageError } from '../../../../scripts/sim/sim-arguments.ts';

const SCRIPT = join(import.meta.dirname, '../../../../scripts/sim.ts');

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
}

describe('arguments', () => {
  test('have defaults', () => {
    const args = parseArguments([], 2);
    assert.equal(args?.seeds, 100);
    assert.equal(args?.from, 1);
    assert.equal(args?.workers, 2);
  });

  test('are checked, each with what is wrong', () => {
    const refused: [string[], RegExp][] = [
      [['--bogus'], /bogus/],
      [['--seeds', '0'], /--seeds must be an integer from 1/],
      [['--seeds', 'many'], /--seeds must be an integer/],
      [['--nodes', '12'], /--nodes must be an integer from 1 to 9/],
      [['--intensity=-1'], /--intensity must be a number from 0 to 10/],
      [['--faults', 'crash,fire'], /no such fault: fire; there are loss/],
      [['--faults', 'disk-loss', '--nodes', '2'], /with 2 nodes no quorum is left/],
      [['--schedule', '/no/such/file'], /can't be read/],
    ];
    for (const [args, message] of refused) {
      assert.throws(
        () => parseArguments(args, 2),
        (error) => error instanceof UsageError && message.test(error.message),
        args.join(' '),
      );
    }
  });

  test('name faults in any order', () => {
    assert.deepEqual(parseArguments(['--faults', 'crash, loss'], 2)?.options.faults, ['loss', 'crash']);
  });
});

describe('the command', () => {
  test('runs seeds in several processes and sums them up', () => {
    const { status, stdout, stderr } = run('--seeds', '4', '--duration-ms', '1000', '--workers', '2', '--json');
    assert.equal(status, 0, stderr);
    const { seeds, failures, virtualHours } = JSON.parse(stdout);
    assert.deepEqual([seeds, failures, virtualHours > 0], [4, [], true]);
    assert.match(stderr, /4 of 4 seeds, .* seeds\/s, .* virtual hours, 0 failed/);
  });

  test('runs a schedule from a file, and writes what happens', (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'sim-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const [scheduleFile, traceFile] = [join(directory, 's.json'), join(directory, 't')];
    const items = [{ id: 1, atMs: 200, action: { type: 'crash', target: 2, afterCalls: 0, downMs: 100 } }];
    writeFileSync(scheduleFile, JSON.stringify({ seed: 9, nodes: 3, durationMs: 1000, items }));
    const { status, stderr } = run('--schedule', scheduleFile, '--trace', traceFile);
    assert.equal(status, 0, stderr);
    assert.match(readFileSync(traceFile, 'utf8'), /FAULT .*"crash"[\s\S]*n2 +crashes[\s\S]*HEALED[\s\S]*END ok/);
  });

  test('says what is wrong with its arguments, and exits with 1', (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'sim-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 's.json');
    const action = { type: 'crash', target: 1, afterCalls: 0, downMs: null };
    writeFileSync(file, JSON.stringify({ nodes: 1, items: [{ id: 1, atMs: 0, action }] }));
    for (const [args, message] of [
      [['--bogus'], /--bogus[\s\S]*--help lists all options/],
      [['--schedule', file], /no quorum is left in the healed phase/],
    ] as const) {
      const { status, stderr } = run(...args);
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
  });

  test('explains itself', () => {
    const { status, stdout } = run('--help');
    assert.equal(status, 0);
    assert.match(stdout, /Exit codes: 0 all seeds passed, 1 wrong usage, 2 a safety property/);
  });
});
