/** The command line of the simulator. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SimOptions } from '../../src/testing/simulator/run/sim-options.ts';
import { DEFAULT_DURATION_MS } from '../../src/testing/simulator/run/sim-options.ts';
import { checkQuorumLeft, parseSchedule, ScheduleError } from '../../src/testing/simulator/schedule/check-schedule.ts';
import type { FaultKind } from '../../src/testing/simulator/schedule/fault-item.ts';
import { DESTRUCTIVE_KINDS, FAULT_KINDS } from '../../src/testing/simulator/schedule/fault-item.ts';

export const HELP: string = `Runs simulated clusters, one seed after the other, and checks that they keep what Raft promises.

  npm run sim -- [options]

  --seeds N          how many seeds to run (default 100)
  --from S           the first of them (default 1)
  --nodes N          nodes at the start, 1 to 9 (default: drawn from the seed)
  --duration-ms MS   virtual time with faults (default ${DEFAULT_DURATION_MS})
  --faults LIST      kinds of faults, comma-separated (default: all, each seed has some), of
                     ${FAULT_KINDS.slice(0, 12).join(', ')},
                     ${FAULT_KINDS.slice(12).join(', ')}
  --intensity X      how often faults happen, 0 to 10 (default 1; 0: no faults)
  --schedule FILE    exactly the faults of this file, as a failure wrote it; its seed, nodes and duration, too
  --trace FILE       write what happens in the only seed, or in the first that fails, to this file
  --linearizability  check what clients saw without knowing the log, too; takes much longer
  --shrink           make the schedule of the first failure small
  --out DIRECTORY    where traces, schedules and timelines of failures go (default: the directory for temporary files)
  --workers N        processes to run seeds in (default: one for each processor, 8 at most)
  --keep-going       go on after a failure
  --json             print the results as JSON on the standard output
  --help             print this

Exit codes: 0 all seeds passed, 1 wrong usage, 2 a safety property was violated, 3 a healed cluster did not elect,
converge or serve in time, 4 a node or the simulator broke, 130 interrupted. Of several failures the first code counts.
`;

export interface SimArguments {
  /** What all runs have in common. */
  readonly options: Omit<SimOptions, 'seed' | 'trace'>;
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  readonly traceFile: string | null;
  /** Where the schedule was read. */
  readonly scheduleFile: string | null;
  readonly outDirectory: string | null;
  readonly isShrinking: boolean;
  readonly isGoingOn: boolean;
  readonly isJson: boolean;
}

/** The command line can't be understood, or asks for something impossible. */
export class UsageError extends Error {}

interface ScheduleFile {
  readonly seed?: number;
  readonly nodes?: number;
  readonly durationMs?: number;
  readonly items: unknown;
}

const DEFINITIONS = {
  seeds: { type: 'string' },
  from: { type: 'string' },
  nodes: { type: 'string' },
  'duration-ms': { type: 'string' },
  faults: { type: 'string' },
  intensity: { type: 'string' },
  schedule: { type: 'string' },
  trace: { type: 'string' },
  out: { type: 'string' },
  workers: { type: 'string' },
  linearizability: { type: 'boolean', default: false },
  shrink: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/**
 * `null`: only help is wanted.
 * @throws UsageError
 */
export function parseArguments(args: readonly string[], processors: number): SimArguments | null {
  const { values } = parse(args);
  if (values.help) return null;
  const file = values.schedule === undefined ? null : readSchedule(values.schedule);
  const nodes = numberOf(values.nodes, '--nodes', { min: 1, max: 9 }) ?? file?.nodes;
  const schedule = file === null ? undefined : parseSchedule(file.items);
  if (schedule !== undefined && nodes !== undefined) checkQuorumLeft(schedule, nodes);
  const faults = values.faults === undefined ? undefined : faultsOf(values.faults, nodes);
  return {
    options: {
      nodes,
      durationMs: numberOf(values['duration-ms'], '--duration-ms', { min: 1, max: 1e9 }) ?? file?.durationMs,
      faults,
      intensity: numberOf(values.intensity, '--intensity', { min: 0, max: 10, isFraction: true }),
      schedule,
      checksLinearizability: values.linearizability,
    },
    from: numberOf(values.from, '--from', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? file?.seed ?? 1,
    seeds: numberOf(values.seeds, '--seeds', { min: 1, max: 1e9 }) ?? (file === null ? 100 : 1),
    workers: numberOf(values.workers, '--workers', { min: 1, max: 64 }) ?? Math.min(8, processors),
    traceFile: values.trace ?? null,
    scheduleFile: values.schedule ?? null,
    outDirectory: values.out ?? null,
    isShrinking: values.shrink,
    isGoingOn: values['keep-going'],
    isJson: values.json,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof DEFINITIONS; args: string[] }>> {
  try {
    return parseArgs({ args: [...args], options: DEFINITIONS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(
  text: string | undefined,
  name: string,
  { min, max, isFraction = false }: { readonly min: number; readonly max: number; readonly isFraction?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const isRight = text.trim() !== '' && (isFraction ? Number.isFinite(value) : Number.isSafeInteger(value));
  if (isRight && value >= min && value <= max) return value;
  throw new UsageError(
    `${name} must be ${isFraction ? 'a number' : 'an integer'} from ${min} to ${max}, not '${text}'`,
  );
}

function faultsOf(list: string, nodes: number | undefined): readonly FaultKind[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown.length > 0) {
    throw new UsageError(`no such fault: ${unknown.join(', ')}; there are ${FAULT_KINDS.join(', ')}`);
  }
  const kinds = FAULT_KINDS.filter((kind) => names.includes(kind));
  const isPossible = nodes === undefined || nodes >= 3 || kinds.some((kind) => !DESTRUCTIVE_KINDS.has(kind));
  if (isPossible) return kinds;
  throw new UsageError(`with ${nodes} nodes no quorum is left after ${kinds.join(', ')}: start with 3 or more`);
}

function readSchedule(path: string): ScheduleFile {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `the schedule '${path}' can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (typeof content !== 'object' || content === null || !('items' in content)) {
    throw new ScheduleError([`'${path}' has no items`]);
  }
  for (const name of ['seed', 'nodes', 'durationMs'] as const) {
    const value: unknown = (content as Record<string, unknown>)[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 0)) {
      throw new ScheduleError([`${name} must be an integer that is not negative`]);
    }
  }
  // The items are checked by their own reader.
  return content as ScheduleFile;
}
