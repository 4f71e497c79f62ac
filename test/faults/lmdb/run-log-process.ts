/** Starts processes with a log of their own. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogReport, LogTask } from './log-process.ts';

const PROGRAM = new URL('log-process.ts', import.meta.url).pathname;
const NODE = [process.execPath, '--conditions=zlayer-source', '--disable-warning=ExperimentalWarning', PROGRAM];

export interface LogProcessEnd {
  readonly signal: NodeJS.Signals | null;
  readonly exitCode: number | null;
  /** `null` when it could not say anything any more. */
  readonly report: LogReport | null;
  readonly stderr: string;
}

/** Removed when the test ends. Others may look into it. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-faults-'));
  chmodSync(directory, 0o755);
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface LogProcessStart {
  /** Shell commands that the process starts with. */
  readonly before?: string;
  /** May it mount what nobody else sees? Only where `canMount` says so. */
  readonly mayMount?: boolean;
}

const OWN_MOUNTS = ['unshare', '--map-root-user', '--mount'];

/** Does this system let a process have mounts of its own? */
export function canMount(): boolean {
  const [program = '', ...words] = [...OWN_MOUNTS, 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'];
  return spawnSync(program, words).status === 0;
}

export function startLogProcess(task: LogTask, { before = ':', mayMount = false }: LogProcessStart = {}): ChildProcess {
  const command = [...NODE, JSON.stringify(task)].map((word) => `'${word}'`).join(' ');
  const shell = ['sh', '-c', `${before} && exec ${command}`];
  const [program = '', ...words] = mayMount ? [...OWN_MOUNTS, ...shell] : shell;
  return spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function runLogProcess(task: LogTask, start?: LogProcessStart): Promise<LogProcessEnd> {
  return await endOf(startLogProcess(task, start));
}

async function endOf(child: ChildProcess): Promise<LogProcessEnd> {
  const [stdout, stderr] = [child.stdout, child.stderr].map(collectText);
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      const line = stdout?.text().trim() ?? '';
      // A cast: that is what the program prints.
      const report = line === '' ? null : (JSON.parse(line) as LogReport);
      resolve({ exitCode, signal, report, stderr: stderr?.text() ?? '' });
    });
  });
}

/** Resolves when the process has the directory. */
export async function whenHolding(child: ChildProcess): Promise<void> {
  const { stdout } = child;
  if (stdout === null) throw new Error('the process has no output');
  await new Promise<void>((resolve, reject) => {
    stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the process ended')));
  });
}

function collectText(stream: NodeJS.ReadableStream | null): { text(): string } {
  let text = '';
  stream?.on('data', (chunk) => {
    text += String(chunk);
  });
  return { text: () => text };
}
