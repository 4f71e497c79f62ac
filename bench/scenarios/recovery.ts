/** Snapshots, and how long a node takes to come back or to catch up. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { Figure } from '../support/figure.ts';
import { plainFigure } from '../support/figure.ts';
import { requestSource } from '../support/key-value.ts';
import { runLoad } from '../support/load.ts';
import { repeat, timeMs } from '../support/measure.ts';
import { MemCluster } from '../support/mem-cluster.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const REQUEST_BYTES = 256;

/** Snapshots are built on demand only. */
const KEEP_ALL: Partial<ConsensusConfig> = { snapshotLogsSinceLast: 0 };

/** A snapshot leaves no log behind, so that nothing but the snapshot is measured. */
const KEEP_NOTHING: Partial<ConsensusConfig> = { ...KEEP_ALL, maxInSnapshotLogToKeep: 0 };

/** Speeds of one run, in MB/s. */
interface SnapshotSpeeds {
  readonly sizeMegabytes: number;
  readonly build: number;
  readonly restore: number;
  readonly join: number;
}

/** Speeds of one run, in entries/s. */
interface LogSpeeds {
  readonly replay: number;
  readonly join: number;
}

async function* measure({ repeats, isQuick }: ScenarioSettings): AsyncGenerator<Figure, void> {
  const sizes = isQuick ? [10_000] : [10_000, 100_000, 1_000_000];
  await snapshotSpeeds(10_000);
  await logSpeeds(10_000);
  for (const keys of sizes) {
    const speeds = await repeat(repeats, () => snapshotSpeeds(keys));
    const megabytes = speeds[0]?.sizeMegabytes ?? 0;
    const of = `snapshot of ${keys.toLocaleString('en-US')} keys`;
    yield plainFigure(`${of}, size`, 'MB', [megabytes]);
    yield plainFigure(
      `${of}, build`,
      'MB/s',
      speeds.map(({ build }) => build),
    );
    yield plainFigure(
      `${of}, restart from it`,
      'MB/s',
      speeds.map(({ restore }) => restore),
    );
    yield plainFigure(
      `${of}, new learner`,
      'MB/s',
      speeds.map(({ join }) => join),
    );
  }
  for (const entries of sizes) {
    const speeds = await repeat(repeats, () => logSpeeds(entries));
    const of = `log of ${entries.toLocaleString('en-US')} entries`;
    yield plainFigure(
      `${of}, restart from it`,
      'entr./s',
      speeds.map(({ replay }) => replay),
    );
    yield plainFigure(
      `${of}, new learner`,
      'entr./s',
      speeds.map(({ join }) => join),
    );
  }
}

/** One node with that many keys. */
async function snapshotSpeeds(keys: number): Promise<SnapshotSpeeds> {
  const cluster = await MemCluster.open({ size: 1, config: KEEP_NOTHING });
  const { node } = await fill(cluster, keys);
  let sizeBytes = 0;
  const buildMs = await timeMs(async () => {
    sizeBytes = (await node.raft.trigger().snapshot())?.sizeBytes ?? 0;
  });
  const restoreMs = await timeRestart(cluster);
  const joinMs = await timeJoin(cluster);
  await cluster.close();
  const megabytes = sizeBytes / 1e6;
  return {
    sizeMegabytes: megabytes,
    build: (megabytes / buildMs) * 1000,
    restore: (megabytes / restoreMs) * 1000,
    join: (megabytes / joinMs) * 1000,
  };
}

/** One node with a log of that many entries and no snapshot. */
async function logSpeeds(entries: number): Promise<LogSpeeds> {
  const cluster = await MemCluster.open({ size: 1, config: KEEP_ALL });
  await fill(cluster, entries);
  const replayMs = await timeRestart(cluster);
  const joinMs = await timeJoin(cluster);
  await cluster.close();
  return { replay: (entries / replayMs) * 1000, join: (entries / joinMs) * 1000 };
}

/** Writes that many keys, each once. */
async function fill(cluster: MemCluster, keys: number): Promise<ReturnType<MemCluster['leader']>> {
  const leader = cluster.leader();
  const nextRequest = requestSource(REQUEST_BYTES, keys);
  await runLoad(() => leader.node.propose(nextRequest()), { inFlight: 256, length: { operations: keys } });
  return leader;
}

/** From the start until everything is applied that was; then it may lead again. */
async function timeRestart(cluster: MemCluster): Promise<number> {
  const member = cluster.leader();
  const { nodeId } = member.node;
  const { index } = member.node.metrics().lastApplied;
  await cluster.stop(member);
  let restarted = member;
  const elapsedMs = await timeMs(async () => {
    restarted = await cluster.start(nodeId, member);
    await restarted.node.wait().appliedIndexAtLeast(index);
  });
  await restarted.node.wait().state('leader');
  return elapsedMs;
}

/** From adding a new learner until it has applied what the leader has. */
async function timeJoin(cluster: MemCluster): Promise<number> {
  const { node } = cluster.leader();
  const learner = await cluster.start(2);
  return await timeMs(async () => {
    await node.addLearner(2, learner.node.address, { blocking: true, timeoutMs: 60_000 });
    await learner.node.wait(60_000).appliedIndexAtLeast(node.metrics().lastApplied.index);
  });
}

export const recovery: Scenario = {
  name: 'recovery',
  title: 'snapshots, restart and catch-up; 256 B requests, one node and a learner in one process, all in memory',
  measure,
};
