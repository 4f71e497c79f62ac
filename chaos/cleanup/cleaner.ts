/** Sees to it that a run leaves nothing behind, however it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunMark } from './run-mark.ts';

const SWEEP_PROCESS = fileURLToPath(new URL('./sweep-process.ts', import.meta.url));
const FLAGS = ['--disable-warning=ExperimentalWarning', SWEEP_PROCESS];

/** Starts the process that sweeps when this one was killed. It has a process group of its own, and no mark. */
export function watchOver(mark: RunMark): void {
  const watcher = spawn(process.execPath, [...FLAGS, mark, '--wait'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  });
  watcher.on('error', () => undefined);
  watcher.unref();
  watcher.channel?.unref();
}

/**
 * Sweeps now. This process stands still meanwhile, so that nothing new comes to be.
 * @returns false when something could not be removed
 */
export function sweepNow(mark: RunMark): boolean {
  return spawnSync(process.execPath, [...FLAGS, mark], { stdio: 'ignore' }).status === 0;
}
