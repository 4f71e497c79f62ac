import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArguments } from '../../bench/support/arguments.ts';
import { selfTimes } from '../../bench/support/cpu-profile.ts';
import { loadFigure, plainFigure } from '../../bench/support/figure.ts';
import { formatNumber, meetsFloor, tableHeading, tableRow } from '../../bench/support/table.ts';

describe('the report of the benchmark', () => {
  test('a row shows median, spread, cost, latency and floor below its headings', () => {
    const run = { operations: 1000, seconds: 0.01, cpuUs: 12_000, p50Ms: 0.5, p99Ms: 2 };
    const figure = loadFigure('propose', [run, { ...run, seconds: 0.02 }, { ...run, seconds: 0.005 }], {
      atLeast: 150_000,
    });
    const [, , headings = ''] = tableHeading('memory', 'in memory').split('\n');
    const row = tableRow(figure);
    assert.match(row, /^propose +100,000 +ops\/s +50,000 - 200,000 +12\.0 +0\.500 +2\.00 +>= 150,000 MISSED$/);
    assert.equal(row.indexOf('ops/s') + 'ops/s'.length, headings.indexOf('unit') + 'unit'.length);
  });

  test('what was not measured stays empty', () => {
    assert.match(tableRow(plainFigure('size', 'MB', [3])), /^size +3\.00 +MB +3\.00 - 3\.00$/);
  });

  test('a floor is met at its limit, in its direction', () => {
    assert.deepEqual(
      [
        meetsFloor({ atLeast: 5 }, 5),
        meetsFloor({ atLeast: 5 }, 4),
        meetsFloor({ atMost: 5 }, 5),
        meetsFloor({ atMost: 5 }, 6),
      ],
      [true, false, true, false],
    );
  });

  test('numbers keep three significant digits', () => {
    assert.deepEqual([0, 0.1234, 1.234, 12.34, 123.4, 1234567, -5.678].map(formatNumber), [
      '0',
      '0.123',
      '1.23',
      '12.3',
      '123',
      '1,234,567',
      '-5.68',
    ]);
  });
});

describe('the command line of the benchmark', () => {
  test('has defaults, of which --quick lowers the repeats', () => {
    const defaults = { only: [], isQuick: false, repeats: 5, jsonPath: '.bench/results.json', isProfiled: false };
    assert.deepEqual(parseArguments([]), { ...defaults, isHelp: false });
    assert.equal(parseArguments(['--quick']).repeats, 2);
    assert.equal(parseArguments(['--quick', '--repeats', '9']).repeats, 9);
  });

  test('refuses what it does not know and what makes no sense', () => {
    assert.throws(() => parseArguments(['--fast']), TypeError);
    assert.throws(() => parseArguments(['--repeats', '0']), RangeError);
    assert.throws(() => parseArguments(['--repeats', 'many']), RangeError);
  });
});

describe('the summary of a CPU profile', () => {
  test('adds the samples of a function up, longest first, and leaves idle time out', () => {
    const frame = (functionName: string) => ({ functionName, url: 'file:///a/src/codec/x.ts', lineNumber: 9 });
    const nodes = [
      { id: 1, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } },
      { id: 2, callFrame: frame('short') },
      { id: 3, callFrame: frame('long') },
      { id: 4, callFrame: frame('long') },
    ];
    assert.deepEqual(selfTimes({ nodes, samples: [1, 2, 3, 4, 1], timeDeltas: [500, 100, 200, 100, 500] }), [
      { name: 'long codec/x.ts:10', selfUs: 300, share: 0.75 },
      { name: 'short codec/x.ts:10', selfUs: 100, share: 0.25 },
    ]);
  });
});
