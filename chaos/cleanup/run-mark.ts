/** How everything that a run makes is marked as its own, so that it can be found again and removed. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In the environment of each process that a run starts. */
export const MARK_VARIABLE = 'ZLAYER_CHAOS_RUN';

/** Namespaces and directories are called this, then the mark. */
export const PREFIX = 'zlayer-chaos-';

/** The process id of the run, and when that process started: ids are used again. */
export type RunMark = string;

export function ownMark(): RunMark {
  return markOf(process.pid);
}

/** Of a run whose process still runs. */
export function markOf(pid: number): RunMark {
  return `${pid}-${startTimeOf(pid)}`;
}

/** @returns null when the text holds no mark */
export function markIn(text: string): RunMark | null {
  return new RegExp(`${PREFIX}(\\d+-\\d+)`).exec(text)?.[1] ?? null;
}

/** Whether the process of that run still runs. */
export function isOwnerAlive(mark: RunMark): boolean {
  const [pid = '', startTime = ''] = mark.split('-');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return startTimeOf(Number(pid)) === startTime;
}

/** The directory of a run's disks, sockets and data. */
export function workDirectory(mark: RunMark): string {
  return join(tmpdir(), `${PREFIX}${mark}`);
}

/** In ticks since the machine started; '0' where the system does not tell. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets, and may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}
