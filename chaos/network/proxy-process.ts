/** The proxies of a machine, or of a namespace, as a process of their own: the run's timing is not to depend on traffic. */
import { SeededRandom } from '../nemesis/seeded-random.ts';
import { answerCommands } from '../support/channel.ts';
import { LinkProxy } from './link-proxy.ts';
import type { ProxyCommands } from './proxy-commands.ts';

const proxies = new Map<number, LinkProxy>();

function at(place: number): LinkProxy {
  const proxy = proxies.get(place);
  if (proxy === undefined) throw new Error(`there is no proxy at place ${place}`);
  return proxy;
}

answerCommands<ProxyCommands>({
  async open({ place, endpoint, seed }) {
    const random = new SeededRandom(seed, `proxy ${place}`);
    const proxy = new LinkProxy({ place, random: () => random.next() });
    const port = await proxy.listen(endpoint);
    proxies.set(place, proxy);
    return port;
  },
  async target({ place, endpoint }) {
    at(place).setTarget(endpoint);
    return null;
  },
  async lines({ place, inbound, outbound }) {
    at(place).setLines(new Map(inbound), new Map(outbound));
    return null;
  },
  async counts() {
    const all = [...proxies.values()].map(({ counts }) => counts);
    const sum = (pick: (counts: (typeof all)[number]) => number): number =>
      all.reduce((total, counts) => total + pick(counts), 0);
    return {
      connections: sum(({ connections }) => connections),
      stalls: sum(({ stalls }) => stalls),
      resets: sum(({ resets }) => resets),
      replays: sum(({ replays }) => replays),
    };
  },
});
