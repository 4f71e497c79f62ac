/** What somebody needs who wants to understand a failure. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { renderTimeline } from '../../src/testing/linearizability/render/timeline.ts';
import { shrink } from '../../src/testing/simulator/run/shrink.ts';
import type { SimOptions, SimResult } from '../../src/testing/simulator/run/sim-options.ts';
import { runGuarded } from './run-guarded.ts';
import type { SimArguments } from './sim-arguments.ts';

export interface FailureFiles {
  readonly traceFile: string;
  readonly scheduleFile: string;
  /** A page with the calls that no order explains, where clients saw that something is wrong; else `null`. */
  readonly timelineFile: string | null;
  readonly result: SimResult;
}

/** Runs the seed again, writing down what happens, with a small schedule if that is wanted. */
export async function reportFailure(
  args: SimArguments,
  seed: number,
  say: (text: string) => void,
): Promise<FailureFiles> {
  const options: SimOptions = { ...args.options, seed };
  let failed = await runGuarded(options);
  if (args.isShrinking && failed.outcome !== 'ok') {
    say(`shrinking a schedule of ${failed.schedule.length} faults`);
    const onRun = ({ runs, items }: { runs: number; items: number }): void => {
      if (runs % 20 === 0) say(`${runs} runs, ${items} faults left`);
    };
    const shrunk = await shrink({ options, failed, onRun });
    failed = shrunk.result;
    say(`${failed.schedule.length} faults are left after ${shrunk.runs} runs`);
  }
  const directory = args.outDirectory ?? tmpdir();
  mkdirSync(directory, { recursive: true });
  const traceFile = args.traceFile ?? join(directory, `sim-${seed}.trace`);
  const scheduleFile = join(directory, `sim-${seed}.json`);
  const { schedule, settings, durationMs } = failed;
  const content = { seed, nodes: settings.nodes, durationMs, items: schedule };
  writeFileSync(scheduleFile, `${JSON.stringify(content, null, 2)}\n`);
  // Clients may have seen what an oracle found, and a picture says it best.
  const again: SimOptions = { ...options, schedule, nodes: settings.nodes, durationMs, checksLinearizability: true };
  const result = await traceSeed(again, traceFile);
  return { traceFile, scheduleFile, timelineFile: writeTimeline(result, join(directory, `sim-${seed}.html`)), result };
}

/** Writes a page with the calls that no order explains. `null`: there are none, or nobody checked. */
export function writeTimeline({ seed, linearizability }: SimResult, file: string): string | null {
  if (linearizability?.verdict !== 'violation') return null;
  const title = `Seed ${seed}: not linearizable`;
  writeFileSync(file, renderTimeline(linearizability.violation, { title, timeUnit: 'virtual ms' }));
  return file;
}

/** Runs a seed and writes what happens to a file. */
export async function traceSeed(options: SimOptions, traceFile: string): Promise<SimResult> {
  const stream = createWriteStream(traceFile);
  let chunk: string[] = [];
  const flush = (): void => {
    stream.write(chunk.join(''));
    chunk = [];
  };
  const trace = (line: string): void => {
    chunk.push(`${line}\n`);
    if (chunk.length >= 1000) flush();
  };
  const result = await runGuarded({ ...options, trace });
  flush();
  stream.end();
  await finished(stream);
  return result;
}

/** The command that makes the failure happen again. */
export function replayCommand(args: SimArguments, seed: number): string {
  const { nodes, durationMs, faults, intensity, checksLinearizability } = args.options;
  const parts = [
    `npm run sim -- --seeds 1 --from ${seed}`,
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(durationMs === undefined ? [] : [`--duration-ms ${durationMs}`]),
    ...(faults === undefined ? [] : [`--faults ${faults.join(',')}`]),
    ...(intensity === undefined ? [] : [`--intensity ${intensity}`]),
    ...(args.scheduleFile === null ? [] : [`--schedule ${args.scheduleFile}`]),
    ...(checksLinearizability === true ? ['--linearizability'] : []),
  ];
  return parts.join(' ');
}

/** The command that makes the schedule of the failure small, or runs it if it is small. */
export function shrinkCommand({ options, isShrinking }: SimArguments, scheduleFile: string): string {
  const parts = [
    `npm run sim -- --schedule ${scheduleFile}`,
    ...(options.checksLinearizability === true ? ['--linearizability'] : []),
    ...(isShrinking ? [] : ['--shrink']),
  ];
  return parts.join(' ');
}
