import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { LogTask } from './log-process.ts';
import type { LogProcessEnd, LogProcessStart } from './run-log-process.ts';
import { canMount, runLogProcess, temporaryDirectory } from './run-log-process.ts';

/** The error says what is wrong and what to do, and no promise was rejected that nobody holds. */
function assertRefused({ report, signal, exitCode, stderr }: LogProcessEnd, message: RegExp): void {
  assert.deepEqual([signal, exitCode], [null, 0], stderr);
  assert.equal(report?.code, 'STORAGE');
  assert.match(report.message, message);
  assert.equal(report.unhandledRejections, 0);
}

function assertNothingLost({ report }: LogProcessEnd): void {
  const { acknowledged = 0, found = 0 } = report ?? {};
  assert.ok(acknowledged > 0, 'nothing was acknowledged before');
  assert.ok(found >= acknowledged, `${acknowledged} acknowledged, ${found} found`);
}

/** A disk of the process's own, with a ballast that `dd` writes; it is gone with the process. */
function onSmallDisk(t: TestContext, size: string, dd: string): { task: LogTask; start: LogProcessStart } {
  const disk = join(temporaryDirectory(t), 'disk');
  mkdirSync(disk);
  const ballast = join(disk, 'ballast');
  const before = `mount -t tmpfs -o size=${size} tmpfs '${disk}' && (dd if=/dev/zero of='${ballast}' ${dd} 2>/dev/null; true)`;
  return { task: { type: 'fill', directory: join(disk, 'log'), ballast }, start: { before, mayMount: true } };
}

test('a file that may not grow any more stops the log; all that was acknowledged is there', async (t) => {
  const directory = join(temporaryDirectory(t), 'log');
  const end = await runLogProcess({ type: 'fill', directory }, { before: 'ulimit -f 4096' });
  assertRefused(end, /can't write the log: .*(EIO|EFBIG)\): .*raise the limit on the size of files/);
  assertNothingLost(end);
});

if (canMount()) {
  test('a full disk stops the log; with room again all that was acknowledged is there', async (t) => {
    const { task, start } = onSmallDisk(t, '8m', 'bs=1M count=2');
    const end = await runLogProcess(task, start);
    assertRefused(end, /can't write the log: the disk is full \(ENOSPC\): make room/);
    assertNothingLost(end);
  });

  test('a log is not opened on a disk that is full already', async (t) => {
    const { task, start } = onSmallDisk(t, '4m', 'bs=1k');
    assertRefused(await runLogProcess(task, start), /can't open the log: the disk is full \(ENOSPC\): make room/);
  });
}
