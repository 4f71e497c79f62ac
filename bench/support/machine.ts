/** Where and when figures were taken: without it they mean nothing. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

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

/** How many processes wanted a core, on average over the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0;
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
