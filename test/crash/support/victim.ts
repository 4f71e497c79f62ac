/** Runs a process and kills it. */
import { execFileSync, spawn } from 'node:child_process';
import type { KillPoint } from './kill-point.ts';
import { spin } from './kill-point.ts';

export interface Report {
  readonly name: string;
  readonly number: number;
}

/** What a process works on. */
export interface VictimTask {
  readonly workload: string;
  readonly directory: string;
  readonly seed: number;
  readonly killPoint: KillPoint;
}

/** Reported by a workload that has nothing more to do: it waits to be killed. */
export const FINISHED = 'finished';

/** A process that is neither done nor killed by then hangs. */
const TIME_LIMIT_MS = 180_000;

const PROGRAM = new URL('../workload.ts', import.meta.url).pathname;

/** Runs a task, which follows as JSON. */
export const WORKLOAD_COMMAND: readonly string[] = [
  process.execPath,
  '--conditions=zlayer-source',
  '--disable-warning=ExperimentalWarning',
  PROGRAM,
];

/** Compiles the program once for all that follow: one that is killed could not save what it compiled. */
export function makeCompileCache(directory: string): void {
  const env = { ...process.env, NODE_COMPILE_CACHE: directory };
  const [program = '', ...words] = WORKLOAD_COMMAND;
  execFileSync(program, [...words, JSON.stringify(null)], { env });
}

/**
 * Resolves with everything the process reported when it is dead: what it wrote before stays readable.
 * @throws Error when it ended in any other way, or hangs
 */
export async function runVictim(task: VictimTask, compileCache: string): Promise<readonly Report[]> {
  const [program = '', ...words] = WORKLOAD_COMMAND;
  const child = spawn(program, [...words, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  const reports: Report[] = [];
  let stderr = '';
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, TIME_LIMIT_MS);
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const shouldDie = killRule(task.killPoint);
  const lines = new LineReader();
  child.stdout.on('data', (bytes) => {
    for (const report of lines.push(String(bytes))) {
      reports.push(report);
      if (shouldDie(report)) child.kill('SIGKILL');
    }
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL' && !hangs) resolve();
      else
        reject(
          new Error(hangs ? hanging(reports) : `the process ended by itself, code ${code}, ${signal}:\n${stderr}`),
        );
    });
  });
  return reports;
}

/** Is it time, at this report? Waits as long as the kill point says. */
function killRule(killPoint: KillPoint): (report: Report) => boolean {
  let occurrences = 0;
  return ({ name }) => {
    if (name === FINISHED) return true;
    if (killPoint.by !== 'parent' || name !== killPoint.name) return false;
    occurrences += 1;
    if (occurrences !== killPoint.occurrence) return false;
    spin(killPoint.delayUs);
    return true;
  };
}

function hanging(reports: readonly Report[]): string {
  const { name, number } = reports.at(-1) ?? { name: 'nothing', number: 0 };
  return `the process hangs: after ${TIME_LIMIT_MS} ms its last report is '${name} ${number}'`;
}

/** What a process reported, as text. */
export function readReports(text: string): readonly Report[] {
  return new LineReader().push(text);
}

class LineReader {
  #rest = '';

  push(text: string): Report[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => {
      const end = line.lastIndexOf('#');
      return { name: line.slice(0, end), number: Number(line.slice(end + 1)) };
    });
  }
}
