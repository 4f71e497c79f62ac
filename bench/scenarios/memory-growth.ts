/** What grows with the log: nothing but the log itself, until it is compacted. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { Figure, Floor } from '../support/figure.ts';
import { loadFigure, plainFigure } from '../support/figure.ts';
import { requestSource } from '../support/key-value.ts';
import type { LoadResult } from '../support/load.ts';
import { runLoad } from '../support/load.ts';
import { repeat } from '../support/measure.ts';
import { MemCluster } from '../support/mem-cluster.ts';
import { liveBytes } from '../support/memory.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const REQUEST_BYTES = 256;
const IN_FLIGHT = 256;

/** In MB, while 230 MB of requests go through: more than noise, and far from a leak. */
const FLAT: Floor = { atMost: 4 };

/** What was seen between one number of entries and the next. */
interface Stage {
  readonly entries: number;
  readonly load: LoadResult;
  /** At the end of the stage. */
  readonly liveBytes: number;
}

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const stages = settings.isQuick ? [10_000, 30_000, 100_000] : [10_000, 100_000, 1_000_000];
  await grow(3, {}, [stages[0] ?? 0]);
  const compacted = await repeat(settings.repeats, () => grow(3, {}, stages));
  yield* stageFigures('compacted', compacted);
  yield* stages.map((entries, stage) => {
    const megabytes = compacted.flatMap((run) => (run[stage]?.liveBytes ?? 0) / 1e6);
    return plainFigure(`memory after ${entries.toLocaleString('en-US')} entries, compacted`, 'MB', megabytes);
  });
  yield plainFigure('memory growth in the last stage, compacted', 'MB', compacted.map(growth), FLAT);
  const kept = await repeat(settings.repeats, () => grow(3, { snapshotLogsSinceLast: 0 }, stages));
  yield* stageFigures('all kept', kept);
  const alone = await repeat(settings.repeats, () => grow(1, { snapshotLogsSinceLast: 0 }, stages));
  const keptEntries = (stages.at(-1) ?? 0) - (stages.at(-2) ?? 0);
  const perEntry = alone.map((run) => (growth(run) * 1e6) / keptEntries);
  yield plainFigure('memory per kept entry, one node', 'B', perEntry);
}

/** Fills a new cluster, stage by stage. */
async function grow(
  size: number,
  config: Partial<ConsensusConfig>,
  stages: readonly number[],
): Promise<readonly Stage[]> {
  const cluster = await MemCluster.open({ size, config });
  const { node } = cluster.leader();
  const nextRequest = requestSource(REQUEST_BYTES);
  const seen: Stage[] = [];
  let done = 0;
  for (const entries of stages) {
    const length = { operations: entries - done };
    const load = await runLoad(() => node.propose(nextRequest()), { inFlight: IN_FLIGHT, length });
    done = entries;
    seen.push({ entries, load, liveBytes: await liveBytes() });
  }
  await cluster.close();
  return seen;
}

/** The cost of an operation within each stage: it must not depend on how many came before. */
function stageFigures(kind: string, runs: readonly (readonly Stage[])[]): Figure[] {
  return (runs[0] ?? []).map(({ entries }, stage) => {
    const loads = runs.flatMap((run) => run[stage]?.load ?? []);
    return loadFigure(`propose up to entry ${entries.toLocaleString('en-US')}, ${kind}`, loads);
  });
}

/** In MB, from the end of the last stage but one, when all is warm, to the end of the last. */
function growth(stages: readonly Stage[]): number {
  const [from, to] = stages.slice(-2);
  if (from === undefined || to === undefined) throw new RangeError('growth needs two stages');
  return (to.liveBytes - from.liveBytes) / 1e6;
}

export const memoryGrowth: Scenario = {
  name: 'memory-growth',
  title: `cost and memory as the log grows; 256 B, ${IN_FLIGHT} in flight, nodes and callers in one process`,
  measure,
};
