/** The network port of one node on a hub. */
import { UnreachableError } from '../../errors.ts';
import type { InboundHandler, LocalIdentity, Network, Peer, PeerConnection, PeerEvents } from '../../ports/network.ts';
import { MemConnection } from './mem-connection.ts';
import { cross, nobodyAt } from './mem-crossing.ts';
import { MemEndpoint } from './mem-endpoint.ts';
import type { MemFabric } from './mem-fabric.ts';
import { OpenCalls } from './open-calls.ts';

/** Made by `MemHub.network`. */
export class MemNetwork implements Network {
  /** Where the other nodes of the hub find this one. */
  readonly addr: string;
  readonly #fabric: MemFabric;
  readonly #connections = new Set<MemConnection>();
  readonly #calls = new OpenCalls();
  #endpoint: MemEndpoint | null = null;

  constructor(fabric: MemFabric, addr: string) {
    this.#fabric = fabric;
    this.addr = addr;
  }

  /** @throws ConfigError when another open network of the hub has this address */
  async open(inbound: InboundHandler): Promise<void> {
    const endpoint = new MemEndpoint(this.addr, inbound);
    this.#fabric.register(endpoint);
    this.#endpoint = endpoint;
  }

  connect(peer: Peer, events: PeerEvents): PeerConnection {
    const connection = new MemConnection({
      fabric: this.#fabric,
      own: this.#opened(),
      peer,
      events,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  async handshake(addr: string, options: { readonly signal: AbortSignal }): Promise<LocalIdentity> {
    const own = this.#opened();
    return await this.#calls.run(this.#askIdentity(own, addr, options.signal), options.signal);
  }

  async close(): Promise<void> {
    if (this.#endpoint === null) {
      return;
    }
    this.#fabric.unregister(this.#endpoint);
    this.#endpoint.close();
    this.#calls.failAll(new UnreachableError(this.addr, 'its network was closed'));
    for (const connection of [...this.#connections]) {
      connection.close();
    }
  }

  async #askIdentity(own: MemEndpoint, addr: string, signal: AbortSignal): Promise<LocalIdentity> {
    await cross({ fabric: this.#fabric, from: own.addr, to: addr, bytes: 0, signal });
    const target = this.#fabric.find(addr);
    if (target === null) {
      throw nobodyAt(addr);
    }
    const identity = target.inbound.identity();
    await cross({ fabric: this.#fabric, from: addr, to: own.addr, bytes: 0, signal });
    return identity;
  }

  #opened(): MemEndpoint {
    if (this.#endpoint === null) {
      throw new TypeError('the network is used before open()');
    }
    return this.#endpoint;
  }
}
