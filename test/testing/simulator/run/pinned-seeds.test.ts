/** Seeds that found bugs of this library. Each bug has a test of its own, too; here are the runs that met it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from '../../../../src/testing/simulator/run/run-seed.ts';
import type { SimOptions } from '../../../../src/testing/simulator/run/sim-options.ts';

const PINNED: readonly (readonly [bug: string, options: SimOptions])[] = [
  ['a line that broke during an installation took the snapshot away from it', { seed: 1025 }],
  ['a stream that broke with its last byte was installed', { seed: 5192 }],
  ['a founder that crashed between its term and its first entry could never be initialised', { seed: 68 }],
  ['the same, by a full disk', { seed: 501_346, durationMs: 6000 }],
  ['a node that was away refused a leader whose store was new to it', { seed: 200_082 }],
  ['a store that joined anew under an old id elected itself by an old membership', { seed: 300_090 }],
  ['the same, with five nodes', { seed: 300_834 }],
  ['answers that came twice doubled the appends under way, without end', { seed: 300_588 }],
];

for (const [bug, options] of PINNED) {
  test(`seed ${options.seed}: ${bug}`, async () => {
    const { outcome, property, message } = await runSeed(options);
    assert.deepEqual([outcome, property, message], ['ok', null, null]);
  });
}
