/**
 * Runs random clusters from the command line, one seed after the other, and goes on after a failure.
 * `npx node scripts/random-clusters.ts --from 1 --count 1000 --steps 400`; `--trace` prints every step.
 * Exit code 1 when a seed failed.
 */
import { parseArgs } from 'node:util';
import { runRandomCluster } from '../test/support/random-faults.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    steps: { type: 'string', default: '400' },
    trace: { type: 'boolean', default: false },
  },
});

const from = Number(values.from);
const steps = Number(values.steps);
const trace = values.trace ? (line: string): void => console.log(line) : undefined;
let failures = 0;
for (let seed = from; seed < from + Number(values.count); seed += 1) {
  try {
    runRandomCluster(seed, steps, trace);
  } catch (error) {
    failures += 1;
    console.error(`seed ${seed}, ${steps} steps:`, error);
  }
}
console.log(`${values.count} seeds, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
