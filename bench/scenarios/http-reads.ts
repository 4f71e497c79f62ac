/** Linearizable reads from three processes over HTTP. */
import type { Figure } from '../support/figure.ts';
import { HttpCluster } from '../support/http-cluster.ts';
import { HOT_KEYS } from '../support/key-value.ts';
import { measureLoad } from '../support/measure.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const IN_FLIGHT = [1, 16, 64, 256];

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const cluster = await HttpCluster.open(3);
  const { leader, follower } = cluster;
  const filling = { inFlight: 64, length: { operations: HOT_KEYS } };
  await leader.ask({ type: 'propose', bytes: 256, keys: HOT_KEYS, load: filling });
  const places = [
    { where: 'on the leader', on: leader },
    { where: 'on a follower', on: follower },
  ];
  for (const { where, on } of places) {
    for (const inFlight of IN_FLIGHT) {
      yield await measureLoad(
        settings,
        { name: `linearizable read ${where}, ${inFlight} in flight`, inFlight },
        (load) => cluster.load(on, { type: 'read', keys: HOT_KEYS, load }),
      );
    }
  }
  await cluster.close();
}

export const httpReads: Scenario = {
  name: 'http-reads',
  title: 'linearizable reads; three processes over loopback; callers in the process of the leader, or of a follower',
  measure,
};
