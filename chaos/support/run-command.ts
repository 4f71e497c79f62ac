/** Runs a program of the system to its end. */
import { spawn } from 'node:child_process';

/** @throws Error with what the program printed when it fails or is not there */
export async function runCommand(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // A program that ends early does not read its input: its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return Buffer.concat(output).toString('utf8');
  const said = Buffer.concat(errors).toString('utf8').trim();
  throw new Error(`${program} ${args.join(' ')} failed with code ${String(code)}: ${said}`);
}

/** Whether it ran to a good end. */
export async function canRun(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await runCommand(program, args);
    return true;
  } catch {
    return false;
  }
}
