/**
 * Each node, and the clients, in a network namespace of its own, joined by a bridge in one more. Root on Linux only.
 *
 * ```text
 *   zlayer-chaos-MARK-switch:  bridge ── port1 ┄┄ eth0  zlayer-chaos-MARK-1        10.200.0.1
 *                                     ── port2 ┄┄ eth0  zlayer-chaos-MARK-2        10.200.0.2   ...
 *                                     ── port100 ┄┄ eth0  zlayer-chaos-MARK-clients  10.200.0.100
 * ```
 *
 * Nothing of it is in the machine's own namespace. A line is cut where it begins: the sender is told a hardware address
 * that nobody has, so what it sends vanishes. Nobody is told, as with a cable that is cut.
 */
import type { RunMark } from '../cleanup/run-mark.ts';
import { PREFIX } from '../cleanup/run-mark.ts';
import { canRun, runCommand } from '../support/run-command.ts';
import type { ClusterNetwork, NodePlace } from './cluster-network.ts';
import type { Line, LineCondition } from './line.ts';
import { LineTable, linesAmong } from './line.ts';
import type { LinkProxyCounts } from './link-proxy.ts';
import type { ProxiesOptions } from './proxies.ts';
import { Proxies } from './proxies.ts';

const PEER_PORT = 7000;
/** Where a node listens that has a proxy before it. */
const INNER_PORT = 7001;
const CLIENT_PORT = 7100;
const CLIENTS = 99;

export interface NamespaceNetworkOptions extends ProxiesOptions {
  readonly mark: RunMark;
  readonly nodes: number;
  /** Lines can be slow then, and not only cut. */
  readonly hasProxies: boolean;
}

/** @returns why namespaces are not possible here; null when they are */
export async function namespaceProblem(): Promise<string | null> {
  if (process.platform !== 'linux') return 'they are a feature of Linux';
  if (process.getuid?.() !== 0) return 'only root can make them';
  if (!(await canRun('ip', ['-V']))) return "the program 'ip' (package iproute2) is missing";
  if (!(await canRun('nsenter', ['--version']))) return "the program 'nsenter' (package util-linux) is missing";
  const name = `${PREFIX}probe-${process.pid}`;
  try {
    await runCommand('ip', ['netns', 'add', name]);
    await runCommand('ip', ['-n', name, 'link', 'add', 'probe', 'type', 'bridge']);
    await runCommand('ip', ['-n', name, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two']);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await canRun('ip', ['netns', 'delete', name]);
  }
}

export class NamespaceNetwork implements ClusterNetwork {
  readonly kind = 'namespaces';
  readonly #options: NamespaceNetworkOptions;
  readonly #table = new LineTable();
  /** Of each place: the places that it can't send to. */
  readonly #cut = new Map<number, ReadonlySet<number>>();
  #proxies: Proxies | null = null;
  #applying: Promise<void> = Promise.resolve();

  static async open(options: NamespaceNetworkOptions): Promise<NamespaceNetwork> {
    const network = new NamespaceNetwork(options);
    await network.#build();
    return network;
  }

  private constructor(options: NamespaceNetworkOptions) {
    this.#options = options;
  }

  get clientNamespace(): string {
    return this.#name('clients');
  }

  place(place: number): NodePlace {
    const host = addressOf(place);
    return {
      namespace: this.#name(String(place + 1)),
      peerAddress: `${host}:${PEER_PORT}`,
      ...(this.#proxies === null
        ? { peerHost: host, peerPort: PEER_PORT }
        : { peerHost: '127.0.0.1', peerPort: INNER_PORT }),
      clientHost: host,
      clientPort: CLIENT_PORT,
    };
  }

  async arrive(place: number, peerPort: number): Promise<void> {
    await this.#proxies?.setTarget(place, { host: '127.0.0.1', port: peerPort });
  }

  async impair(lines: readonly Line[], condition: Partial<LineCondition>): Promise<() => Promise<void>> {
    const remove = this.#table.add(lines, condition);
    await this.#apply();
    return async () => {
      remove();
      await this.#apply();
    };
  }

  async unplug(place: number): Promise<() => Promise<void>> {
    const set = async (state: 'up' | 'down'): Promise<void> => {
      await runCommand('ip', ['-n', this.#name('switch'), 'link', 'set', portOf(place), state]);
    };
    await set('down');
    return () => set('up');
  }

  async counts(): Promise<LinkProxyCounts | null> {
    return (await this.#proxies?.counts()) ?? null;
  }

  /** One after the other: each brings everything into the state of the table as it is then. */
  async #apply(): Promise<void> {
    const run = this.#applying.then(() => this.#applyNow());
    this.#applying = run.catch(() => undefined);
    await run;
  }

  async #applyNow(): Promise<void> {
    const places = this.#places();
    await Promise.all(
      places.map(async (from) => {
        const wanted = new Set(places.filter((to) => to !== from && this.#table.of({ from, to }).isCut));
        const present = this.#cut.get(from) ?? new Set<number>();
        const changed = places.filter((to) => wanted.has(to) !== present.has(to));
        if (changed.length === 0) return;
        const script = changed.map((to) => neighbour(to, wanted.has(to) ? NOBODY : hardwareOf(to)));
        await this.#batch(String(from + 1), script);
        this.#cut.set(from, wanted);
      }),
    );
    // The cuts are made below the proxies, which would only add to them.
    const softened = new LineTable();
    for (const line of linesAmong(places)) softened.add([line], { ...this.#table.of(line), isCut: false });
    await this.#proxies?.apply(softened);
  }

  async #build(): Promise<void> {
    const ends = [...this.#places(), CLIENTS];
    await runCommand('ip', ['netns', 'add', this.#name('switch')]);
    for (const end of ends) await runCommand('ip', ['netns', 'add', this.#name(endName(end))]);
    await this.#batch('switch', [
      'link add bridge type bridge',
      'link set bridge up',
      ...ends.flatMap((end) => [
        `link add ${portOf(end)} type veth peer name eth0 netns ${this.#name(endName(end))}`,
        `link set ${portOf(end)} master bridge`,
        `link set ${portOf(end)} up`,
      ]),
    ]);
    for (const end of ends) {
      await this.#batch(endName(end), [
        'link set lo up',
        `link set eth0 address ${hardwareOf(end)}`,
        'link set eth0 up',
        `address add ${addressOf(end)}/24 dev eth0`,
        ...ends.filter((other) => other !== end).map((other) => neighbour(other, hardwareOf(other))),
      ]);
    }
    if (!this.#options.hasProxies) return;
    const setups = this.#places().map((place) => ({
      place,
      endpoint: { host: addressOf(place), port: PEER_PORT },
      namespace: this.#name(String(place + 1)),
    }));
    this.#proxies = await Proxies.open(setups, this.#options);
  }

  async #batch(name: string, lines: readonly string[]): Promise<void> {
    await runCommand('ip', ['-n', this.#name(name), '-batch', '-'], `${lines.join('\n')}\n`);
  }

  #places(): readonly number[] {
    return Array.from({ length: this.#options.nodes }, (_, place) => place);
  }

  #name(what: string): string {
    return `${PREFIX}${this.#options.mark}-${what}`;
  }
}

/** A hardware address that no interface has. */
const NOBODY = '02:00:00:00:00:ff';

function endName(end: number): string {
  return end === CLIENTS ? 'clients' : String(end + 1);
}

function portOf(end: number): string {
  return `port${end + 1}`;
}

function addressOf(end: number): string {
  return `10.200.0.${end + 1}`;
}

function hardwareOf(end: number): string {
  return `02:00:00:00:00:${(end + 1).toString(16).padStart(2, '0')}`;
}

/** Addresses are told, not asked for: so nobody finds out by asking that a line is cut. */
function neighbour(end: number, hardware: string): string {
  return `neighbour replace ${addressOf(end)} lladdr ${hardware} dev eth0 nud permanent`;
}
