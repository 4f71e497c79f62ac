/** Mutants are changes of the sources in memory: each must fit, and the sources must know nothing of them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MUTANTS } from '../../mutants/all-mutants.ts';
import type { Mutant } from '../../mutants/mutant.ts';
import { PatchError, patchSource } from '../../mutants/patch-source.ts';
import { checkQuorumLeft, parseSchedule } from '../../src/testing/simulator/schedule/check-schedule.ts';

const ROOT = join(import.meta.dirname, '../..');

function readSource(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

describe('a patch', () => {
  const patch = { file: 'a.ts', search: 'x + 1', replace: '$& + 2' };

  test('replaces its text, as it is, in its file only', () => {
    assert.equal(patchSource('a.ts', 'y = x + 1;', [patch]), 'y = $& + 2;');
    assert.equal(patchSource('b.ts', 'y = x + 1;', [patch]), 'y = x + 1;');
  });

  test('must fit exactly once', () => {
    assert.throws(() => patchSource('a.ts', 'y = x - 1;', [patch]), PatchError);
    assert.throws(() => patchSource('a.ts', 'y = x + 1; z = x + 1;', [patch]), /exactly once, but has it 2 times/);
  });

  test('of several each sees what the ones before made', () => {
    const next = { file: 'a.ts', search: '+ 2', replace: '+ 3' };
    assert.equal(patchSource('a.ts', 'y = x + 1;', [patch, next]), 'y = $& + 3;');
  });
});

describe('the mutants', () => {
  for (const { name, patches } of MUTANTS) {
    test(`${name} fits the present sources`, () => {
      for (const file of new Set(patches.map((patch) => patch.file))) {
        const source = readSource(file);
        assert.notEqual(patchSource(file, source, patches), source);
      }
    });
  }

  test('have names of their own, a bug, its origin, and a seed that catches it', () => {
    assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
    const isIncomplete = ({ bug, origin, pinned }: Mutant): boolean =>
      bug === '' || origin === '' || pinned.length === 0;
    assert.deepEqual(
      MUTANTS.filter(isIncomplete).map(({ name }) => name),
      [],
    );
  });

  test('stand in their document, all of them and no others', () => {
    const rows = readSource('docs/MUTANTS.md').match(/^\| `[\w-]+` \|/gm) ?? [];
    assert.deepEqual(
      rows.map((row) => row.slice(3, -3)),
      MUTANTS.map(({ name }) => name),
    );
  });

  test('have schedules that a cluster can survive', () => {
    const own = MUTANTS.flatMap(({ options }) => (options?.schedule === undefined ? [] : [options]));
    assert.ok(own.length > 0);
    for (const { schedule = [], nodes = 3 } of own) {
      assert.deepEqual(parseSchedule(structuredClone(schedule)), schedule);
      assert.doesNotThrow(() => checkQuorumLeft(schedule, nodes));
    }
  });

  test('are unknown to the sources, which carry no flag for them', () => {
    const knowing = globSync('src/**/*', { cwd: ROOT, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => /mutant/i.test(readFileSync(path, 'utf8')));
    assert.deepEqual(knowing, []);
  });
});
