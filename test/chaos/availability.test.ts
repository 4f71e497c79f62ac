import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operation } from 'zlayer-consensus/testing';
import type { EndedCall } from '../../chaos/report/availability.ts';
import {
  countIn,
  countSteps,
  endedCalls,
  longestGapMs,
  percentilesOf,
  successGaps,
} from '../../chaos/report/availability.ts';
import { nemesisRows, quietSpans } from '../../chaos/report/nemesis-rows.ts';

const WHOLE = { startMs: 0, endMs: 1000 };

function ok(...times: readonly number[]): readonly EndedCall[] {
  return times.map((atMs) => ({ atMs, type: 'ok' }));
}

describe('availability', () => {
  test('gaps lie between successes, and from the start and to the end', () => {
    const failed: EndedCall = { atMs: 500, type: 'failed' };
    assert.deepEqual(successGaps([...ok(100, 300), failed, ...ok(900)], WHOLE), [
      { startMs: 0, endMs: 100 },
      { startMs: 100, endMs: 300 },
      { startMs: 300, endMs: 900 },
      { startMs: 900, endMs: 1000 },
    ]);
    assert.deepEqual(successGaps([], WHOLE), [WHOLE]);
  });

  test('the longest gap of a span is one that touches it, in full', () => {
    const gaps = successGaps(ok(100, 300, 900), WHOLE);
    assert.equal(longestGapMs(gaps, { startMs: 310, endMs: 320 }), 600);
    assert.equal(longestGapMs(gaps, { startMs: 120, endMs: 200 }), 200);
    assert.equal(longestGapMs(gaps, { startMs: 0, endMs: 1000 }), 600);
    assert.equal(longestGapMs(gaps, { startMs: 300, endMs: 300 }), 0);
  });

  test('percentiles are values that occurred', () => {
    assert.equal(percentilesOf([]), null);
    assert.deepEqual(percentilesOf([5]), { p50: 5, p99: 5, max: 5 });
    assert.deepEqual(percentilesOf([40, 10, 30, 20]), { p50: 20, p99: 40, max: 40 });
    const hundred = Array.from({ length: 200 }, (_, index) => index + 1);
    assert.deepEqual(percentilesOf(hundred), { p50: 100, p99: 198, max: 200 });
  });

  test('operations count when they ended, those of unknown outcome when they were called', () => {
    const operations: readonly Operation<null, null>[] = [
      { type: 'unknown', process: 1, input: null, callAt: 50 },
      { type: 'ok', process: 2, input: null, output: null, callAt: 10, returnAt: 60 },
      { type: 'failed', process: 3, input: null, callAt: 0, returnAt: 20 },
    ];
    const calls = endedCalls(operations);
    assert.deepEqual(calls, [
      { atMs: 20, type: 'failed' },
      { atMs: 50, type: 'unknown' },
      { atMs: 60, type: 'ok' },
    ]);
    assert.deepEqual(countIn(calls, [{ startMs: 20, endMs: 60 }]), { ok: 0, failed: 1, unknown: 1 });
    assert.deepEqual(countSteps(calls, { startMs: 0, endMs: 80 }, 30), [
      { ok: 0, failed: 1, unknown: 0 },
      { ok: 0, failed: 0, unknown: 1 },
      { ok: 1, failed: 0, unknown: 0 },
    ]);
  });

  test('an operation in two overlapping faults of a kind counts once', () => {
    const spans = [
      { startMs: 0, endMs: 100 },
      { startMs: 50, endMs: 200 },
    ];
    assert.deepEqual(countIn(ok(75), spans), { ok: 1, failed: 0, unknown: 0 });
  });

  test('quiet is what faults leave of the whole', () => {
    const faults = [
      { startMs: 500, endMs: 700 },
      { startMs: 100, endMs: 300 },
      { startMs: 200, endMs: 250 },
    ];
    assert.deepEqual(quietSpans(faults, WHOLE), [
      { startMs: 0, endMs: 100 },
      { startMs: 300, endMs: 500 },
      { startMs: 700, endMs: 1000 },
    ]);
    assert.deepEqual(quietSpans([WHOLE], WHOLE), []);
  });

  test('each kind of fault has a row with the longest gap of each of its faults', () => {
    const whole = { startMs: 0, endMs: 20_000 };
    const times = Array.from({ length: 199 }, (_, index) => (index + 1) * 100);
    const calls = ok(...times.filter((ms) => ms <= 5000 || ms >= 7000));
    const kill = (startMs: number): { startMs: number; endMs: number } => ({ startMs, endMs: startMs + 1000 });
    const faults = [5000, 10_000].map((startMs) => ({
      nemesis: 'kill' as const,
      variant: 'one',
      what: 'kill -9 node 1',
      ...kill(startMs),
    }));
    const [killed, quiet] = nemesisRows({ calls, whole, faults, nemeses: ['kill'] });
    assert.deepEqual(killed?.gapsMs, [2000, 100]);
    assert.deepEqual(killed?.gaps, { p50: 100, p99: 2000, max: 2000 });
    assert.equal(killed?.intervals, 2);
    assert.equal(quiet?.nemesis, 'none');
    assert.equal(quiet?.intervals, 3);
  });
});
