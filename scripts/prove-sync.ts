/**
 * Shows, by the system calls of real runs, that nothing is acknowledged before it is on the disk. Needs strace (Linux):
 * `npx node scripts/prove-sync.ts --cuts 300 --seed 1`. Exit code 1 when something came too early or would be lost, 2
 * when there is no strace.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cutPower } from '../test/crash/trace/cut-log.ts';
import type { TracedCall } from '../test/crash/trace/strace-reader.ts';
import type { SyncOrder } from '../test/crash/trace/sync-order.ts';
import { checkCommitOrder, checkPublishOrder } from '../test/crash/trace/sync-order.ts';
import { canTrace, isReport, runTraced } from '../test/crash/trace/traced-run.ts';

const { values } = parseArgs({
  options: { cuts: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
});
const seed = Number(values.seed);
const cuts = Number(values.cuts);

if (canTrace()) await prove();
else {
  console.log('strace is not here, or may not trace: the order of writes and syncs can not be shown');
  process.exitCode = 2;
}

async function prove(): Promise<void> {
  const log = runTraced('log', 'call append', 250, seed);
  const dataPath = join(log.task.directory, 'data.mdb');
  console.log('One commit of the log:');
  for (const line of oneCommit(log.calls, dataPath)) console.log(`  ${line}`);
  show('The log', checkCommitOrder(log.calls, dataPath));
  const snapshots = runTraced('snapshots', 'done publish', 20, seed);
  show('Snapshots', checkPublishOrder(snapshots.calls, 'done publish'));
  const honest = await cutPower(log, { cuts, seed, isHonest: true });
  console.log(
    `Power cuts at ${honest.cuts} moments: ${honest.acknowledged} acknowledged writes looked for, ${honest.problems.length} cuts lost or damaged something`,
  );
  for (const problem of honest.problems.slice(0, 10)) console.log(`  ${problem}`);
  const lying = await cutPower(log, { cuts, seed, isHonest: false });
  console.log(
    `For comparison, a disk that ignores every sync: ${lying.problems.length} of ${lying.cuts} cuts lost or damaged something`,
  );
  if (honest.problems.length > 0 || lying.problems.length === 0) process.exitCode = 1;
}

function show(what: string, { counts, violations }: SyncOrder): void {
  const counted = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  console.log(`${what}: ${counted.join(', ')}; ${violations.length} came too early`);
  for (const violation of violations) console.log(`  ${violation}`);
  if (violations.length > 0) process.exitCode = 1;
}

/** From the first write of pages behind the tenth acknowledgement to the next acknowledgement. */
function oneCommit(calls: readonly TracedCall[], path: string): string[] {
  const tenth = calls.filter((call) => isAcknowledgement(call))[10];
  const start = calls.findIndex((call) => call.beginLine > (tenth?.beginLine ?? 0) && isWriteTo(call, path));
  const end = calls.findIndex((call, position) => position > start && isAcknowledgement(call));
  return calls.slice(start, end + 1).flatMap((call) => {
    if (call.type === 'sync') return [`fdatasync(data.mdb), returned before line ${call.endLine}`];
    if (call.type !== 'write') return [];
    if (isReport(call)) return [`write(pipe, '${call.bytes.toString().trim()}')`];
    if (call.path !== path) return [];
    const by = call.isSynchronous ? 'O_DSYNC' : 'plain';
    return [`pwrite(data.mdb, ${call.bytes.byteLength} bytes at ${call.position}), ${by} descriptor`];
  });
}

function isAcknowledgement(call: TracedCall): boolean {
  return isReport(call) && call.type === 'write' && call.bytes.toString().startsWith('done ');
}

function isWriteTo(call: TracedCall, path: string): boolean {
  return call.type === 'write' && call.path === path;
}
