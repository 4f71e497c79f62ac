/** How nodes reach each other. Delivery may fail, duplicate, delay and reorder: the core copes. */
import type { LogId, NodeId } from '../core/ids.ts';
import type { JsonValue } from '../core/membership/membership.ts';
import type { Message, SnapshotOffer } from '../core/message.ts';
import type { StoredSnapshot } from './snapshot-store.ts';

/** Sent with every message, or once for a connection that is bound to it. */
export interface Envelope {
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** The sender's cluster; `null` while it has none. */
  readonly clusterId: string | null;
  readonly from: NodeId;
  readonly fromInstanceId: string;
  readonly to: NodeId;
  /** The instance the sender means; `null` when it does not know. */
  readonly toInstanceId: string | null;
}

/** Who this node is, as it says in a handshake. */
export interface LocalIdentity {
  readonly nodeId: NodeId;
  readonly instanceId: string;
  readonly clusterId: string | null;
  readonly clusterName: string;
}

export interface Peer {
  readonly nodeId: NodeId;
  readonly addr: string;
  readonly instanceId: string | null;
}

/** Asked of a leader by another node on behalf of its clients. */
export type PeerRequest =
  | { readonly type: 'propose'; readonly payload: Uint8Array; readonly timeoutMs: number }
  | { readonly type: 'read-index'; readonly timeoutMs: number };

export type PeerResponse =
  | { readonly type: 'proposed'; readonly logId: LogId; readonly response: Uint8Array }
  | { readonly type: 'read-index'; readonly readLogId: LogId }
  | { readonly type: 'failed'; readonly error: RemoteFailure };

/** A typed error as it crosses the network. */
export interface RemoteFailure {
  readonly code: string;
  readonly message: string;
  readonly leaderId: NodeId | null;
  readonly leaderAddr: string | null;
  /** The typed details of the error, e.g. its limit, where it has any. */
  readonly details?: JsonValue;
}

/** Precedes the bytes of a streamed snapshot. */
export interface SnapshotHeader {
  readonly offer: SnapshotOffer;
  readonly snapshot: StoredSnapshot;
}

/** Receives the bytes of one snapshot stream. */
export interface SnapshotSink {
  /** Where the sender must start: bytes that are already here. */
  readonly offsetBytes: number;
  /** Resolves when there is room for more. */
  write(chunk: Uint8Array): Promise<void>;
  /** All bytes are here: verifies, installs, and resolves with the answer for the sender. */
  finish(): Promise<Message>;
  /** The stream broke; what arrived is kept for a resumption. Safe after `finish`. */
  abort(): Promise<void>;
}

export type SnapshotReception =
  | { readonly accept: true; readonly sink: SnapshotSink }
  | { readonly accept: false; readonly response: Message };

/** What a node offers to its peers. Implemented by the runtime, called by network adapters. */
export interface InboundHandler {
  identity(): LocalIdentity;
  /**
   * Checks that a message is meant for this node. Before any other call with this envelope; for a connection once.
   * @throws PeerRefusedError (version, cluster, node or instance mismatch), which the sender must not retry
   */
  admit(envelope: Envelope): void;
  /** Takes one message. `reply` is called at most once, perhaps never, perhaps at once. */
  receive(from: NodeId, message: Message, reply: (message: Message) => void): void;
  receiveSnapshot(from: NodeId, header: SnapshotHeader): Promise<SnapshotReception>;
  request(from: NodeId, request: PeerRequest, options: { readonly signal: AbortSignal }): Promise<PeerResponse>;
}

/** What happened on a connection that nobody asked for. */
export interface PeerEvents {
  /** An answer to a message that was sent. */
  onMessage(message: Message): void;
  /** Messages were or may have been lost. `error` says why; a `PeerRefusedError` is permanent until configured away. */
  onUnreachable(error: Error): void;
}

/** A line to one peer. Connects by itself, lazily, and again after a failure. */
export interface PeerConnection {
  /**
   * Sends without waiting; in order, but small messages (anything but appends with entries) may overtake large ones.
   * `false` when the queue is full: the message is dropped.
   */
  send(message: Message): boolean;
  /** Streams a snapshot from where the peer wants it; resolves with the peer's answer. `chunks` starts at an offset. */
  sendSnapshot(
    header: SnapshotHeader,
    chunks: (fromOffset: number) => AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
  ): Promise<Message>;
  /**
   * @throws UnreachableError when the request certainly did not reach the peer
   * @throws IndeterminateError when it may have
   */
  request(request: PeerRequest, options: { readonly signal: AbortSignal }): Promise<PeerResponse>;
  /** Never waits for a hanging peer. */
  close(): void;
}

/** What a node's configuration asks of its network, where the adapter's own options say nothing else. */
export interface NetworkSettings {
  /** How long a peer may be silent although it was asked something. */
  readonly rpcTimeoutMs: number;
  /** How long a snapshot may make no progress. */
  readonly snapshotTimeoutMs: number;
  /** The largest piece of a snapshot. */
  readonly snapshotChunkBytes: number;
}

/** One per node. */
export interface Network {
  /** Called once, before anything else: who sends, who answers what arrives, and what the node's configuration says. */
  open(inbound: InboundHandler, settings: NetworkSettings): Promise<void>;
  connect(peer: Peer, events: PeerEvents): PeerConnection;
  /**
   * Asks who answers at an address.
   * @throws UnreachableError naming the address and the cause
   */
  handshake(addr: string, options: { readonly signal: AbortSignal }): Promise<LocalIdentity>;
  close(): Promise<void>;
}

/** The range of protocol versions this release speaks. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;
