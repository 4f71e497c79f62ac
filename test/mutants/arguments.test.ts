/** What `npm run mutants` takes, and what it refuses. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseMutantArguments, UsageError } from '../../mutants/mutant-arguments.ts';
import { readMutants } from '../../mutants/mutant-file.ts';
import { seedsFor } from '../../mutants/run-mutants.ts';

function assertRefuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => error instanceof UsageError && message.test(error.message), String(message));
}

describe('the command line of the mutants', () => {
  test('without options: 2000 seeds for each, as many at a time as there are processors', () => {
    assert.deepEqual(parseMutantArguments([], 2), {
      only: null,
      seeds: 2000,
      from: 1,
      isReduced: false,
      workers: 2,
      file: null,
      isListing: false,
      isJson: false,
    });
  });

  test('takes every option', () => {
    const given = '--only a,b --seeds 5 --from 7 --workers 3 --file f --list --json'.split(' ');
    assert.deepEqual(parseMutantArguments(given, 2), {
      only: ['a', 'b'],
      seeds: 5,
      from: 7,
      isReduced: false,
      workers: 3,
      file: 'f',
      isListing: true,
      isJson: true,
    });
    assert.equal(parseMutantArguments(['--reduced'], 2)?.isReduced, true);
    assert.equal(parseMutantArguments(['--help'], 2), null);
  });

  test('says what is wrong', () => {
    const refused: [string[], RegExp][] = [
      [['--bogus'], /--bogus/],
      [['here'], /here/],
      [['--seeds', '0'], /--seeds must be an integer from 1 on, but is '0'/],
      [['--from', 'x'], /--from must be an integer from 0 on/],
      [['--workers', '1.5'], /--workers must be an integer from 1 on/],
      [['--only', ','], /--only needs the name of a mutant/],
      [['--reduced', '--seeds', '5'], /leave out --seeds and --from/],
    ];
    for (const [given, message] of refused) assertRefuses(() => parseMutantArguments(given, 2), message);
  });
});

describe('the seeds of a mutant', () => {
  test('a full run tries them in order', () => {
    const seeds = seedsFor({ pinned: [9] }, { isReduced: false, from: 5, seeds: 3 });
    assert.deepEqual(seeds, [5, 6, 7]);
  });

  test('a reduced run begins with the pinned ones, and goes on with a few hundred', () => {
    const seeds = seedsFor({ pinned: [2, 700] }, { isReduced: true, from: 1, seeds: 2000 });
    assert.deepEqual(seeds.slice(0, 4), [2, 700, 1, 3]);
    assert.equal(seeds.length, 301);
    assert.equal(new Set(seeds).size, 301);
  });
});

describe('a file of mutants', () => {
  const patches = [{ file: 'src/a.ts', search: 'a', replace: 'b' }];

  test('may leave out all but name and patches', (t) => {
    const read = (value: unknown): unknown => readMutants(writeJson(t.after.bind(t), value));
    assert.deepEqual(read([{ name: 'm', patches }]), [{ name: 'm', patches, bug: '', origin: '', pinned: [] }]);
  });

  test('is checked', (t) => {
    const refused: [unknown, RegExp][] = [
      [{}, /must hold a list of mutants/],
      [[{ patches }], /item 1 needs a name/],
      [[{ name: 'm', patches: [] }], /item 1 needs patches/],
      [[{ name: 'm', patches: [{ file: 'src/a.ts' }] }], /item 1 needs patches, each with file, search and replace/],
      [[{ name: 'm', patches, pinned: ['x'] }], /pinned must be a list of seeds/],
    ];
    for (const [value, message] of refused) {
      const path = writeJson(t.after.bind(t), value);
      assertRefuses(() => readMutants(path), message);
    }
    assertRefuses(() => readMutants('/no/such/file'), /can't be read/);
  });
});

function writeJson(after: (clean: () => void) => void, value: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), 'mutants-'));
  after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'mutants.json');
  writeFileSync(path, JSON.stringify(value));
  return path;
}
