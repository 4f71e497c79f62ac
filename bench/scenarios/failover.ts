/** How long nobody can write when the leader is lost, or goes. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { Figure } from '../support/figure.ts';
import { plainFigure } from '../support/figure.ts';
import { requestSource } from '../support/key-value.ts';
import { repeat, timeMs } from '../support/measure.ts';
import { MemCluster } from '../support/mem-cluster.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';
import { proposeUntilDone } from '../support/until-done.ts';

/** A cluster in one data centre that wants to be back quickly. */
const FAST: Partial<ConsensusConfig> = {
  heartbeatIntervalMs: 50,
  electionTimeoutMinMs: 150,
  electionTimeoutMaxMs: 300,
};

/** The wait is random: a median of few says little. */
const REPEATS_FACTOR = 3;

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const repeats = settings.repeats * REPEATS_FACTOR;
  const configs: readonly (readonly [name: string, config: Partial<ConsensusConfig>])[] = [
    ['150-300 ms', FAST],
    ['default', {}],
  ];
  for (const [name, config] of configs) {
    const cluster = await MemCluster.open({ size: 3, config });
    yield plainFigure(`leader cut off, ${name} timeout`, 'ms', await repeat(repeats, () => cutOffLeader(cluster)));
    yield plainFigure(`leadership handed over, ${name} timeout`, 'ms', await repeat(repeats, () => handOver(cluster)));
    await cluster.close();
  }
}

/** Until a write is acknowledged by the other two. */
async function cutOffLeader(cluster: MemCluster): Promise<number> {
  const { node: lost } = cluster.leader();
  const { node: survivor } = cluster.follower();
  const nextRequest = requestSource(256);
  const elapsedMs = await timeMs(async () => {
    cluster.hub.isolate(lost.address);
    await proposeUntilDone(survivor, nextRequest);
  });
  cluster.hub.heal();
  await settled(cluster);
  return elapsedMs;
}

/** Until a write is acknowledged that was sent to the old leader. */
async function handOver(cluster: MemCluster): Promise<number> {
  const { node } = cluster.leader();
  const nextRequest = requestSource(256);
  const elapsedMs = await timeMs(async () => {
    await node.transferLeadership();
    await proposeUntilDone(node, nextRequest);
  });
  await settled(cluster);
  return elapsedMs;
}

/** All nodes agree on one leader and have applied what it has. */
async function settled(cluster: MemCluster): Promise<void> {
  const anyone = cluster.follower().node;
  await proposeUntilDone(anyone, requestSource(256));
  const { index } = cluster.leader().node.metrics().lastApplied;
  for (const { node } of cluster.members) await node.wait().appliedIndexAtLeast(index);
}

export const failover: Scenario = {
  name: 'failover',
  title: 'until the next acknowledged write; three nodes in one process',
  measure,
};
