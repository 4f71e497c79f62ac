/** Runs the simulator from the command line: see `--help` and docs/SIMULATOR.md. */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { ScheduleError } from '../src/testing/simulator/schedule/check-schedule.ts';
import { replayCommand, reportFailure, shrinkCommand, traceSeed } from './sim/failure-report.ts';
import { runSeeds } from './sim/run-seeds.ts';
import type { SeedSummary } from './sim/seed-summary.ts';
import { summaryOf } from './sim/seed-summary.ts';
import type { SimArguments } from './sim/sim-arguments.ts';
import { HELP, parseArguments, UsageError } from './sim/sim-arguments.ts';

/** The more certain a failure is a mistake in the library, the lower. */
const EXIT_CODES = { ok: 0, safety: 2, liveness: 3, crash: 4 } as const;
const USAGE = 1;
const INTERRUPTED = 130;

const PROGRESS_EVERY_MS = 5000;

const say = (text: string): void => console.error(text);

class Session {
  readonly #args: SimArguments;
  readonly #startedMs = performance.now();
  readonly #failures: SeedSummary[] = [];
  #count = 0;
  #virtualMs = 0;
  #undecided = 0;
  #saidMs = 0;

  constructor(args: SimArguments) {
    this.#args = args;
  }

  async run(): Promise<number> {
    const { traceFile, seeds } = this.#args;
    if (traceFile !== null && seeds === 1) await this.#runTraced(traceFile);
    else await runSeeds({ ...this.#args, onSeed: (summary) => this.#onSeed(summary) });
    this.#sayProgress();
    const [first] = this.#failures;
    if (first !== undefined) await this.#explain(first);
    if (this.#args.isJson) console.log(JSON.stringify(this.#json(), null, 2));
    return Math.min(...this.#failures.map(({ outcome }) => EXIT_CODES[outcome]), 5) % 5;
  }

  async #runTraced(traceFile: string): Promise<void> {
    const { options, from } = this.#args;
    this.#onSeed(summaryOf(await traceSeed({ ...options, seed: from }, traceFile)));
    say(`the trace is in ${traceFile}`);
  }

  #onSeed(summary: SeedSummary): boolean {
    this.#count += 1;
    this.#virtualMs += summary.atMs;
    if (summary.isUndecided) this.#undecided += 1;
    if (summary.outcome !== 'ok') {
      this.#failures.push(summary);
      say(`seed ${summary.seed}: ${summary.outcome}: ${summary.message ?? ''}`);
      say(`  again: ${replayCommand(this.#args, summary.seed)}`);
    }
    if (performance.now() - this.#saidMs > PROGRESS_EVERY_MS) this.#sayProgress();
    return summary.outcome === 'ok' || this.#args.isGoingOn;
  }

  #sayProgress(): void {
    this.#saidMs = performance.now();
    const seconds = (this.#saidMs - this.#startedMs) / 1000;
    const hours = this.#virtualMs / 3_600_000;
    const rate = this.#count / seconds;
    const undecided = this.#undecided === 0 ? '' : `, ${this.#undecided} undecided`;
    say(
      `${this.#count} of ${this.#args.seeds} seeds, ${rate.toFixed(1)} seeds/s, ${hours.toFixed(2)} virtual hours, ${this.#failures.length} failed${undecided}`,
    );
  }

  async #explain({ seed, outcome, property, nodes, faults }: SeedSummary): Promise<void> {
    say(`\nseed ${seed} failed (${outcome}): ${property ?? ''}; ${nodes} nodes, ${faults} faults`);
    const { traceFile, scheduleFile, timelineFile, result } = await reportFailure(this.#args, seed, say);
    say(result.message ?? 'it does not fail any more: something outside of the seed decides');
    say(`trace:    ${traceFile}`);
    say(`schedule: ${scheduleFile} (${result.schedule.length} faults)`);
    if (timelineFile !== null) say(`timeline: ${timelineFile}`);
    say(`again:    ${replayCommand(this.#args, seed)}`);
    say(`smaller:  ${shrinkCommand(this.#args, scheduleFile)}`);
  }

  #json(): object {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    return {
      seeds: this.#count,
      from: this.#args.from,
      seconds,
      virtualHours: this.#virtualMs / 3_600_000,
      undecided: this.#undecided,
      failures: this.#failures,
    };
  }
}

async function main(): Promise<number> {
  try {
    const args = parseArguments(process.argv.slice(2), availableParallelism());
    if (args !== null) return await new Session(args).run();
    console.log(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ScheduleError)) throw error;
    say(`${error.message}\nnpm run sim -- --help lists all options`);
    return USAGE;
  }
}

// The workers see their line to this process end, and follow.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(INTERRUPTED));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_CODES.crash);
  },
);
