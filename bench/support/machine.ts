/** Where and when figures were taken: without it they mean nothing. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { setTimeout } from 'node:timers/promises';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
  /** The commit, with `+changes` when the tree differs from it; `null` outside of a repository. */
  readonly commit: string | null;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    commit: describeCommit(),
  };
}

/** How long is looked at what else runs. */
const SAMPLE_MS = 1000;

/** How many cores are busy while this process waits: what other programs take, and measuring can't have. */
export async function busyCores(): Promise<number> {
  const before = cpuTimes();
  await setTimeout(SAMPLE_MS);
  const after = cpuTimes();
  const busyMs = after.busyMs - before.busyMs;
  const totalMs = busyMs + after.idleMs - before.idleMs;
  return totalMs > 0 ? (busyMs / totalMs) * cpus().length : 0;
}

function cpuTimes(): { readonly busyMs: number; readonly idleMs: number } {
  let busyMs = 0;
  let idleMs = 0;
  for (const { times } of cpus()) {
    busyMs += times.user + times.nice + times.sys + times.irq;
    idleMs += times.idle;
  }
  return { busyMs, idleMs };
}

function describeCommit(): string | null {
  const commit = git(['rev-parse', 'HEAD']);
  if (commit === null) return null;
  return git(['status', '--porcelain', '--', 'src', 'bench', 'package.json']) === '' ? commit : `${commit}+changes`;
}

function git(args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
