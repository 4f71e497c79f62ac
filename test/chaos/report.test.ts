import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseArguments } from '../../chaos/cli/arguments.ts';
import { reportTable } from '../../chaos/report/console-table.ts';
import { renderReport } from '../../chaos/report/html-report.ts';
import { roundTicks } from '../../chaos/report/markup.ts';
import type { ChaosResult } from '../../chaos/report/result.ts';
import { writeReport } from '../../chaos/report/write-report.ts';

function result(changes: Partial<ChaosResult> = {}): ChaosResult {
  const command = parseArguments(['--seed', '5', '--nemesis', 'kill,pause'], 1);
  assert.ok('args' in command);
  const counts = { ok: 1234, failed: 5, unknown: 6 };
  return {
    outcome: 'ok',
    findings: [],
    args: command.args,
    command: 'npm run chaos -- --seed 5',
    startedAt: '2030-01-02T03:04:05.678Z',
    machine: { node: 'v24.0.0', cpu: 'a <fast> one', cores: 2, loadAverage: 1.25 },
    networkKind: 'namespaces',
    leftOut: [],
    whole: { startMs: 0, endMs: 3000 },
    faulty: { startMs: 1000, endMs: 2000 },
    counts,
    codes: [{ code: 'INDETERMINATE', failed: 0, unknown: 6 }],
    faults: [{ nemesis: 'kill', variant: 'all', what: 'kill -9 nodes 1 & 2', startMs: 1000, endMs: 2000 }],
    rows: [
      { nemesis: 'kill', intervals: 1, counts, gapsMs: [870.4], gaps: { p50: 870.4, p99: 870.4, max: 870.4 } },
      { nemesis: 'pause', intervals: 0, counts: { ok: 0, failed: 0, unknown: 0 }, gapsMs: [], gaps: null },
    ],
    perSecond: [counts, { ok: 0, failed: 3, unknown: 1 }, counts],
    outageMs: 500,
    outages: [{ startMs: 1100, endMs: 1970.4 }],
    healedAfterMs: 321,
    check: {
      verdict: 'linearizable',
      operations: 1245,
      partitions: 3,
      steps: 9,
      seconds: 0.5,
      reason: null,
      violationFile: null,
    },
    acknowledgedWrites: 700,
    replicas: [
      { nodeId: 1, appliedIndex: 800, keys: 12, digest: 'abc' },
      { nodeId: 12, appliedIndex: 800, keys: 12, digest: 'abc' },
    ],
    proxyCounts: null,
    ...changes,
  };
}

/** Every tag that is opened is closed, in order; void elements and the doctype aside. */
function assertBalanced(html: string): void {
  const open: string[] = [];
  for (const [, isEnd, name = '', isVoid] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/gi)) {
    if (isVoid === '/' || ['meta', 'br', 'hr'].includes(name)) continue;
    if (isEnd === '') open.push(name);
    else assert.equal(open.pop(), name);
  }
  assert.deepEqual(open, []);
}

describe('the report of a run', () => {
  test('is a page that stands alone: balanced, escaped, without references to other hosts', () => {
    const html = renderReport(result());
    assertBalanced(html);
    assert.doesNotMatch(html, /https?:/);
    assert.match(html, /kill -9 nodes 1 &amp; 2/);
    assert.match(html, /a &lt;fast&gt; one/);
    assert.doesNotMatch(html, /NaN|undefined|Infinity/);
  });

  test('shows verdict, numbers, command and a row for each nemesis', () => {
    const html = renderReport(result());
    assert.match(html, /<h1>Nothing was lost, and every answer was right<\/h1>/);
    for (const text of [
      'linearizable',
      '1,234 ok',
      '5 failed, 6 unknown',
      'all equal',
      '321 ms',
      'npm run chaos -- --seed 5',
    ]) {
      assert.ok(html.includes(text), text);
    }
    assert.match(html, /<th>kill <span.*?<td>1<\/td><td>1,234<\/td>.*?<td>870<\/td><td>870<\/td><td>870<\/td>/);
    assert.match(html, /<title>no success for 870 ms<\/title>/);
  });

  test('a violation is the headline, with its findings and its picture', () => {
    const html = renderReport(
      result({
        outcome: 'violation',
        findings: [{ outcome: 'violation', text: '1 writes were <lost>' }],
        check: {
          verdict: 'violation',
          operations: 9,
          partitions: 1,
          steps: 4,
          seconds: 0.1,
          reason: 'key a',
          violationFile: '/somewhere/violation.html',
        },
        replicas: [
          { nodeId: 1, appliedIndex: 8, keys: 1, digest: 'abc' },
          { nodeId: 2, appliedIndex: 8, keys: 1, digest: 'abd' },
        ],
      }),
    );
    assertBalanced(html);
    assert.match(html, /<header class="bad">\s*<h1>A promise was broken<\/h1>/);
    assert.match(html, /1 writes were &lt;lost&gt;/);
    assert.match(html, /href="violation.html"/);
    assert.match(html, /different/);
  });

  test('a run that broke early has a page, too', () => {
    const html = renderReport(
      result({
        outcome: 'crash',
        healedAfterMs: null,
        check: null,
        replicas: [],
        perSecond: [],
        faults: [],
        rows: [],
        codes: [],
      }),
    );
    assertBalanced(html);
    assert.match(html, /not checked/);
    assert.match(html, /never/);
  });

  test('what could not be tested is said', () => {
    const html = renderReport(result({ leftOut: [{ nemesis: 'clock', why: 'libfaketime is not installed' }] }));
    assert.match(html, /Not tested.*libfaketime is not installed/s);
  });

  test('is written as a page and as JSON, and printed as a table', () => {
    const directory = mkdtempSync(join(tmpdir(), 'zlayer-report-'));
    try {
      writeReport(directory, result());
      const json: unknown = JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'));
      assert.deepEqual(json, { format: 1, ...result() });
      assert.equal(readFileSync(join(directory, 'report.html'), 'utf8'), renderReport(result()));
    } finally {
      rmSync(directory, { recursive: true });
    }
    assert.match(reportTable(result()), /^kill +1 +1234 +5 +6 +870 +870 +870$/m);
    assert.match(reportTable(result()), /^pause +0 +0 +0 +0 +- +- +-$/m);
    const findings = [{ outcome: 'liveness', text: 'no node leads' }] as const;
    assert.match(reportTable(result({ findings })), /LIVENESS: no node leads\nagain: npm run chaos/);
  });

  test('axes have round numbers, and reach the highest value', () => {
    assert.deepEqual(roundTicks(190, 4), [0, 50, 100, 150, 200]);
    assert.deepEqual(roundTicks(7300, 10), [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
    assert.deepEqual(roundTicks(10, 5), [0, 2, 4, 6, 8, 10]);
  });
});
