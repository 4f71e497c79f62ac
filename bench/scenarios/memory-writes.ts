/** Writes to three nodes in one process: what the library itself costs, without disk and sockets. */
import type { Figure, Floor } from '../support/figure.ts';
import { requestSource } from '../support/key-value.ts';
import { runLoad } from '../support/load.ts';
import { measureLoad } from '../support/measure.ts';
import { MemCluster } from '../support/mem-cluster.ts';
import type { Scenario, ScenarioSettings } from '../support/scenario.ts';

const IN_FLIGHT = [1, 16, 64, 256, 1024];

/** By request size and proposals in flight. */
const FLOORS: ReadonlyMap<string, Floor> = new Map([
  ['256/1', { atLeast: 20_000 }],
  ['256/256', { atLeast: 150_000 }],
]);

async function* measure(settings: ScenarioSettings): AsyncGenerator<Figure, void> {
  for (const bytes of [256, 4096]) {
    const cluster = await MemCluster.open({ size: 3 });
    const { node } = cluster.leader();
    const nextRequest = requestSource(bytes);
    for (const inFlight of IN_FLIGHT) {
      const floor = FLOORS.get(`${bytes}/${inFlight}`);
      const load = { name: `propose ${bytes} B, ${inFlight} in flight`, inFlight, ...(floor && { floor }) };
      yield await measureLoad(settings, load, (options) => runLoad(() => node.propose(nextRequest()), options));
    }
    await cluster.close();
  }
}

export const memoryWrites: Scenario = {
  name: 'memory-writes',
  title: 'proposals on the leader; three nodes and the callers in one process, all in memory',
  measure,
};
