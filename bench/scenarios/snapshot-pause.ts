/** What a snapshot of a large state in memory holds up: the event loop, and proposals. */
import { PerformanceObserver } from 'node:perf_hooks';
import type { ConsensusConfig, ConsensusNode } from 'zlayer-consensus';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { MemHub } from 'zlayer-consensus/network/memory';
import { MemLogStore, MemSnapshotStore, MemStateMachine } from 'zlayer-consensus/storage/memory';
import type { Figure, Floor } from '../support/figure.ts';
import { plainFigure } from '../support/figure.ts';
import { Latencies } from '../support/latencies.ts';
import { repeat, timeMs } from '../support/measure.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const IN_FLIGHT = 16;
const KEYS_PER_FILL = 1000;
const ADDRESS = 'node-1:1';

/** Snapshots are built on demand only, and leave no log behind: nothing but the snapshot is restored. */
const CONFIG: Partial<ConsensusConfig> = { snapshotLogsSinceLast: 0, maxInSnapshotLogToKeep: 0 };

/** The default heartbeat interval: a loop that stands still for longer looks dead to others. */
const HEARTBEAT: Floor = { atMost: 200 };

interface Account {
  readonly number: number;
  readonly owner: string;
  readonly tags: readonly string[];
}

/** Writes the accounts `[fromNumber, toNumber)`. */
interface Fill {
  readonly fromNumber: number;
  readonly toNumber: number;
}

/** Values are replaced, as the machine was promised, or for all it knows changed in place. */
type Contract = 'replaced' | 'changed';

interface Pauses {
  readonly loopMs: number;
  /** Collections of garbage are part of it. */
  readonly garbageMs: number;
}

/** What one run showed. */
interface Run {
  readonly building: Pauses & { readonly megabytesPerSecond: number };
  readonly writing: Pauses & {
    readonly longestMs: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly perSecond: number;
  };
  readonly restoring: Pauses & { readonly megabytesPerSecond: number };
}

async function* measure({ repeats, isQuick }: ScenarioSettings): AsyncGenerator<Figure, void> {
  const keys = isQuick ? 20_000 : 1_000_000;
  await runOnce('replaced', 10_000);
  for (const contract of ['replaced', 'changed'] as const) {
    const runs = await repeat(repeats, () => runOnce(contract, keys));
    yield* figures(contract, runs);
  }
}

function* figures(contract: Contract, runs: readonly Run[]): Generator<Figure, void> {
  const each = (name: string, unit: string, select: (run: Run) => number, floor: Floor | null = null): Figure =>
    plainFigure(`values ${contract}: ${name}`, unit, runs.map(select), floor);
  yield each('build', 'MB/s', ({ building }) => building.megabytesPerSecond);
  yield each('build, loop pause', 'ms', ({ building }) => building.loopMs, HEARTBEAT);
  yield each('build, GC pause', 'ms', ({ building }) => building.garbageMs);
  yield {
    ...each('writes meanwhile', 'ops/s', ({ writing }) => writing.perSecond),
    p50Ms: runs.map(({ writing }) => writing.p50Ms),
    p99Ms: runs.map(({ writing }) => writing.p99Ms),
  };
  const longest = contract === 'replaced' ? HEARTBEAT : null;
  yield each('writes meanwhile, longest', 'ms', ({ writing }) => writing.longestMs, longest);
  yield each('writes meanwhile, loop pause', 'ms', ({ writing }) => writing.loopMs, HEARTBEAT);
  yield each('restart from it', 'MB/s', ({ restoring }) => restoring.megabytesPerSecond);
  yield each('restart, loop pause', 'ms', ({ restoring }) => restoring.loopMs, HEARTBEAT);
  yield each('restart, GC pause', 'ms', ({ restoring }) => restoring.garbageMs);
}

/** Builds a snapshot with nothing else to do and another one under load, and restarts from that. */
async function runOnce(contract: Contract, keys: number): Promise<Run> {
  const stores = { logStore: new MemLogStore(), snapshotStore: new MemSnapshotStore() };
  const node = await start(contract, stores);
  await node.bootstrap();
  for (let fromNumber = 0; fromNumber < keys; fromNumber += KEYS_PER_FILL) {
    await node.propose({ fromNumber, toNumber: Math.min(keys, fromNumber + KEYS_PER_FILL) });
  }
  const building = await build(node);
  await node.propose({ fromNumber: 0, toNumber: 1 });
  const writing = await buildUnderLoad(node, keys);
  const { index } = node.metrics().lastApplied;
  const { sizeBytes } = (await node.raft.trigger().snapshot()) ?? building;
  await node.shutdown();
  let restarted = node;
  const restored = await watch(async () => {
    restarted = await start(contract, stores);
    await restarted.wait().appliedIndexAtLeast(index);
  });
  await restarted.shutdown();
  return { building, writing, restoring: { ...restored, megabytesPerSecond: sizeBytes / 1000 / restored.elapsedMs } };
}

type Node = ConsensusNode<Fill, number>;

async function start(
  contract: Contract,
  { logStore, snapshotStore }: { readonly logStore: MemLogStore; readonly snapshotStore: MemSnapshotStore },
): Promise<Node> {
  const stateMachine = new MemStateMachine<Map<string, Account>, Fill, number>({
    initialState: () => new Map(),
    apply(state, { fromNumber, toNumber }) {
      for (let number = fromNumber; number < toNumber; number += 1) {
        state.set(`account ${number}`, { number, owner: `owner ${number % 1000}`, tags: ['some', 'tags'] });
      }
      return state.size;
    },
    ...(contract === 'replaced' ? { mutableLevels: 1 } : {}),
  });
  return await new ConsensusNodeBuilder<Fill, number>(1, ADDRESS)
    .withConfig(CONFIG)
    .withSnapshotStore(snapshotStore)
    .buildWith(logStore, stateMachine, new MemHub().network(ADDRESS));
}

async function build(node: Node): Promise<Run['building'] & { readonly sizeBytes: number }> {
  let sizeBytes = 0;
  const { elapsedMs, ...pauses } = await watch(async () => {
    sizeBytes = (await node.raft.trigger().snapshot())?.sizeBytes ?? 0;
  });
  return { ...pauses, sizeBytes, megabytesPerSecond: sizeBytes / 1000 / elapsedMs };
}

/** With callers each of which overwrites one account after the other. */
async function buildUnderLoad(node: Node, keys: number): Promise<Run['writing']> {
  const latencies = new Latencies();
  let [longestMs, isBuilt, number] = [0, false, 0];
  const caller = async (): Promise<void> => {
    while (!isBuilt) {
      number = (number + 1) % keys;
      const elapsedMs = await timeMs(() => node.propose({ fromNumber: number, toNumber: number + 1 }));
      latencies.record(elapsedMs);
      longestMs = Math.max(longestMs, elapsedMs);
    }
  };
  const { elapsedMs, ...pauses } = await watch(async () => {
    const callers = Array.from({ length: IN_FLIGHT }, caller);
    await node.raft.trigger().snapshot();
    isBuilt = true;
    await Promise.all(callers);
  });
  return { ...pauses, longestMs, ...latencies.percentiles(), perSecond: (latencies.count / elapsedMs) * 1000 };
}

/** Looks at every turn of the event loop while something runs. */
async function watch(run: () => Promise<unknown>): Promise<Pauses & { readonly elapsedMs: number }> {
  let [garbageMs, loopMs, isDone] = [0, 0, false];
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) garbageMs = Math.max(garbageMs, duration);
  });
  collections.observe({ entryTypes: ['gc'] });
  let turnMs = performance.now();
  const look = (): void => {
    const nowMs = performance.now();
    loopMs = Math.max(loopMs, nowMs - turnMs);
    turnMs = nowMs;
    if (!isDone) setImmediate(look);
  };
  look();
  const elapsedMs = await timeMs(run);
  isDone = true;
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (const { duration } of collections.takeRecords()) garbageMs = Math.max(garbageMs, duration);
  collections.disconnect();
  return { elapsedMs, loopMs, garbageMs };
}

export const snapshotPause: Scenario = {
  name: 'snapshot-pause',
  title: `what a snapshot of 10^6 small objects holds up; one node in memory, ${IN_FLIGHT} writes in flight`,
  measure,
};
