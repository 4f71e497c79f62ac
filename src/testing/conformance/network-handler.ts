/** A node's inbound side for the network suite: checks and records everything, and answers as a case tells it. */
import { crc32 } from 'node:zlib';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { PeerRefusedError, SnapshotError } from '../../errors.ts';
import type {
  Envelope,
  InboundHandler,
  LocalIdentity,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
  SnapshotReception,
  SnapshotSink,
} from '../../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../ports/network.ts';
import { Journal } from './network-journal.ts';

export interface ReceivedMessage {
  readonly from: NodeId;
  readonly message: Message;
  readonly reply: (message: Message) => void;
}

export interface ReceivedRequest {
  readonly from: NodeId;
  readonly request: PeerRequest;
  readonly signal: AbortSignal;
  readonly respond: (response: PeerResponse) => void;
  readonly fail: (error: Error) => void;
}

/** What one node of a case has seen. */
export class RecordingHandler implements InboundHandler {
  readonly local: LocalIdentity;
  readonly admitted: Journal<Envelope> = new Journal();
  readonly refused: Journal<Envelope> = new Journal();
  readonly messages: Journal<ReceivedMessage> = new Journal();
  readonly requests: Journal<ReceivedRequest> = new Journal();
  readonly offers: Journal<SnapshotHeader> = new Journal();
  readonly sinks: Journal<RecordingSink> = new Journal();
  /** Set to answer messages. */
  onMessage: ((received: ReceivedMessage) => void) | null = null;
  /** Set to answer requests. */
  onRequest: ((received: ReceivedRequest) => void) | null = null;
  /** Set to decline snapshots with this answer. */
  snapshotRefusal: Message | null = null;
  /** Set to make a sink's write wait or fail; called before the chunk is taken. */
  onChunk: ((sink: RecordingSink, chunk: Uint8Array) => Promise<void>) | null = null;
  /** Bytes of unfinished snapshots by id. */
  readonly #partial = new Map<string, Uint8Array[]>();
  /** Answers to finished ones. */
  readonly #done = new Map<string, Message>();

  constructor(nodeId: NodeId, overrides: Partial<LocalIdentity> = {}) {
    this.local = {
      nodeId,
      instanceId: `instance-${nodeId}`,
      clusterId: 'cluster-a',
      clusterName: 'suite',
      ...overrides,
    };
  }

  identity(): LocalIdentity {
    return this.local;
  }

  admit(envelope: Envelope): void {
    const refusal = this.#refusalOf(envelope);
    if (refusal !== null) {
      this.refused.add(envelope);
      throw refusal;
    }
    this.admitted.add(envelope);
  }

  receive(from: NodeId, message: Message, reply: (message: Message) => void): void {
    const received = { from, message, reply };
    this.messages.add(received);
    this.onMessage?.(received);
  }

  async request(from: NodeId, request: PeerRequest, options: { readonly signal: AbortSignal }): Promise<PeerResponse> {
    return await new Promise<PeerResponse>((respond, fail) => {
      const received = { from, request, signal: options.signal, respond, fail };
      this.requests.add(received);
      this.onRequest?.(received);
    });
  }

  async receiveSnapshot(_from: NodeId, header: SnapshotHeader): Promise<SnapshotReception> {
    this.offers.add(header);
    const { id } = header.snapshot.meta;
    const answer = this.#done.get(id) ?? this.snapshotRefusal;
    if (answer !== null) {
      return { accept: false, response: answer };
    }
    const parts = this.#partial.get(id) ?? [];
    this.#partial.set(id, parts);
    const sink: RecordingSink = new RecordingSink(header, parts, {
      onChunk: async (chunk) => await this.onChunk?.(sink, chunk),
      onDone: (message) => this.#done.set(id, message),
    });
    this.sinks.add(sink);
    return { accept: true, sink };
  }

  #refusalOf(envelope: Envelope): PeerRefusedError | null {
    const { nodeId, instanceId, clusterId } = this.local;
    if (envelope.protocolMin > PROTOCOL_MAX || envelope.protocolMax < PROTOCOL_MIN) {
      return new PeerRefusedError(
        'version',
        `protocol version mismatch: supported are ${PROTOCOL_MIN}-${PROTOCOL_MAX}`,
      );
    }
    if (envelope.clusterId !== null && clusterId !== null && envelope.clusterId !== clusterId) {
      return new PeerRefusedError('cluster', `this is cluster ${clusterId}, not ${envelope.clusterId}`);
    }
    if (envelope.to !== nodeId) {
      return new PeerRefusedError('node', `this is node ${nodeId}, not ${envelope.to}`);
    }
    if (envelope.toInstanceId !== null && envelope.toInstanceId !== instanceId) {
      return new PeerRefusedError('instance', `this is instance ${instanceId}, not ${envelope.toInstanceId}`);
    }
    return null;
  }
}

interface SinkEvents {
  readonly onChunk: (chunk: Uint8Array) => Promise<void>;
  readonly onDone: (message: Message) => void;
}

/** Takes the bytes of one snapshot stream and verifies them at the end. */
export class RecordingSink implements SnapshotSink {
  readonly offsetBytes: number;
  readonly aborted: Journal<true> = new Journal();
  readonly finished: Journal<Uint8Array> = new Journal();
  readonly #written: Journal<number> = new Journal();
  readonly #header: SnapshotHeader;
  readonly #parts: Uint8Array[];
  readonly #events: SinkEvents;

  constructor(header: SnapshotHeader, parts: Uint8Array[], events: SinkEvents) {
    this.#header = header;
    this.#parts = parts;
    this.#events = events;
    this.offsetBytes = this.receivedBytes;
  }

  get receivedBytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#events.onChunk(chunk);
    this.#parts.push(Uint8Array.from(chunk));
    this.#written.add(this.receivedBytes);
  }

  /** Resolves when this many bytes are here. */
  async reach(bytes: number): Promise<void> {
    for (let count = 1; this.receivedBytes < bytes; count += 1) {
      await this.#written.reach(count);
    }
  }

  async finish(): Promise<Message> {
    const bytes = Buffer.concat(this.#parts);
    const { sizeBytes, checksum, meta } = this.#header.snapshot;
    // A damaged snapshot must not be resumed.
    this.#parts.length = 0;
    if (bytes.byteLength !== sizeBytes || crc32(bytes) !== checksum) {
      throw new SnapshotError(`snapshot ${meta.id} is damaged: ${bytes.byteLength} of ${sizeBytes} bytes`);
    }
    this.finished.add(new Uint8Array(bytes));
    const { term, session } = this.#header.offer;
    const message: Message = { type: 'snapshot-response', term, session, matchIndex: meta.lastLogId.index };
    this.#events.onDone(message);
    return message;
  }

  async abort(): Promise<void> {
    this.aborted.add(true);
  }
}
