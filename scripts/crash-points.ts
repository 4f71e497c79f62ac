/**
 * Kills processes that write to real files, at seeded moments, and checks what each of them left:
 * `npx node scripts/crash-points.ts --points 500 --from-seed 1`; `--workload log` runs one workload, `--trace` prints
 * every point. Exit code 1 when something was lost; the directory is kept then.
 */
import { parseArgs } from 'node:util';
import { CRASH_WORKLOADS } from '../test/crash/crash-workloads.ts';
import type { CrashTotals, CrashWorkload } from '../test/crash/support/crash-run.ts';
import { runCrashPoints } from '../test/crash/support/crash-run.ts';
import { describeKillPoint } from '../test/crash/support/kill-point.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '500' },
    'from-seed': { type: 'string', default: '1' },
    workload: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

const chosen = CRASH_WORKLOADS.filter(({ name }) => values.workload === undefined || name === values.workload);
if (chosen.length === 0) {
  throw new RangeError(`no such workload: the workloads are ${CRASH_WORKLOADS.map(({ name }) => name).join(', ')}`);
}

let failures = 0;
console.log('workload        points  acknowledged, all found  found though not acknowledged  seconds');
for (const workload of chosen) {
  const startedMs = performance.now();
  try {
    const totals = await run(workload);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(
      workload.name.padEnd(16) +
        String(totals.points).padStart(6) +
        String(totals.acknowledged).padStart(25) +
        String(totals.unacknowledged).padStart(31) +
        seconds.padStart(9),
    );
    for (const [name, count] of [...totals.pointsByName].sort())
      console.log(`    ${String(count).padStart(5)} ${name}`);
  } catch (error) {
    failures += 1;
    console.error(error);
  }
}
console.log(failures === 0 ? 'nothing was lost' : `${failures} of ${chosen.length} workloads failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function run(workload: CrashWorkload): Promise<CrashTotals> {
  return await runCrashPoints({
    workload,
    fromSeed: Number(values['from-seed']),
    points: Number(values.points),
    onPoint: (killPoint, { acknowledged, unacknowledged }) => {
      if (!values.trace) return;
      console.log(`${describeKillPoint(killPoint)}: ${acknowledged} acknowledged, ${unacknowledged} more`);
    },
  });
}
