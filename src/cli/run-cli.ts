/** From the words of a command line to an exit code. */
import { readFileSync } from 'node:fs';
import { ConsensusError } from '../index.ts';
import { Arguments, UsageError } from './arguments.ts';
import type { Command } from './command.ts';
import { EXIT_CODES } from './command.ts';
import { backupCommand } from './commands/backup.ts';
import { inspectCommand } from './commands/inspect.ts';
import { recoverQuorumCommand } from './commands/recover-quorum.ts';
import { restoreCommand } from './commands/restore.ts';
import { verifyCommand } from './commands/verify.ts';
import { commandHelp, PROGRAM, programHelp } from './help.ts';
import { ProgressLine } from './progress-line.ts';
import type { Terminal } from './terminal.ts';
import { toJson } from './values.ts';

export const COMMANDS: readonly Command[] = Object.freeze([
  inspectCommand,
  verifyCommand,
  backupCommand,
  restoreCommand,
  recoverQuorumCommand,
]);

export interface CliContext {
  readonly terminal: Terminal;
  /** Aborted by a signal of the system; the reason is an `Interruption`. */
  readonly signal: AbortSignal;
}

/** Why the work was ended. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.exitCode = signal === 'SIGINT' ? EXIT_CODES.interrupted : EXIT_CODES.terminated;
  }
}

/** Prints what there is to print; never rejects. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const { terminal } = context;
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    const command = COMMANDS.find((candidate) => candidate.name === rest[0]);
    terminal.out(command === undefined ? programHelp(COMMANDS) : commandHelp(command));
    return EXIT_CODES.ok;
  }
  if (name === '--version') {
    terminal.out(`${versionOf()}\n`);
    return EXIT_CODES.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return await runCommand(command, rest, context);
  const problem = name === undefined ? 'a command is missing' : `there is no command '${name}'`;
  terminal.error(`${PROGRAM}: ${problem}\n\n${programHelp(COMMANDS)}`);
  return EXIT_CODES.usage;
}

async function runCommand(command: Command, argv: readonly string[], context: CliContext): Promise<number> {
  const { terminal, signal } = context;
  if (argv.includes('--help') || argv.includes('-h')) {
    terminal.out(commandHelp(command));
    return EXIT_CODES.ok;
  }
  const isJson = argv.includes('--json');
  const progress = new ProgressLine(terminal);
  const printJson = (value: object): void => terminal.out(`${JSON.stringify(toJson(value), null, 2)}\n`);
  try {
    return await command.run({
      args: new Arguments(command.options, argv),
      terminal,
      work: { signal, onProgress: (step) => progress.show(step) },
      print: (result, text) => {
        progress.clear();
        if (isJson) printJson(result);
        else terminal.out(`${text()}\n`);
      },
    });
  } catch (thrown) {
    const error: unknown = signal.aborted ? signal.reason : thrown;
    progress.clear();
    if (isJson) printJson({ error: { code: codeOf(error), message: messageOf(error) } });
    terminal.error(`${PROGRAM} ${command.name}: ${messageOf(error)}\n`);
    if (error instanceof UsageError) {
      terminal.error(`Try '${PROGRAM} ${command.name} --help'.\n`);
      return EXIT_CODES.usage;
    }
    if (error instanceof Interruption) return error.exitCode;
    return codeOf(error) === 'CORRUPTION' ? EXIT_CODES.damaged : EXIT_CODES.failed;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof UsageError) return 'USAGE';
  return ConsensusError.is(error) ? error.code : 'FAILED';
}

/** With the cause, where the message does not tell it. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}

function versionOf(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}
