/** The command line of the benchmark. */
import { parseArgs } from 'node:util';

export interface BenchArguments {
  /** Scenarios to run; empty for all. */
  readonly only: readonly string[];
  readonly isQuick: boolean;
  readonly repeats: number;
  readonly jsonPath: string;
  /** Write and sum up a CPU profile of each process. */
  readonly isProfiled: boolean;
  readonly isHelp: boolean;
}

export const HELP: string = `npm run bench -- [options]

  --only NAME     measure only this scenario; may be given several times
  --repeats N     measure each figure N times (default 5, with --quick 2)
  --quick         measure less of everything, to see that it runs
  --json FILE     where the results go (default .bench/results.json)
  --profile       write a CPU profile of each process to .bench/profiles and list what took longest
  --help          this text and the scenarios`;

/** @throws RangeError or TypeError when an argument is unknown or makes no sense */
export function parseArguments(given: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...given],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      repeats: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: '.bench/results.json' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const repeats = values.repeats === undefined ? (values.quick ? 2 : 5) : Number(values.repeats);
  if (!Number.isSafeInteger(repeats) || repeats < 1) {
    throw new RangeError(`--repeats ${values.repeats}: must be a positive integer`);
  }
  return {
    only: values.only,
    isQuick: values.quick,
    repeats,
    jsonPath: values.json,
    isProfiled: values.profile,
    isHelp: values.help,
  };
}
