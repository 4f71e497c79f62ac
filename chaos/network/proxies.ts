/** Proxies before all nodes, in one process or in several, seen from the run. */
import { Asker } from '../support/channel.ts';
import type { Launcher, LaunchOptions } from '../support/launch.ts';
import type { LineCondition, LineTable } from './line.ts';
import type { Endpoint, LinkProxyCounts } from './link-proxy.ts';
import type { LineConditions, ProxyCommands } from './proxy-commands.ts';

const ANSWER_MS = 10_000;

export interface ProxySetup {
  readonly place: number;
  /** Where the proxy listens. */
  readonly endpoint: Endpoint;
  readonly namespace: string | null;
}

export interface ProxiesOptions {
  readonly launcher: Launcher;
  readonly logFile: string;
  readonly seed: number;
}

interface ProxyAt {
  readonly process: Asker<ProxyCommands>;
  readonly port: number;
}

export class Proxies {
  readonly #proxies: ReadonlyMap<number, ProxyAt>;
  readonly #processes: readonly Asker<ProxyCommands>[];

  /** One process for each namespace. */
  static async open(setups: readonly ProxySetup[], { launcher, logFile, seed }: ProxiesOptions): Promise<Proxies> {
    const processes = new Map<string | null, Asker<ProxyCommands>>();
    const proxies = new Map<number, ProxyAt>();
    for (const { place, endpoint, namespace } of setups) {
      const options: LaunchOptions = { module: 'network/proxy-process.ts', namespace, logFile };
      const asker = processes.get(namespace) ?? new Asker<ProxyCommands>(launcher.launch(options));
      processes.set(namespace, asker);
      proxies.set(place, { process: asker, port: await asker.ask('open', { place, endpoint, seed }, ANSWER_MS) });
    }
    return new Proxies(proxies, [...processes.values()]);
  }

  private constructor(proxies: ReadonlyMap<number, ProxyAt>, processes: readonly Asker<ProxyCommands>[]) {
    this.#proxies = proxies;
    this.#processes = processes;
  }

  portAt(place: number): number {
    return this.#at(place).port;
  }

  async setTarget(place: number, endpoint: Endpoint): Promise<void> {
    await this.#at(place).process.ask('target', { place, endpoint }, ANSWER_MS);
  }

  /** Brings all lines into the condition that the table has for them. */
  async apply(table: LineTable): Promise<void> {
    const places = [...this.#proxies.keys()];
    await Promise.all(
      places.map(async (place) => {
        const peers = places.filter((peer) => peer !== place);
        const conditions = (of: (peer: number) => LineCondition): LineConditions =>
          peers.map((peer) => [peer, of(peer)] as const);
        const inbound = conditions((peer) => table.of({ from: peer, to: place }));
        const outbound = conditions((peer) => table.of({ from: place, to: peer }));
        await this.#at(place).process.ask('lines', { place, inbound, outbound }, ANSWER_MS);
      }),
    );
  }

  async counts(): Promise<LinkProxyCounts> {
    const all = await Promise.all(this.#processes.map((process) => process.ask('counts', null, ANSWER_MS)));
    const zero: LinkProxyCounts = { connections: 0, stalls: 0, resets: 0, replays: 0 };
    return all.reduce(
      (sum, { connections, stalls, resets, replays }) => ({
        connections: sum.connections + connections,
        stalls: sum.stalls + stalls,
        resets: sum.resets + resets,
        replays: sum.replays + replays,
      }),
      zero,
    );
  }

  #at(place: number): ProxyAt {
    const proxy = this.#proxies.get(place);
    if (proxy === undefined) throw new RangeError(`there is no proxy at place ${place}`);
    return proxy;
  }
}
