/** The command line of `npm run mutants`. */
import { parseArgs } from 'node:util';

export const HELP: string = `Puts known bugs of consensus systems back into the library, one at a time and only in the processes that this command
starts, and runs the simulator on each until it catches the bug. Fails when it misses one. See docs/MUTANTS.md.

  npm run mutants -- [options]

  --only NAMES       only these mutants, comma-separated
  --seeds N          most seeds for each (default 2000)
  --from S           the first seed (default 1)
  --reduced          first the seeds that are known to catch each mutant, then at most 300 others, for a quick check
  --workers N        mutants to run at a time (default: one for each processor)
  --file FILE        the mutants of this JSON file instead of the known ones
  --list             list the mutants and end
  --json             print the results as JSON on the standard output
  --help             print this

Exit codes: 0 all mutants are caught and the unchanged library passes the same seeds, 1 wrong usage, 2 a mutant is not
caught, 3 the unchanged library fails a seed, 4 a mutant can't be run, 130 interrupted.
`;

export interface MutantArguments {
  /** `null`: all of them. */
  readonly only: readonly string[] | null;
  readonly seeds: number;
  readonly from: number;
  readonly isReduced: boolean;
  readonly workers: number;
  readonly file: string | null;
  readonly isListing: boolean;
  readonly isJson: boolean;
}

/** The command line can't be understood. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

const DEFINITIONS = {
  only: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  reduced: { type: 'boolean', default: false },
  workers: { type: 'string' },
  file: { type: 'string' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const DEFAULT_SEEDS = 2000;

/** `null` when help is wanted. @throws UsageError */
export function parseMutantArguments(given: readonly string[], processors: number): MutantArguments | null {
  const values = parse(given);
  if (values.help) return null;
  const { only, seeds, from, reduced, workers, file, list, json } = values;
  if (reduced && (seeds !== undefined || from !== undefined)) {
    throw new UsageError(
      '--reduced runs the seeds that are known to catch a mutant first: leave out --seeds and --from',
    );
  }
  return {
    only: only === undefined ? null : namesOf(only),
    seeds: integerOf('seeds', seeds, 1) ?? DEFAULT_SEEDS,
    from: integerOf('from', from, 0) ?? 1,
    isReduced: reduced,
    workers: integerOf('workers', workers, 1) ?? processors,
    file: file ?? null,
    isListing: list,
    isJson: json,
  };
}

function parse(given: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof DEFINITIONS }>>['values'] {
  try {
    return parseArgs({ args: [...given], options: DEFINITIONS, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function namesOf(text: string): readonly string[] {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) throw new UsageError('--only needs the name of a mutant');
  return names;
}

function integerOf(name: string, text: string | undefined, min: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < min) {
    throw new UsageError(`--${name} must be an integer from ${min} on, but is '${text}'`);
  }
  return value;
}
