/** The network port of one life of a simulated node. */
import type { NodeId } from '../../../core/ids.ts';
import { UnreachableError } from '../../../errors.ts';
import type {
  InboundHandler,
  LocalIdentity,
  Network,
  Peer,
  PeerConnection,
  PeerEvents,
} from '../../../ports/network.ts';
import type { SimProcess } from '../time/sim-process.ts';
import { machineAt } from './addresses.ts';
import { exchange } from './exchange.ts';
import { SimConnection } from './sim-connection.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import type { SimFabric } from './sim-fabric.ts';

export interface SimNetworkParts {
  readonly fabric: SimFabric;
  readonly process: SimProcess;
  readonly nodeId: NodeId;
  readonly addr: string;
  readonly maxInFlight: number;
}

export class SimNetwork implements Network {
  readonly #parts: SimNetworkParts;
  readonly #closing = new AbortController();
  #endpoint: SimEndpoint | null = null;

  constructor(parts: SimNetworkParts) {
    this.#parts = parts;
  }

  async open(inbound: InboundHandler): Promise<void> {
    const { fabric, process } = this.#parts;
    this.#endpoint = new SimEndpoint(this.#parts, process, inbound);
    fabric.register(this.#endpoint);
  }

  connect(peer: Peer, events: PeerEvents): PeerConnection {
    const { fabric, maxInFlight } = this.#parts;
    return new SimConnection({ fabric, own: this.#opened(), peer, events, maxInFlight });
  }

  async handshake(addr: string, { signal }: { readonly signal: AbortSignal }): Promise<LocalIdentity> {
    const { fabric } = this.#parts;
    const nodeId = machineAt(addr);
    if (nodeId === null) throw new UnreachableError(addr, 'there is no such machine');
    const work = async (endpoint: SimEndpoint): Promise<LocalIdentity> => endpoint.inbound.identity();
    const closing = this.#closing.signal;
    try {
      return await exchange({ fabric, own: this.#opened(), to: { nodeId, addr }, signal, closing, work });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof UnreachableError ? error : new UnreachableError(addr, 'the connection broke', error);
    }
  }

  async close(): Promise<void> {
    this.#endpoint?.close();
  }

  /** The process is gone, and its connections with it. */
  crash(): void {
    this.#endpoint?.close();
  }

  #opened(): SimEndpoint {
    if (this.#endpoint === null) throw new TypeError('the network is used before open()');
    return this.#endpoint;
  }
}
