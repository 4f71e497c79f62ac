/** The network port over HTTP: the side that calls. What it calls is `raftService`. */
import { UnreachableError } from '../../errors.ts';
import type {
  Envelope,
  InboundHandler,
  LocalIdentity,
  Network,
  NetworkSettings,
  Peer,
  PeerConnection,
  PeerEvents,
} from '../../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../ports/network.ts';
import { abortable } from './abortable.ts';
import { HttpClient } from './http-client.ts';
import { HttpConnection } from './http-connection.ts';
import type { HttpNetworkConfig, HttpNetworkOptions } from './network-options.ts';
import { resolveNetworkOptions } from './network-options.ts';
import { askIdentity } from './open-line.ts';

/**
 * Talks to peers over one upgraded HTTP connection each, or by POSTs where no upgrade is possible.
 *
 * ```ts
 * const network = new HttpNetwork({ authToken: () => readFileSync(tokenFile, 'utf8').trim() });
 * const secure = new HttpNetwork({ tls: { ca, cert, key } });
 * ```
 */
export class HttpNetwork implements Network {
  readonly #options: HttpNetworkOptions;
  #config: HttpNetworkConfig;
  #client: HttpClient;
  readonly #connections = new Set<HttpConnection>();
  readonly #closing = new AbortController();
  #inbound: InboundHandler | null = null;

  /** @throws ConfigError naming every option that is wrong */
  constructor(options: HttpNetworkOptions = {}) {
    this.#options = options;
    this.#config = resolveNetworkOptions(options);
    this.#client = new HttpClient(this.#config);
  }

  /** Takes over the timeouts and sizes of the node's configuration, where its own options name none. */
  async open(inbound: InboundHandler, settings: Partial<NetworkSettings> = {}): Promise<void> {
    this.#inbound = inbound;
    this.#client.close();
    this.#config = resolveNetworkOptions(this.#options, settings);
    this.#client = new HttpClient(this.#config);
  }

  connect(peer: Peer, events: PeerEvents): PeerConnection {
    const inbound = this.#opened();
    const connection = new HttpConnection({
      peer,
      events,
      client: this.#client,
      config: this.#config,
      envelope: () => envelopeOf(inbound.identity(), peer),
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  async handshake(addr: string, options: { readonly signal: AbortSignal }): Promise<LocalIdentity> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const asked = askIdentity({ client: this.#client, config: this.#config, addr, headers: {}, signal });
    return await abortable(asked, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(new UnreachableError('any peer', 'the network was closed'));
    for (const connection of [...this.#connections]) {
      connection.close();
    }
    this.#client.close();
  }

  #opened(): InboundHandler {
    if (this.#inbound === null) {
      throw new TypeError('the network is used before open()');
    }
    return this.#inbound;
  }
}

function envelopeOf(own: LocalIdentity, peer: Peer): Envelope {
  return {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    clusterId: own.clusterId,
    from: own.nodeId,
    fromInstanceId: own.instanceId,
    to: peer.nodeId,
    toInstanceId: peer.instanceId,
  };
}
