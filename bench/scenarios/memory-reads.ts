/** Linearizable reads from three nodes in one process. */
import type { Figure } from '../support/figure.ts';
import { HOT_KEYS, keyOf, requestSource } from '../support/key-value.ts';
import { runLoad } from '../support/load.ts';
import { measureLoad } from '../support/measure.ts';
import type { MemMember } from '../support/mem-cluster.ts';
import { MemCluster } from '../support/mem-cluster.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const IN_FLIGHT = [1, 64, 256];

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const cluster = await MemCluster.open({ size: 3 });
  const leader = cluster.leader();
  const nextRequest = requestSource(256);
  await runLoad(() => leader.node.propose(nextRequest()), { inFlight: 64, length: { operations: HOT_KEYS } });
  const readers: readonly (readonly [place: string, member: MemMember])[] = [
    ['on the leader', leader],
    ['on a follower', cluster.follower()],
  ];
  for (const [place, member] of readers) {
    for (const inFlight of IN_FLIGHT) {
      const load = { name: `linearizable read ${place}, ${inFlight} in flight`, inFlight };
      yield await measureLoad(settings, load, (options) => runLoad(reader(member), options));
    }
  }
  await cluster.close();
}

/** Reads one key after the other. */
function reader({ node, stateMachine }: MemMember): () => Promise<unknown> {
  let count = 0;
  return () => {
    const key = keyOf(count % HOT_KEYS);
    count += 1;
    return node.read(() => stateMachine.state.get(key), { consistency: 'linearizable' });
  };
}

export const memoryReads: Scenario = {
  name: 'memory-reads',
  title: 'linearizable reads; three nodes and the callers in one process, all in memory',
  measure,
};
