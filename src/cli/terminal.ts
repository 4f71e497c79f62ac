/** Where a command prints to and asks. */
import { createInterface } from 'node:readline/promises';

export interface Terminal {
  /** Is somebody there to answer? */
  readonly isInteractive: boolean;
  /** Does who reads errors see a line that is written over? */
  readonly isErrorTty: boolean;
  out(text: string): void;
  error(text: string): void;
  ask(question: string, signal: AbortSignal): Promise<string>;
}

export const systemTerminal: Terminal = Object.freeze({
  isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  isErrorTty: process.stderr.isTTY === true,
  out: (text: string) => void process.stdout.write(text),
  error: (text: string) => void process.stderr.write(text),
  ask: async (question: string, signal: AbortSignal) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question, { signal });
    } finally {
      lines.close();
    }
  },
});
