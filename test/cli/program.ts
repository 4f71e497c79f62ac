/** Runs the program, as a process of its own. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `onStart` gets the process while it runs. */
export async function runProgram(
  args: readonly string[],
  onStart: (child: ChildProcessWithoutNullStreams) => void = () => undefined,
): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args]);
  child.stdin.end();
  const exit = once(child, 'close');
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  onStart(child);
  const [code, signal] = await exit;
  const [stdout, stderr] = await output;
  return { code, signal, stdout, stderr };
}
