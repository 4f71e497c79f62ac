/** All nodes on 127.0.0.1, each behind a proxy: needs no privileges. */
import type { ClusterNetwork, NodePlace } from './cluster-network.ts';
import type { Line, LineCondition } from './line.ts';
import { LineTable, linesBetween } from './line.ts';
import type { LinkProxyCounts } from './link-proxy.ts';
import type { ProxiesOptions } from './proxies.ts';
import { Proxies } from './proxies.ts';

const HOST = '127.0.0.1';

export class LoopbackNetwork implements ClusterNetwork {
  readonly kind = 'loopback';
  readonly clientNamespace = null;
  readonly #nodes: number;
  readonly #proxies: Proxies;
  readonly #table = new LineTable();

  static async open(nodes: number, options: ProxiesOptions): Promise<LoopbackNetwork> {
    const setups = Array.from({ length: nodes }, (_, place) => ({
      place,
      endpoint: { host: HOST, port: 0 },
      namespace: null,
    }));
    return new LoopbackNetwork(nodes, await Proxies.open(setups, options));
  }

  private constructor(nodes: number, proxies: Proxies) {
    this.#nodes = nodes;
    this.#proxies = proxies;
  }

  place(place: number): NodePlace {
    return {
      namespace: null,
      peerAddress: `${HOST}:${this.#proxies.portAt(place)}`,
      peerHost: HOST,
      peerPort: 0,
      clientHost: HOST,
      clientPort: 0,
    };
  }

  async arrive(place: number, peerPort: number): Promise<void> {
    await this.#proxies.setTarget(place, { host: HOST, port: peerPort });
  }

  async impair(lines: readonly Line[], condition: Partial<LineCondition>): Promise<() => Promise<void>> {
    const remove = this.#table.add(lines, condition);
    await this.#proxies.apply(this.#table);
    return async () => {
      remove();
      await this.#proxies.apply(this.#table);
    };
  }

  async unplug(place: number): Promise<() => Promise<void>> {
    const all = Array.from({ length: this.#nodes }, (_, other) => other);
    return await this.impair(linesBetween([place], all), { isCut: true });
  }

  async counts(): Promise<LinkProxyCounts> {
    return await this.#proxies.counts();
  }
}
