/** Restarts from the disk, a purge while writes go on, and memory: what must not grow with the log. */
import { join } from 'node:path';
import type { Figure } from '../support/figure.ts';
import { plainFigure } from '../support/figure.ts';
import { HttpCluster } from '../support/http-cluster.ts';
import { HOT_KEYS } from '../support/key-value.ts';
import { repeat, timeMs } from '../support/measure.ts';
import type { NodeSetup } from '../support/node-commands.ts';
import { NodeHandle } from '../support/node-handle.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';
import { makeScratch } from '../support/scratch.ts';

const REQUEST_BYTES = 256;
const IN_FLIGHT = 1024;
/** The log is kept whole. */
const KEEP_ALL: NodeSetup = { config: { snapshotLogsSinceLast: 0 } };
const RESTART_FLOOR_MS = 2000;

async function* measure({ repeats, isQuick }: ScenarioSettings): AsyncGenerator<Figure, void> {
  const entries = isQuick ? 20_000 : 1_000_000;
  const of = `log of ${entries.toLocaleString('en-US')} entries`;
  const floor = { atMost: RESTART_FLOOR_MS };
  const fromLog = await restarts(repeats, { entries, keys: HOT_KEYS, bytes: REQUEST_BYTES }, KEEP_ALL);
  yield plainFigure(`${of}, state in memory: restart until it serves`, 'ms', fromLog.restartMs, floor);
  yield plainFigure('  memory of its own after that', 'MB', fromLog.memoryMb);
  const onDisk = { ...KEEP_ALL, isStateOnDisk: true };
  const withState = await restarts(repeats, { entries, keys: HOT_KEYS, bytes: REQUEST_BYTES }, onDisk);
  yield plainFigure(`${of}, state on disk: restart until it serves`, 'ms', withState.restartMs, floor);
  yield plainFigure('  memory of its own after that', 'MB', withState.memoryMb);
  const large = isQuick ? { entries: 1000, keys: 1000, bytes: 4096 } : { entries: 262_144, keys: 262_144, bytes: 4096 };
  const size = isQuick ? '4 MiB' : '1 GiB';
  const fromState = await restarts(repeats, large, { ...onDisk, config: {} });
  yield plainFigure(`${size} of state on disk: restart until it serves`, 'ms', fromState.restartMs, floor);
  yield plainFigure('  memory of its own after that', 'MB', fromState.memoryMb);
  yield* await purge(repeats, isQuick ? 5000 : 100_000);
  yield* await memoryByLog(isQuick ? [1000, 10_000] : [100_000, 1_000_000, 2_000_000, 4_000_000]);
}

interface Content {
  readonly entries: number;
  readonly keys: number;
  readonly bytes: number;
}

interface Restarts {
  readonly restartMs: readonly number[];
  readonly memoryMb: readonly number[];
}

/** From the start of the node, not of its process, until a linearizable read is answered. */
async function restarts(repeats: number, content: Content, setup: NodeSetup): Promise<Restarts> {
  const scratch = await makeScratch();
  const cluster = await HttpCluster.open(1, { ...setup, directory: scratch.directory });
  await fill(cluster, content);
  const { port } = new URL(`http://${cluster.leader.address}`);
  await cluster.leader.kill();
  const again = { ...setup, directory: join(scratch.directory, 'node-1'), port: Number(port) };
  const memoryMb: number[] = [];
  const restartMs = await repeat(repeats, async () => {
    const node = await NodeHandle.start(1, again);
    const readMs = await timeMs(() =>
      node.ask({ type: 'read', keys: 1, load: { inFlight: 1, length: { operations: 1 } } }),
    );
    memoryMb.push((await node.ask({ type: 'status' })).ownMemoryBytes / 1e6);
    await node.stop();
    return node.startMs + readMs;
  });
  await scratch.remove();
  return { restartMs, memoryMb };
}

/** The worst latencies of writes while so many entries are removed, beside those without. */
async function purge(repeats: number, entries: number): Promise<readonly Figure[]> {
  const scratch = await makeScratch();
  // Nothing is cut before it is said to, and then all at once.
  const config = { snapshotLogsSinceLast: 0, maxInSnapshotLogToKeep: 0 };
  const cluster = await HttpCluster.open(1, { config, directory: scratch.directory });
  const { leader } = cluster;
  const load = { inFlight: 16, length: { durationMs: 1000 } };
  const propose = { type: 'propose', bytes: REQUEST_BYTES, keys: HOT_KEYS, load } as const;
  const before: number[] = [];
  const during: number[] = [];
  for (let run = 0; run < repeats; run += 1) {
    // Small groups: many of them have to be removed.
    await leader.ask({ ...propose, load: { inFlight: 16, length: { operations: entries } } });
    before.push((await leader.ask(propose)).p99Ms);
    const { appliedIndex } = await leader.ask({ type: 'status' });
    await leader.ask({ type: 'snapshot' });
    // Answers at once; what is purged is removed in steps, between the writes.
    await leader.ask({ type: 'purge', index: appliedIndex });
    during.push((await leader.ask(propose)).p99Ms);
  }
  await cluster.close();
  await scratch.remove();
  const of = entries.toLocaleString('en-US');
  return [
    plainFigure(`p99 of writes, 16 in flight`, 'ms', before),
    plainFigure(`p99 of writes while ${of} entries are purged`, 'ms', during),
  ];
}

/** Own memory of a node by the length of its log. */
async function memoryByLog(lengths: readonly number[]): Promise<readonly Figure[]> {
  const scratch = await makeScratch();
  const cluster = await HttpCluster.open(1, { ...KEEP_ALL, isStateOnDisk: true, directory: scratch.directory });
  const figures: Figure[] = [];
  let filled = 0;
  for (const length of lengths) {
    await fill(cluster, { entries: length - filled, keys: HOT_KEYS, bytes: REQUEST_BYTES });
    filled = length;
    const { ownMemoryBytes } = await cluster.leader.ask({ type: 'status' });
    const name = `memory of its own with a log of ${length.toLocaleString('en-US')} entries`;
    figures.push(plainFigure(name, 'MB', [ownMemoryBytes / 1e6]));
  }
  await cluster.close();
  await scratch.remove();
  return figures;
}

async function fill({ leader }: HttpCluster, { entries, keys, bytes }: Content): Promise<void> {
  const load = { inFlight: IN_FLIGHT, length: { operations: entries } };
  await leader.ask({ type: 'propose', bytes, keys, load });
}

export const durableRecovery: Scenario = {
  name: 'durable-recovery',
  title: 'restarts, a purge and memory; one node in a process of its own, LMDB, 256 B requests',
  measure,
};
