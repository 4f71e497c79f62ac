/** `npm run bench`: measures every scenario in a process of its own, prints a table and writes the results as JSON. */
import { mkdirSync, rmSync } from 'node:fs';
import { findScenario, SCENARIOS } from './scenarios.ts';
import type { BenchArguments } from './support/arguments.ts';
import { HELP, parseArguments } from './support/arguments.ts';
import { describeMachine, loadAverage } from './support/machine.ts';
import { printProfiles } from './support/print-profiles.ts';
import { writeResults } from './support/results-file.ts';
import type { ScenarioOutcome } from './support/run-scenario.ts';
import { runScenario } from './support/run-scenario.ts';
import type { Scenario } from './support/scenario.ts';
import { tableHeading, tableRow } from './support/table.ts';

/** Processes that want a core, for each core there is, from which on a machine is too busy to measure on. */
const BUSY_LOAD = 0.25;

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
  const loadAverageBefore = loadAverage();
  const { cpu, cores, node, commit } = machine;
  console.log(
    `${cores} x ${cpu}, Node.js ${node}, commit ${commit ?? 'unknown'}, load ${loadAverageBefore.toFixed(2)}`,
  );
  if (loadAverageBefore > cores * BUSY_LOAD) {
    console.log('other programs are using this machine: figures will be too low, and their spread too wide');
  }
  console.log(`median of ${repeats}${isQuick ? ', quick: the figures are not worth comparing' : ''}`);
  const scenarios: [Scenario, ScenarioOutcome][] = [];
  for (const scenario of chosen) {
    const outcome = await runOne(scenario, { repeats, isQuick, isProfiled });
    scenarios.push([scenario, outcome]);
    writeResults(jsonPath, { machine, startedAt, loadAverageBefore, settings: { repeats, isQuick }, scenarios });
  }
  console.log(`\nwritten to ${jsonPath}`);
}

async function runOne(
  scenario: Scenario,
  { isProfiled, ...settings }: Pick<BenchArguments, 'repeats' | 'isQuick' | 'isProfiled'>,
): Promise<ScenarioOutcome> {
  const folder = `${PROFILE_FOLDER}/${scenario.name}`;
  if (isProfiled) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  console.log(tableHeading(scenario.name, scenario.title));
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
  return outcome;
}
