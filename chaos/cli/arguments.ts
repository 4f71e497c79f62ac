/** The command line of the chaos run. */
import { parseArgs } from 'node:util';
import type { FaultName } from '../nemesis/fault.ts';
import { DEFAULT_FAULTS, FAULTS } from '../nemesis/fault.ts';
import { UsageError } from './exit-codes.ts';

export type NetworkChoice = 'auto' | 'namespaces' | 'loopback';
export type StateChoice = 'memory' | 'disk';

export interface ChaosArguments {
  readonly seconds: number;
  /** Empty: none, as a base line. */
  readonly nemeses: readonly FaultName[];
  /** Named one by one: one that can't run here is an error then, and left out with a notice otherwise. */
  readonly isNamed: boolean;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  /** Operations per second that the clients aim at, together. */
  readonly ratePerSecond: number;
  readonly state: StateChoice;
  readonly network: NetworkChoice;
  /** How long the healed cluster may take until all of it serves. */
  readonly healSeconds: number;
  readonly reportDirectory: string;
  readonly isJson: boolean;
  readonly isKeepingData: boolean;
}

export type Command =
  | { readonly type: 'help' }
  | { readonly type: 'clean' }
  | { readonly type: 'plan' | 'run'; readonly args: ChaosArguments };

const WIDTH = Math.max(...Object.keys(FAULTS).map((name) => name.length)) + 2;

export const HELP: string = `Runs nodes as processes, breaks them while clients work, and checks what the clients saw.

  npm run chaos -- [options]

  --seconds N        how long faults happen (default 60)
  --nemesis LIST     what happens, comma-separated (default all): all, none, or of
${Object.entries(FAULTS)
  .map(([name, { title }]) => `                       ${name.padEnd(WIDTH)}${title}`)
  .join('\n')}
  --seed S           of the schedule and the operations (default: a new one, which is printed)
  --nodes N          1 to 9 (default 5)
  --clients N        clients that work at the same time, 1 to 100 (default 8)
  --rate N           operations per second that they aim at, together (default 200)
  --state KIND       memory (default): the state is rebuilt from snapshot and log; disk: it is in LMDB
  --network KIND     namespaces: one for each node, as root on Linux; loopback: proxies on 127.0.0.1;
                     auto (default): namespaces where they are possible
  --heal-seconds N   how long the cluster may take to serve again at the end (default 60)
  --report DIR       where reports go, each in a folder of its own (default .chaos)
  --json             print the results as JSON on the standard output
  --keep-data        keep the directories of the nodes also when all is well
  --plan             print the schedule of the seed and do nothing
  --clean            remove what killed runs left behind, and do nothing else
  --help             print this

Exit codes: 0 all is well, 1 wrong usage, 2 a safety violation, 3 the healed cluster did not serve in time, 4 a node or
the harness broke, 5 the checker could not decide, 130 interrupted. Of several the lowest counts.
`;

const DEFINITIONS = {
  seconds: { type: 'string' },
  nemesis: { type: 'string' },
  seed: { type: 'string' },
  nodes: { type: 'string' },
  clients: { type: 'string' },
  rate: { type: 'string' },
  state: { type: 'string' },
  network: { type: 'string' },
  'heal-seconds': { type: 'string' },
  report: { type: 'string' },
  json: { type: 'boolean', default: false },
  'keep-data': { type: 'boolean', default: false },
  plan: { type: 'boolean', default: false },
  clean: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const SEED_MAX = 2 ** 32 - 1;

/**
 * `newSeed` is taken when none is given.
 * @throws UsageError naming what is wrong and what is possible
 */
export function parseArguments(given: readonly string[], newSeed: number): Command {
  const values = parse(given);
  if (values.help) return { type: 'help' };
  if (values.clean) return { type: 'clean' };
  const nodes = integer(values.nodes, '--nodes', { min: 1, max: 9 }) ?? 5;
  const list = values.nemesis ?? 'all';
  const nemeses = parseNemeses(list, nodes);
  const args: ChaosArguments = {
    seconds: integer(values.seconds, '--seconds', { min: 1, max: 86_400 }) ?? 60,
    nemeses,
    isNamed: list !== 'all',
    seed: integer(values.seed, '--seed', { min: 0, max: SEED_MAX }) ?? newSeed,
    nodes,
    clients: integer(values.clients, '--clients', { min: 1, max: 100 }) ?? 8,
    ratePerSecond: integer(values.rate, '--rate', { min: 1, max: 100_000 }) ?? 200,
    state: oneOf(values.state, '--state', ['memory', 'disk']) ?? 'memory',
    network: oneOf(values.network, '--network', ['auto', 'namespaces', 'loopback']) ?? 'auto',
    healSeconds: integer(values['heal-seconds'], '--heal-seconds', { min: 1, max: 3600 }) ?? 60,
    reportDirectory: values.report ?? '.chaos',
    isJson: values.json,
    isKeepingData: values['keep-data'],
  };
  return { type: values.plan ? 'plan' : 'run', args };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof DEFINITIONS; args: string[] }>>['values'];

function parse(given: readonly string[]): Values {
  try {
    return parseArgs({ args: [...given], options: DEFINITIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseNemeses(list: string, nodes: number): readonly FaultName[] {
  if (list === 'none') return [];
  if (list === 'all') return DEFAULT_FAULTS.filter((name) => FAULTS[name].minNodes <= nodes);
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(name in FAULTS));
  if (unknown.length > 0) {
    throw new UsageError(
      `no such nemesis: ${unknown.map((name) => `'${name}'`).join(', ')}; there are ${Object.keys(FAULTS).join(', ')}, all, none`,
    );
  }
  // Names of the table, as was checked just now.
  const known = [...new Set(names)] as FaultName[];
  for (const name of known) {
    const { minNodes } = FAULTS[name];
    if (minNodes > nodes) {
      throw new UsageError(
        `--nemesis ${name} needs --nodes ${minNodes} or more: of ${nodes} it would leave no cluster`,
      );
    }
  }
  return known;
}

function integer(
  text: string | undefined,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`${name} must be an integer from ${min} to ${max}, not '${text}'`);
}

function oneOf<Choice extends string>(
  text: string | undefined,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${name} must be ${choices.join(' or ')}, not '${text}'`);
}
