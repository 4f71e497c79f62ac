/** A network port that records what is sent and answers as a test wants. */
import type { Message } from '../../src/core/message.ts';
import { UnreachableError } from '../../src/errors.ts';
import type {
  InboundHandler,
  LocalIdentity,
  Network,
  Peer,
  PeerConnection,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
} from '../../src/ports/network.ts';

type Options = { readonly signal: AbortSignal };
type SnapshotOptions = Options & { readonly onProgress: (sentBytes: number) => void };
type Chunks = (fromOffset: number) => AsyncIterable<Uint8Array>;

/** A line that leads nowhere. */
export class FakeConnection implements PeerConnection {
  readonly peer: Peer;
  readonly events: PeerEvents;
  readonly sent: Message[] = [];
  readonly requests: PeerRequest[] = [];
  isFull = false;
  isClosed = false;
  onSend: (message: Message) => void = () => undefined;
  onRequest: (request: PeerRequest, options: Options) => Promise<PeerResponse> = async () => {
    throw new UnreachableError(this.peer.addr, 'nobody answers');
  };
  onSnapshot: (header: SnapshotHeader, chunks: Chunks, options: SnapshotOptions) => Promise<Message> = async () => {
    throw new UnreachableError(this.peer.addr, 'nobody takes a snapshot');
  };

  constructor(peer: Peer, events: PeerEvents) {
    this.peer = peer;
    this.events = events;
  }

  send(message: Message): boolean {
    if (this.isFull || this.isClosed) return false;
    this.sent.push(message);
    this.onSend(message);
    return true;
  }

  async sendSnapshot(header: SnapshotHeader, chunks: Chunks, options: SnapshotOptions): Promise<Message> {
    return await this.onSnapshot(header, chunks, options);
  }

  async request(request: PeerRequest, options: Options): Promise<PeerResponse> {
    this.requests.push(request);
    return await this.onRequest(request, options);
  }

  close(): void {
    this.isClosed = true;
  }

  /** What was sent since the last call. */
  take(): Message[] {
    return this.sent.splice(0);
  }
}

export class FakeNetwork implements Network {
  /** All lines that were ever opened, in order. */
  readonly connections: FakeConnection[] = [];
  isClosed = false;
  #inbound: InboundHandler | null = null;

  async open(inbound: InboundHandler): Promise<void> {
    this.#inbound = inbound;
  }

  connect(peer: Peer, events: PeerEvents): FakeConnection {
    const connection = new FakeConnection(peer, events);
    this.connections.push(connection);
    return connection;
  }

  async handshake(addr: string): Promise<LocalIdentity> {
    throw new UnreachableError(addr, 'nobody is there');
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  get inbound(): InboundHandler {
    if (this.#inbound === null) throw new Error('the network was not opened');
    return this.#inbound;
  }

  /** The newest line to a node. */
  to(nodeId: number): FakeConnection {
    const connection = this.connections.findLast(({ peer }) => peer.nodeId === nodeId);
    if (connection === undefined) throw new Error(`there is no line to node ${nodeId}`);
    return connection;
  }
}
