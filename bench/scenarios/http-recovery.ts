/** A killed leader, and a learner that starts with nothing, over HTTP. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { Figure } from '../support/figure.ts';
import { plainFigure } from '../support/figure.ts';
import { HttpCluster } from '../support/http-cluster.ts';
import { repeat, timeMs } from '../support/measure.ts';
import { NodeHandle } from '../support/node-handle.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const REQUEST_BYTES = 256;

/** What etcd does by default, for comparison. */
const ONE_SECOND: Partial<ConsensusConfig> = {
  heartbeatIntervalMs: 100,
  electionTimeoutMinMs: 1000,
  electionTimeoutMaxMs: 2000,
};

async function* measure({ repeats, isQuick }: ScenarioSettings): AsyncGenerator<Figure, void> {
  yield plainFigure(
    'leader killed, 1-2 s timeout, next write',
    'ms',
    await repeat(repeats, () => killLeader(ONE_SECOND)),
  );
  yield plainFigure('leader killed, default timeout, next write', 'ms', await repeat(repeats, () => killLeader({})));
  const keys = isQuick ? 10_000 : 100_000;
  const of = keys.toLocaleString('en-US');
  const byLog = await repeat(repeats, () => joinByLog(keys));
  yield plainFigure(`new learner, log of ${of} entries`, 'entr./s', byLog);
  const bySnapshot = await repeat(repeats, () => joinBySnapshot(keys));
  yield plainFigure(`new learner, snapshot of ${of} keys`, 'MB/s', bySnapshot);
}

/** Until a write is acknowledged that is sent to a follower all the time. */
async function killLeader(config: Partial<ConsensusConfig>): Promise<number> {
  const { nodes, leader, follower } = await HttpCluster.open(3, { config });
  const propose = { type: 'propose-until-done', bytes: REQUEST_BYTES } as const;
  await follower.ask(propose);
  const elapsedMs = await timeMs(async () => {
    await leader.kill();
    await follower.ask(propose);
  });
  await Promise.all(nodes.slice(1).map((node) => node.stop()));
  return elapsedMs;
}

/** In entries/s. */
async function joinByLog(entries: number): Promise<number> {
  const cluster = await filled({ snapshotLogsSinceLast: 0 }, entries);
  const elapsedMs = await timeJoin(cluster);
  await cluster.close();
  return (entries / elapsedMs) * 1000;
}

/** In MB/s. */
async function joinBySnapshot(keys: number): Promise<number> {
  const cluster = await filled({ snapshotLogsSinceLast: 0, maxInSnapshotLogToKeep: 0 }, keys);
  const { sizeBytes } = await cluster.leader.ask({ type: 'snapshot' });
  const elapsedMs = await timeJoin(cluster);
  await cluster.close();
  return sizeBytes / 1000 / elapsedMs;
}

/** A cluster of one, with that many keys, each written once. */
async function filled(config: Partial<ConsensusConfig>, keys: number): Promise<HttpCluster> {
  const cluster = await HttpCluster.open(1, { config });
  const load = { inFlight: 256, length: { operations: keys } };
  await cluster.leader.ask({ type: 'propose', bytes: REQUEST_BYTES, keys, load });
  return cluster;
}

/** From adding a new learner until it has applied what the leader has. */
async function timeJoin({ leader }: HttpCluster): Promise<number> {
  const learner = await NodeHandle.start(2);
  const { nodeId, address } = learner;
  const elapsedMs = await timeMs(async () => {
    await leader.ask({ type: 'add-learner', nodeId, address });
    const { appliedIndex } = await leader.ask({ type: 'status' });
    await learner.ask({ type: 'wait-applied', index: appliedIndex });
  });
  await learner.stop();
  return elapsedMs;
}

export const httpRecovery: Scenario = {
  name: 'http-recovery',
  title: 'failover after kill -9, and new learners; processes over loopback, in memory; 256 B requests',
  measure,
};
