/** What people are told about a mutant. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HuntResult } from '../../mutants/hunt.ts';
import type { Mutant } from '../../mutants/mutant.ts';
import { countsAsCaught } from '../../mutants/mutant.ts';
import { resultLine, stalePinLine } from '../../mutants/result-text.ts';
import type { SeedSummary } from '../../scripts/sim/seed-summary.ts';

const MUTANT: Mutant = { name: 'm', bug: 'b', origin: 'o', patches: [], pinned: [4, 5] };

function summary(seed: number, found: Partial<SeedSummary> = {}): SeedSummary {
  const counts = { ok: 0, failed: 0, unknown: 0, committed: 0, starts: 0, terms: 0, memberships: 0 };
  const run = { outcome: 'safety', property: 'p', message: null, atMs: 0, hash: '', steps: 0, nodes: 3 } as const;
  return { seed, ...run, faults: 0, counts, ...found };
}

function result(caught: SeedSummary | null): HuntResult {
  return { mutant: MUTANT, caught, seeds: [4, 5, 1], seconds: 1.25, cpuSeconds: 1 };
}

describe('the result of a hunt', () => {
  test('names the property that caught the mutant, or the invariant of the core', () => {
    assert.match(resultLine(result(summary(1))), /^m +3 seeds +1\.3 s {2}p \(seed 1\)$/);
    const stopped = summary(1, { property: 'invariants of the core', message: 'invariant I3 violated on node 2' });
    assert.match(resultLine(result(stopped)), /invariant I3 \(seed 1\)$/);
    assert.match(resultLine(result(null)), /NOT CAUGHT$/);
  });

  test('tells which seed to pin when the pinned ones catch it no more', () => {
    assert.equal(stalePinLine(result(summary(5))), null);
    assert.equal(stalePinLine(result(null)), null);
    assert.match(stalePinLine(result(summary(1))) ?? '', /of m catch it no more: pin 1 instead of 4, 5$/);
  });

  test('a violated safety property counts as caught, another failure only where the mutant says so', () => {
    assert.deepEqual(
      (['safety', 'crash', 'liveness', 'ok'] as const).map((outcome) => countsAsCaught(MUTANT, outcome)),
      [true, false, false, false],
    );
    assert.equal(countsAsCaught({ ...MUTANT, outcomes: ['safety', 'crash'] }, 'crash'), true);
  });
});
