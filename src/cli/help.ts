/** The help of the program and of its commands. */
import type { OptionSpec } from './arguments.ts';
import { COMMON_OPTIONS } from './arguments.ts';
import type { Command } from './command.ts';
import { indented, table, wrapped } from './layout.ts';

export const PROGRAM = 'zlayer-consensus';

const HELP_WIDTH = 80;

export function programHelp(commands: readonly Command[]): string {
  return [
    `Usage: ${PROGRAM} COMMAND [options]`,
    '',
    wrapped('Looks at the data directories of durable nodes, backs them up, restores and recovers them.', HELP_WIDTH),
    '',
    'Commands:',
    indented(table(commands.map(({ name, summary }) => [name, summary]))),
    '',
    'Options:',
    indented(
      table([
        ['--help', 'print this, or with a command its help'],
        ['--version', 'print the version'],
      ]),
    ),
    '',
    'Exit codes:',
    indented(
      table([
        ['0', 'done; what was verified is sound'],
        ['1', 'it failed, or was not confirmed; the reason is on stderr'],
        ['2', 'damage was found'],
        ['64', 'the command line makes no sense'],
        ['130, 143', 'interrupted (SIGINT, SIGTERM); nothing half-made is left'],
      ]),
    ),
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const [first, ...others] = command.usage.map((usage) => `${PROGRAM} ${command.name} ${usage}`);
  return [
    `Usage: ${first ?? ''}`,
    ...others.map((usage) => `       ${usage}`),
    '',
    ...command.about.flatMap((paragraph) => [wrapped(paragraph, HELP_WIDTH), '']),
    'Options:',
    indented(table([...command.options, ...COMMON_OPTIONS].map((option) => [nameOf(option), option.text]))),
    '',
  ].join('\n');
}

function nameOf({ name, value }: OptionSpec): string {
  return value === null ? `--${name}` : `--${name} ${value}`;
}
