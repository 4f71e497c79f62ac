import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareCoverage, findScenarioIds } from '../scenarios/coverage.ts';

describe('findScenarioIds', () => {
  test('finds ids in names and templates of a test file, not in its comments', () => {
    const text = "// E-01\ntest('rejects (E-02, E-03)', f);\ntest(`size $" + '{n} R-04`, f);\n/* C-05 */';
    assert.deepEqual([...findScenarioIds('test/core/a.test.ts', text)], ['E-02', 'E-03', 'R-04']);
  });

  test('finds ids anywhere in a script', () => {
    assert.deepEqual([...findScenarioIds('test/scripts/a.txt', '# R-01 probe\nstart 1\n')], ['R-01']);
  });

  test('takes neither longer numbers nor other letters for ids', () => {
    assert.deepEqual([...findScenarioIds('test/a.test.ts', "test('E-123 H-01 UTF-16 XE-01', f);")], []);
  });
});

describe('compareCoverage', () => {
  const ids = ['E-01', 'E-02'];

  test('accepts an exact list of open scenarios', () => {
    const mentions = new Map([['E-01', ['a.test.ts']]]);
    const open = [{ id: 'E-02', why: 'not yet written' }];
    assert.deepEqual(compareCoverage({ ids, open, mentions }), { uncoveredIds: ['E-02'], problems: [] });
  });

  test('refuses an id that has neither a test nor a place on the list', () => {
    const { problems } = compareCoverage({ ids, open: [], mentions: new Map([['E-01', ['a.test.ts']]]) });
    assert.deepEqual(problems, ['E-02 has no test and is not listed as open']);
  });

  test('refuses an open id that has a test', () => {
    const mentions = new Map([
      ['E-01', ['a.test.ts']],
      ['E-02', ['a.test.ts', 'b.test.ts']],
    ]);
    const { problems } = compareCoverage({ ids, open: [{ id: 'E-02', why: 'later' }], mentions });
    assert.deepEqual(problems, ['E-02 is listed as open but has a test in a.test.ts, b.test.ts: take it off the list']);
  });

  test('refuses an id that the catalogue does not have', () => {
    const mentions = new Map([['E-99', ['a.test.ts']]]);
    const { problems } = compareCoverage({ ids: [], open: [{ id: 'E-98', why: 'later' }], mentions });
    assert.deepEqual(problems, [
      'E-99 is named in a.test.ts but is not in the catalogue',
      'E-98 is listed as open, but is not in the catalogue or has no reason',
    ]);
  });

  test('refuses a listed id without a reason, and one listed twice', () => {
    const open = [
      { id: 'E-01', why: ' ' },
      { id: 'E-01', why: 'later' },
    ];
    const { problems } = compareCoverage({ ids: ['E-01'], open, mentions: new Map() });
    assert.deepEqual(problems, [
      'E-01 is listed as open, but is not in the catalogue or has no reason',
      'an id is listed as open twice',
    ]);
  });
});
