/** Writes to three processes over HTTP, each write on two disks before it is acknowledged. */
import { join } from 'node:path';
import { commitCount } from '../support/commit-count.ts';
import { measureDisk } from '../support/disk-limit.ts';
import type { Figure } from '../support/figure.ts';
import { loadFigure, plainFigure } from '../support/figure.ts';
import { HttpCluster } from '../support/http-cluster.ts';
import { HOT_KEYS } from '../support/key-value.ts';
import type { LoadResult } from '../support/load.ts';
import { measureLoad, repeat } from '../support/measure.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';
import { makeScratch } from '../support/scratch.ts';
import { summarise } from '../support/statistics.ts';

const IN_FLIGHT = [1, 16, 64, 256, 1024];
const SMALL_BYTES = 256;
const LARGE_BYTES = 4096;
/** With this many in flight, so many writes per second at least. */
const FLOOR_IN_FLIGHT = 256;
const FLOOR_PER_SECOND = 30_000;
/** One write at a time may take so long, or so many times what the disk takes by itself. */
const FLOOR_ALONE_MS = 1;
const FLOOR_ALONE_DISK_TIMES = 4;
/** LMDB syncs the pages, then the page that makes them valid. */
const SYNCS_PER_COMMIT = 2;

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const disk = await repeat(settings.repeats, () => measureDisk(SMALL_BYTES, settings.isQuick ? 200 : 1500));
  yield loadFigure('the disk alone: append 256 B + fdatasync', disk);
  const diskMs = summarise(disk.map(({ p50Ms }) => p50Ms)).median;
  const scratch = await makeScratch();
  const { directory } = scratch;
  try {
    const cluster = await HttpCluster.open(3, { directory });
    for (const bytes of [SMALL_BYTES, LARGE_BYTES]) {
      for (const inFlight of IN_FLIGHT) {
        const figures = await measureWrites({ settings, cluster, directory, bytes, inFlight });
        yield* figures;
        if (bytes === SMALL_BYTES && inFlight === 1) yield alone(figures[0]?.p50Ms ?? [], diskMs);
      }
    }
    await cluster.close();
  } finally {
    await scratch.remove();
  }
}

/** The latency of a single write, beside what the disk allows. */
function alone(p50Ms: readonly number[], diskMs: number): Figure {
  const atMost = Math.max(FLOOR_ALONE_MS, FLOOR_ALONE_DISK_TIMES * diskMs);
  return plainFigure('  one 256 B write at a time, p50', 'ms', p50Ms, { atMost });
}

interface Writes {
  readonly settings: ScenarioSettings;
  readonly cluster: HttpCluster;
  readonly directory: string;
  readonly bytes: number;
  readonly inFlight: number;
}

/** Throughput, and what each entry costs the disk of the leader. */
async function measureWrites({ settings, cluster, directory, bytes, inFlight }: Writes): Promise<Figure[]> {
  const syncs: number[] = [];
  const written: number[] = [];
  const place = join(directory, 'node-1');
  const run = async (load: Parameters<HttpCluster['load']>[1]['load']): Promise<LoadResult> => {
    const commitsBefore = await commitCount(place);
    const { diskBytes: bytesBefore } = await cluster.leader.ask({ type: 'status' });
    const result = await cluster.load(cluster.leader, { type: 'propose', bytes, keys: HOT_KEYS, load });
    const { diskBytes: bytesAfter } = await cluster.leader.ask({ type: 'status' });
    syncs.push((((await commitCount(place)) - commitsBefore) * SYNCS_PER_COMMIT) / result.operations);
    written.push((bytesAfter - bytesBefore) / result.operations);
    return result;
  };
  const isFloor = bytes === SMALL_BYTES && inFlight === FLOOR_IN_FLIGHT;
  const floor = isFloor ? { floor: { atLeast: FLOOR_PER_SECOND } } : {};
  const name = `${bytes} B, ${inFlight} in flight`;
  const throughput = await measureLoad(settings, { name: `propose ${name}`, inFlight, ...floor }, run);
  // The first run is the one that nobody counts.
  return [
    throughput,
    plainFigure(`  device syncs per entry, ${name}`, '', syncs.slice(1)),
    plainFigure(`  bytes written per entry, ${name}`, 'B', written.slice(1)),
  ];
}

export const durableWrites: Scenario = {
  name: 'durable-writes',
  title: 'proposals; three processes over loopback, LMDB on one disk, fsync on every group; callers with the leader',
  measure,
};
