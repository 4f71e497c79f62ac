/** A terminal whose text can be read, and whose answers are known. */
import type { Terminal } from '../../src/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly output: () => string;
  readonly errors: () => string;
}

export interface FakeTerminalOptions {
  /** What somebody types; `null` when nobody is there. */
  readonly answer?: string | null;
  readonly isErrorTty?: boolean;
  /** Sees each piece of text on stderr. */
  readonly onError?: (text: string) => void;
}

export function fakeTerminal({ answer = null, isErrorTty = false, onError }: FakeTerminalOptions = {}): FakeTerminal {
  const [out, error]: [string[], string[]] = [[], []];
  return {
    isInteractive: answer !== null,
    isErrorTty,
    out: (text) => void out.push(text),
    error: (text) => {
      error.push(text);
      onError?.(text);
    },
    ask: async (question) => {
      error.push(question);
      return answer ?? '';
    },
    output: () => out.join(''),
    errors: () => error.join(''),
  };
}
