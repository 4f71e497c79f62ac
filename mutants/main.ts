/** `npm run mutants`: is every known bug caught, if somebody puts it back? See docs/MUTANTS.md. */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { MUTANTS } from './all-mutants.ts';
import type { Mutant } from './mutant.ts';
import type { MutantArguments } from './mutant-arguments.ts';
import { HELP, parseMutantArguments, UsageError } from './mutant-arguments.ts';
import { readMutants } from './mutant-file.ts';
import { EXIT_CODES, reportJson, runMutants } from './run-mutants.ts';

const say = (text: string): void => console.error(text);

async function main(): Promise<number> {
  try {
    const args = parseMutantArguments(process.argv.slice(2), availableParallelism());
    if (args === null) {
      console.log(HELP);
      return EXIT_CODES.ok;
    }
    const mutants = chooseMutants(args);
    return args.isListing ? list(mutants) : await run(mutants, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}\nnpm run mutants -- --help lists all options`);
    return EXIT_CODES.usage;
  }
}

async function run(mutants: readonly Mutant[], args: MutantArguments): Promise<number> {
  const report = await runMutants({ ...args, mutants, say });
  if (args.isJson) console.log(JSON.stringify(reportJson(report), null, 2));
  return report.exitCode;
}

function list(mutants: readonly Mutant[]): number {
  for (const { name, bug } of mutants) console.log(`${name.padEnd(36)} ${bug}`);
  return EXIT_CODES.ok;
}

function chooseMutants({ file, only }: MutantArguments): readonly Mutant[] {
  const known = file === null ? MUTANTS : readMutants(file);
  if (only === null) return known;
  return only.map((name) => {
    const mutant = known.find((candidate) => candidate.name === name);
    if (mutant === undefined) throw new UsageError(`there is no mutant '${name}': --list shows them all`);
    return mutant;
  });
}

// Each worker is ended at the exit.
process.setMaxListeners(0);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT_CODES.interrupted));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_CODES.failed);
  },
);
