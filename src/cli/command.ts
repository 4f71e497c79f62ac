/** What a command is: its words, and what it does. */
import type { OfflineOptions } from '../storage/lmdb/offline/index.ts';
import type { Arguments, OptionSpec } from './arguments.ts';
import type { Terminal } from './terminal.ts';

export interface Command {
  readonly name: string;
  /** On one line, for the list of commands. */
  readonly summary: string;
  /** What follows the name, one line for each way to call it. */
  readonly usage: readonly string[];
  /** Paragraphs. */
  readonly about: readonly string[];
  readonly options: readonly OptionSpec[];
  /** Resolves with the exit code. */
  run(call: Call): Promise<number>;
}

export interface Call {
  readonly args: Arguments;
  readonly terminal: Terminal;
  /** Handed on to what does the work. */
  readonly work: OfflineOptions;
  /** Prints the result: as JSON if that was asked for, else as text. */
  print(result: object, text: () => string): void;
}

export const EXIT_CODES: Readonly<
  Record<'ok' | 'failed' | 'damaged' | 'usage' | 'interrupted' | 'terminated', number>
> = Object.freeze({ ok: 0, failed: 1, damaged: 2, usage: 64, interrupted: 130, terminated: 143 });
