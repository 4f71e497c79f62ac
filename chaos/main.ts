/** `npm run chaos`: see `--help` and docs/CHAOS.md. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { sweepNow, watchOver } from './cleanup/cleaner.ts';
import { ownMark, workDirectory } from './cleanup/run-mark.ts';
import { sweepDeadRuns } from './cleanup/sweep.ts';
import type { ChaosArguments, Command } from './cli/arguments.ts';
import { HELP, parseArguments } from './cli/arguments.ts';
import { EXIT_CODES, UsageError } from './cli/exit-codes.ts';
import { describeFault, makeSchedule } from './nemesis/schedule.ts';
import { reportTable } from './report/console-table.ts';
import { writeReport } from './report/write-report.ts';
import { ChaosRun } from './run/chaos-run.ts';
import { surveyEnvironment } from './run/environment.ts';
import { summarise } from './run/summary.ts';
import { keepData, openWorkplace } from './run/workplace.ts';
import { Launcher } from './support/launch.ts';

const mark = ownMark();
let launcher: Launcher | null = null;
const say = (line: string): void => console.error(line);

/** Whatever is under way: nothing new comes to be while the sweep runs, and then this process is gone. */
function interrupt(): void {
  say('interrupted: cleaning up');
  cleanUp();
  process.exit(EXIT_CODES.interrupted);
}

/** An error that nobody expects. Without this, Node.js would end with the code of a wrong usage. */
function breakDown(error: unknown): void {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  cleanUp();
  process.exit(EXIT_CODES.crash);
}

function cleanUp(): void {
  launcher?.killAll();
  if (!sweepNow(mark)) say('something could not be removed: npm run chaos -- --clean tries again');
}

async function runChaos(args: ChaosArguments): Promise<number> {
  for (const removed of await sweepDeadRuns()) say(`left by a run that was killed, and removed: ${removed}`);
  const environment = await surveyEnvironment(args, workDirectory(mark));
  const { networkKind, nemeses, leftOut } = environment;
  for (const { nemesis, why } of leftOut) say(`NOT TESTED: ${nemesis}: ${why}`);
  say(`seed ${args.seed}, nemeses: ${nemeses.join(', ') || 'none'}; network: ${networkKind}, state: ${args.state}`);
  const startedAt = new Date();
  launcher = await Launcher.open(mark);
  const workplace = await openWorkplace(args, environment, { mark, launcher });
  const run = new ChaosRun({ args, environment, workplace, mark, say });
  const record = await run.run();
  const proxyCounts = await workplace.network.counts();
  const { historyFile } = run;
  const result = summarise({ args, environment, record, historyFile, startedAt, proxyCounts });
  if (result.outcome !== 'ok' || args.isKeepingData) keepData(workplace);
  writeReport(workplace.reportDirectory, result);
  say(reportTable(result));
  say(`report: ${join(workplace.reportDirectory, 'report.html')}`);
  if (args.isJson) console.log(JSON.stringify(result, null, 2));
  return EXIT_CODES[result.outcome];
}

async function runSwept(args: ChaosArguments): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  process.on('uncaughtException', breakDown);
  watchOver(mark);
  try {
    return await runChaos(args);
  } finally {
    cleanUp();
  }
}

async function execute(command: Command): Promise<number> {
  switch (command.type) {
    case 'help':
      console.log(HELP);
      return EXIT_CODES.ok;
    case 'clean': {
      const removed = await sweepDeadRuns();
      for (const line of removed) say(`removed: ${line}`);
      if (removed.length === 0) say('there was nothing to remove');
      return EXIT_CODES.ok;
    }
    case 'plan':
      for (const fault of makeSchedule(command.args)) console.log(describeFault(fault));
      return EXIT_CODES.ok;
    default:
      return await runSwept(command.args);
  }
}

try {
  const code = await execute(parseArguments(process.argv.slice(2), randomInt(2 ** 31)));
  process.exit(code);
} catch (error) {
  if (!(error instanceof UsageError)) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_CODES.crash);
  }
  say(`${error.message}\nnpm run chaos -- --help lists all options`);
  process.exit(EXIT_CODES.usage);
}
