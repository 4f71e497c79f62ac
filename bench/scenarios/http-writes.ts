/** Writes to three processes over HTTP: what the library and its transport cost, without disk. */
import type { Figure } from '../support/figure.ts';
import { HttpCluster } from '../support/http-cluster.ts';
import { HOT_KEYS } from '../support/key-value.ts';
import { measureLoad } from '../support/measure.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const IN_FLIGHT = [1, 16, 64, 256, 1024];

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  const cluster = await HttpCluster.open(3);
  const { leader, follower } = cluster;
  const places = [
    { where: '', on: leader, bytes: 256 },
    { where: '', on: leader, bytes: 4096 },
    { where: ' forwarded', on: follower, bytes: 256 },
  ];
  for (const { where, on, bytes } of places) {
    for (const inFlight of IN_FLIGHT) {
      yield await measureLoad(
        settings,
        { name: `propose ${bytes} B${where}, ${inFlight} in flight`, inFlight },
        (load) => cluster.load(on, { type: 'propose', bytes, keys: HOT_KEYS, load }),
      );
    }
  }
  await cluster.close();
}

export const httpWrites: Scenario = {
  name: 'http-writes',
  title: 'proposals; three processes over loopback, in memory; callers in the process of the leader, or of a follower',
  measure,
};
