/** The process that is killed: `node workload.ts '<task as JSON>'`. */
import { runLogWorkload } from './log/log-workload.ts';
import { runInstallWorkload } from './nodes/install-workload.ts';
import { runNodeWorkload } from './nodes/node-workload.ts';
import { runSnapshotWorkload } from './snapshots/snapshot-workload.ts';
import { Reporter } from './support/reporter.ts';
import type { VictimTask } from './support/victim.ts';

const WORKLOADS: Readonly<Record<string, (task: VictimTask, reporter: Reporter) => Promise<void>>> = {
  log: runLogWorkload,
  snapshots: runSnapshotWorkload,
  'node-memory': (task, reporter) => runNodeWorkload(task, reporter, 'memory'),
  'node-disk': (task, reporter) => runNodeWorkload(task, reporter, 'disk'),
  'install-memory': (task, reporter) => runInstallWorkload(task, reporter, 'memory'),
  'install-disk': (task, reporter) => runInstallWorkload(task, reporter, 'disk'),
};

// A cast: only `runVictim` and `makeCompileCache` start this program.
const task = JSON.parse(process.argv[2] ?? '') as VictimTask | null;
if (task !== null) {
  const run = WORKLOADS[task.workload];
  if (run === undefined) throw new RangeError(`there is no workload '${task.workload}'`);
  // The process ends when it is killed, not when it has nothing to do.
  setInterval(() => undefined, 2 ** 30);
  await run(task, new Reporter(task.killPoint));
}
