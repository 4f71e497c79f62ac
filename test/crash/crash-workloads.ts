/** Everything that is killed, by name. */
import { logCrashes } from './log/log-crashes.ts';
import { installCrashes } from './nodes/install-crashes.ts';
import { nodeCrashes } from './nodes/node-crashes.ts';
import { snapshotCrashes } from './snapshots/snapshot-crashes.ts';
import type { CrashWorkload } from './support/crash-run.ts';

export const CRASH_WORKLOADS: readonly CrashWorkload[] = [
  logCrashes,
  snapshotCrashes,
  nodeCrashes('memory'),
  nodeCrashes('disk'),
  installCrashes('memory'),
  installCrashes('disk'),
];
