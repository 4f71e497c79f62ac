/** Starts one of the harness's own processes, wherever it belongs, with a channel to it. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunMark } from '../cleanup/run-mark.ts';
import { MARK_VARIABLE, workDirectory } from '../cleanup/run-mark.ts';
import { canRun } from './run-command.ts';

/** Sources run as they are, and the package's name means them. Node.js 22 warns about that in every process. */
const FLAGS = ['--conditions=zlayer-source', '--disable-warning=ExperimentalWarning'];

export interface LaunchOptions {
  /** The module, seen from this folder's parent: `cluster/node-process.ts`. */
  readonly module: string;
  readonly args?: readonly string[];
  /** Null: the namespace of this process. */
  readonly namespace?: string | null;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the process writes what it prints; it is added to. */
  readonly logFile: string;
  /** In a process group of its own, and not killed with this process. */
  readonly isDetached?: boolean;
}

export class Launcher {
  readonly #mark: RunMark;
  /** Has the kernel kill a process with its parent, also one that is stopped; not everywhere. */
  readonly #deathBond: readonly string[];

  static async open(mark: RunMark): Promise<Launcher> {
    const bond = ['setpriv', '--pdeathsig', 'KILL'];
    return new Launcher(mark, (await canRun('setpriv', ['--pdeathsig', 'KILL', 'true'])) ? bond : []);
  }

  private constructor(mark: RunMark, deathBond: readonly string[]) {
    this.#mark = mark;
    this.#deathBond = deathBond;
  }

  launch({
    module,
    args = [],
    namespace = null,
    environment = {},
    logFile,
    isDetached = false,
  }: LaunchOptions): ChildProcess {
    const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
    const line = [
      ...(isDetached ? [] : this.#deathBond),
      ...(namespace === null ? [] : ['nsenter', `--net=/run/netns/${namespace}`]),
      process.execPath,
      ...FLAGS,
      path,
      ...args,
    ];
    const log = openSync(logFile, 'a');
    try {
      // The line has at least the path of Node.js.
      return spawn(line[0] as string, line.slice(1), {
        stdio: ['ignore', log, log, 'ipc'],
        detached: isDetached,
        env: {
          ...process.env,
          // Processes come and go: each compiles only what the ones before it did not.
          NODE_COMPILE_CACHE: join(workDirectory(this.#mark), 'compile-cache'),
          ...environment,
          [MARK_VARIABLE]: this.#mark,
        },
      });
    } finally {
      closeSync(log);
    }
  }
}
