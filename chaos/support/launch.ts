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
}

export class Launcher {
  readonly #mark: RunMark;
  /** Has the kernel kill a process with its parent, also one that is stopped; not everywhere. */
  readonly #deathBond: readonly string[];
  readonly #children = new Set<ChildProcess>();

  static async open(mark: RunMark): Promise<Launcher> {
    const bond = ['setpriv', '--pdeathsig', 'KILL'];
    return new Launcher(mark, (await canRun('setpriv', ['--pdeathsig', 'KILL', 'true'])) ? bond : []);
  }

  private constructor(mark: RunMark, deathBond: readonly string[]) {
    this.#mark = mark;
    this.#deathBond = deathBond;
  }

  launch({ module, args = [], namespace = null, environment = {}, logFile }: LaunchOptions): ChildProcess {
    const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
    const line = [
      ...this.#deathBond,
      ...(namespace === null ? [] : ['nsenter', `--net=/run/netns/${namespace}`]),
      process.execPath,
      ...FLAGS,
      path,
      ...args,
    ];
    const log = openSync(logFile, 'a');
    try {
      // The line has at least the path of Node.js.
      const child = spawn(line[0] as string, line.slice(1), {
        stdio: ['ignore', log, log, 'ipc'],
        env: {
          ...process.env,
          // Processes come and go: each compiles only what the ones before it did not.
          NODE_COMPILE_CACHE: join(workDirectory(this.#mark), 'compile-cache'),
          ...environment,
          [MARK_VARIABLE]: this.#mark,
        },
      });
      this.#children.add(child);
      child.once('exit', () => this.#children.delete(child));
      return child;
    } finally {
      closeSync(log);
    }
  }

  /** What the sweep does by the mark, where processes can't be found by it. */
  killAll(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
