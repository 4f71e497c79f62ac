/** Warm-up and repeats: how each figure is measured. */
import type { Figure, Floor } from './figure.ts';
import { loadFigure } from './figure.ts';
import type { LoadOptions, LoadResult, RunLength } from './load.ts';
import type { ScenarioSettings } from './scenario.ts';

/** Puts load on something, here or in another process. */
export type LoadRunner = (options: LoadOptions) => Promise<LoadResult>;

export interface MeasuredLoad {
  readonly name: string;
  readonly inFlight: number;
  readonly floor?: Floor;
}

/** One run of a throughput measurement. Long enough for several collections of garbage. */
function runLength({ isQuick }: ScenarioSettings): RunLength {
  return { durationMs: isQuick ? 200 : 1500 };
}

/** One run that nobody counts, so that code is compiled and buffers are grown; then the repeats. */
export async function measureLoad(
  settings: ScenarioSettings,
  { name, inFlight, floor }: MeasuredLoad,
  run: LoadRunner,
): Promise<Figure> {
  const options: LoadOptions = { inFlight, length: runLength(settings) };
  await run(options);
  const runs = await repeat(settings.repeats, () => run(options));
  return loadFigure(name, runs, floor);
}

/** Runs something several times, one after the other. */
export async function repeat<Result>(times: number, run: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let time = 0; time < times; time += 1) results.push(await run());
  return results;
}

/** How long something takes, in ms. */
export async function timeMs(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}
