/** `npm run bench`: measures every scenario in a process of its own, prints a table and writes the results as JSON. */
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { findScenario, SCENARIOS } from './scenarios.ts';
import type { BenchArguments } from './support/arguments.ts';
import { HELP, parseArguments } from './support/arguments.ts';
import { busyCores, describeMachine } from './support/machine.ts';
import { printProfiles } from './support/print-profiles.ts';
import type { MeasuredScenario } from './support/results-file.ts';
import { writeResults } from './support/results-file.ts';
import { runScenario } from './support/run-scenario.ts';
import type { Scenario } from './support/scenario.ts';
import { tableHeading, tableRow } from './support/table.ts';

/** The part of its cores from which on a machine is too busy to measure on. */
const BUSY_SHARE = 0.1;

const PROFILE_FOLDER = '.bench/profiles';

const given = parseArguments(process.argv.slice(2));
if (given.isHelp) {
  console.log(`${HELP}\n\n${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(16)}${title}`).join('\n')}`);
} else {
  await runAll(given);
}

async function runAll({ only, isQuick, repeats, jsonPath, isProfiled }: BenchArguments): Promise<void> {
  const chosen = only.length === 0 ? SCENARIOS : only.map(findScenario);
  const machine = describeMachine();
  const startedAt = new Date();
  const { cpu, cores, node, commit } = machine;
  console.log(`${cores} x ${cpu}, Node.js ${node}, commit ${commit ?? 'unknown'}`);
  console.log(`median of ${repeats}${isQuick ? ', quick: the figures are not worth comparing' : ''}`);
  const scenarios: [Scenario, MeasuredScenario][] = [];
  for (const scenario of chosen) {
    const outcome = await runOne(scenario, { repeats, isQuick, isProfiled });
    scenarios.push([scenario, outcome]);
    writeResults(jsonPath, { machine, startedAt, settings: { repeats, isQuick }, scenarios });
  }
  console.log(`\nwritten to ${jsonPath}`);
}

async function runOne(
  scenario: Scenario,
  { isProfiled, ...settings }: Pick<BenchArguments, 'repeats' | 'isQuick' | 'isProfiled'>,
): Promise<MeasuredScenario> {
  const folder = `${PROFILE_FOLDER}/${scenario.name}`;
  if (isProfiled) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  console.log(tableHeading(scenario.name, scenario.title));
  const busyCoresBefore = await busyCores();
  if (busyCoresBefore > availableParallelism() * BUSY_SHARE) {
    console.log(`other programs keep ${busyCoresBefore.toFixed(1)} cores busy: these figures are too low`);
  }
  const outcome = await runScenario(scenario, {
    ...settings,
    flags: isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [],
    onFigure: (figure) => console.log(tableRow(figure)),
  });
  if (outcome.error !== null) {
    console.log(`FAILED: ${outcome.error}`);
    process.exitCode = 1;
  }
  if (isProfiled) printProfiles(folder);
  return { ...outcome, busyCoresBefore };
}
