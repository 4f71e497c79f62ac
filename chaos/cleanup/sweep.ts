/** Removes what a run made: processes, namespaces, mounts, directories. Finds them by the mark of the run. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { canRun } from '../support/run-command.ts';
import type { RunMark } from './run-mark.ts';
import { isOwnerAlive, MARK_VARIABLE, markIn, ownMark, PREFIX, workDirectory } from './run-mark.ts';

const NAMESPACE_FOLDER = '/run/netns';

/** How long killed processes may take to be gone: what they hold can't be removed before. */
const DEATH_MS = 5000;
const POLL_MS = 10;

/** What was removed, for people; empty when there was nothing. */
export async function sweepRun(mark: RunMark): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const pid of await killProcesses(mark)) removed.push(`process ${pid}`);
  for (const name of namespacesOf(mark)) {
    // Another sweep may be at it, too.
    await canRun('ip', ['netns', 'delete', name]);
    removed.push(`namespace ${name}`);
  }
  for (const path of mountsOf(mark)) {
    await canRun('umount', ['--lazy', path]);
    removed.push(`mount ${path}`);
  }
  if (entriesOf(tmpdir()).includes(`${PREFIX}${mark}`)) {
    await rm(workDirectory(mark), { recursive: true, force: true });
    removed.push(`directory ${workDirectory(mark)}`);
  }
  return removed;
}

/** Sweeps all runs whose process is gone. */
export async function sweepDeadRuns(): Promise<readonly string[]> {
  const dead = [...findMarks()].filter((mark) => mark !== ownMark() && !isOwnerAlive(mark));
  const removed: string[] = [];
  for (const mark of dead) removed.push(...(await sweepRun(mark)));
  return removed;
}

/** What is left of a run at this moment: the same as `sweepRun` would remove. */
export function leftoversOf(mark: RunMark): readonly string[] {
  return [
    ...processesOf(mark).map((pid) => `process ${pid}`),
    ...namespacesOf(mark).map((name) => `namespace ${name}`),
    ...mountsOf(mark).map((path) => `mount ${path}`),
    ...entriesOf(tmpdir()).filter((name) => name === `${PREFIX}${mark}`),
  ];
}

/** Process, by process: only those that carry the mark, each by its id. */
async function killProcesses(mark: RunMark): Promise<readonly number[]> {
  const pids = processesOf(mark);
  for (const pid of pids) kill(pid);
  const deadlineMs = performance.now() + DEATH_MS;
  while (processesOf(mark).length > 0 && performance.now() < deadlineMs) await delay(POLL_MS);
  return pids;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function processesOf(mark: RunMark): readonly number[] {
  return processIds().filter((pid) => pid !== process.pid && markOfProcess(pid) === mark);
}

function markOfProcess(pid: number): RunMark | null {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const own = environment.find((line) => line.startsWith(`${MARK_VARIABLE}=`));
    return own === undefined ? null : own.slice(MARK_VARIABLE.length + 1);
  } catch {
    // It ended meanwhile, or is somebody else's.
    return null;
  }
}

function processIds(): readonly number[] {
  return entriesOf('/proc')
    .map(Number)
    .filter((pid) => Number.isSafeInteger(pid));
}

function namespacesOf(mark: RunMark): readonly string[] {
  return entriesOf(NAMESPACE_FOLDER).filter((name) => name.startsWith(`${PREFIX}${mark}-`));
}

/** The deepest first. */
function mountsOf(mark: RunMark): readonly string[] {
  return mountPoints().filter((path) => path.includes(`/${PREFIX}${mark}/`));
}

function mountPoints(): readonly string[] {
  try {
    const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return lines.flatMap((line) => line.split(' ')[1] ?? []).toReversed();
  } catch {
    return [];
  }
}

function findMarks(): ReadonlySet<RunMark> {
  const places = [...entriesOf(NAMESPACE_FOLDER), ...mountPoints(), ...entriesOf(tmpdir())];
  const marks = places.flatMap((text) => markIn(text) ?? []);
  return new Set([...marks, ...processIds().flatMap((pid) => (pid === process.pid ? [] : (markOfProcess(pid) ?? [])))]);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
