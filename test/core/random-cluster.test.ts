/** Random clusters: many seeds, each a different mix of load and faults; the oracle looks on at every step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runRandomCluster } from '../support/random-faults.ts';

const SEEDS = 400;
const SEEDS_PER_TEST = 50;
const STEPS = 300;

function runSeed(seed: number): void {
  try {
    runRandomCluster(seed, STEPS);
  } catch (cause) {
    const replay = `npx node scripts/random-clusters.ts --from ${seed} --steps ${STEPS} --trace`;
    throw new Error(`seed ${seed} failed; replay it with: ${replay}`, { cause });
  }
}

for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
  const to = from + SEEDS_PER_TEST - 1;
  test(`I-01 I-02 I-04 safe under random faults, converges when healed: seeds ${from} to ${to}`, () => {
    for (let seed = from; seed <= to; seed += 1) runSeed(seed);
  });
}

test('the same seed gives the same trace', () => {
  const traceOf = (seed: number): string[] => {
    const lines: string[] = [];
    runRandomCluster(seed, STEPS, (line) => lines.push(line));
    return lines;
  };
  assert.deepEqual(traceOf(7), traceOf(7));
  assert.notDeepEqual(traceOf(7), traceOf(8));
});

test('the seeds reach what they are meant to test', () => {
  const reached = new Map<string, number>();
  const count = (what: string): void => void reached.set(what, (reached.get(what) ?? 0) + 1);
  for (let seed = 1; seed <= 100; seed += 1) {
    for (const { history } of runRandomCluster(seed, STEPS).nodes.values()) {
      for (const effect of history) {
        count(effect.type === 'role-changed' ? effect.role : effect.type);
        if (effect.type === 'persist' && effect.truncateFrom !== null) count('truncation');
      }
    }
  }
  const wanted = ['leader', 'truncation', 'install-snapshot', 'purge', 'read-granted', 'membership-changed'] as const;
  for (const what of [...wanted, 'transfer-done', 'commit']) {
    assert.ok((reached.get(what) ?? 0) >= 10, `${what}: ${reached.get(what)}`);
  }
});
