/** What the network suite asks of the adapter under test, and the helpers its cases share. */
import { crc32 } from 'node:zlib';
import type { Entry } from '../../core/entry.ts';
import { normalEntry } from '../../core/entry.ts';
import { logId } from '../../core/ids.ts';
import { EMPTY_MEMBERSHIP } from '../../core/membership/membership.ts';
import type { AppendRequest, HeartbeatRequest, HeartbeatResponse, Message } from '../../core/message.ts';
import type { Network, PeerConnection, PeerEvents, SnapshotHeader } from '../../ports/network.ts';
import type { CaseWorld } from './conformance-suite.ts';
import { RecordingHandler } from './network-handler.ts';
import { Journal } from './network-journal.ts';

/** One node of a world: its network is open, and what arrives at `addr` goes to its handler. */
export interface NetworkEndpoint {
  readonly network: Network;
  /** Stops listening and closes the network. */
  close(): Promise<void>;
}

/** A fresh surrounding for one case; `close` ends everything that the case left open. */
export interface NetworkWorld extends CaseWorld {
  /** An address where nobody listens yet. */
  reserveAddr(): Promise<string>;
  listen(addr: string, handler: RecordingHandler): Promise<NetworkEndpoint>;
  /** An address that takes everything and never answers. */
  hangingAddr(): Promise<string>;
  /** How much may wait for one peer. */
  readonly maxQueueBytes: number;
  /** How much of a snapshot may be under way, unacknowledged by the receiver's sink. */
  readonly maxSnapshotWindowBytes: number;
}

export interface NetworkSuiteOptions {
  create(): Promise<NetworkWorld>;
}

/** A listening node of a case. */
export interface TestNode {
  readonly addr: string;
  readonly handler: RecordingHandler;
  readonly network: Network;
  close(): Promise<void>;
}

export async function startNode(world: NetworkWorld, handler: RecordingHandler): Promise<TestNode> {
  return await startNodeAt(world, await world.reserveAddr(), handler);
}

export async function startNodeAt(world: NetworkWorld, addr: string, handler: RecordingHandler): Promise<TestNode> {
  const endpoint = await world.listen(addr, handler);
  return { addr, handler, network: endpoint.network, close: async () => await endpoint.close() };
}

/** Two nodes, 1 and 2, and a connection from 1 to 2. */
export interface Pair {
  readonly one: TestNode;
  readonly two: TestNode;
  readonly events: RecordingEvents;
  readonly connection: PeerConnection;
}

export async function startPair(world: NetworkWorld): Promise<Pair> {
  const one = await startNode(world, new RecordingHandler(1));
  const two = await startNode(world, new RecordingHandler(2));
  const events = new RecordingEvents();
  const connection = one.network.connect({ nodeId: 2, addr: two.addr, instanceId: 'instance-2' }, events);
  return { one, two, events, connection };
}

export class RecordingEvents implements PeerEvents {
  readonly messages: Journal<Message> = new Journal();
  readonly unreachable: Journal<Error> = new Journal();

  onMessage(message: Message): void {
    this.messages.add(message);
  }

  onUnreachable(error: Error): void {
    this.unreachable.add(error);
  }
}

export function heartbeat(round: number): HeartbeatRequest {
  return { type: 'heartbeat-request', term: 1, session: 1, round, commitIndex: 0 };
}

export function heartbeatAnswer(round: number): HeartbeatResponse {
  return { type: 'heartbeat-response', term: 1, session: 1, round, verifiedIndex: 0 };
}

/** An append with `count` entries of `bytesEach`. */
export function append(round: number, count: number, bytesEach: number): AppendRequest {
  const entries: Entry[] = [];
  for (let index = 1; index <= count; index += 1) {
    entries.push(normalEntry(logId(1, index), 1_700_000_000_000, new Uint8Array(bytesEach).fill(index)));
  }
  return {
    type: 'append-request',
    term: 1,
    session: 1,
    round,
    prevLogId: logId(0, 0),
    entries,
    commitIndex: 0,
  };
}

/** Bytes that differ everywhere, so that a chunk in the wrong place is noticed. */
export function snapshotBytes(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) {
    bytes[index] = (index * 31 + (index >> 8) * 7) & 0xff;
  }
  return bytes;
}

export function snapshotHeader(id: string, bytes: Uint8Array): SnapshotHeader {
  const meta = {
    id,
    lastLogId: logId(3, 9),
    lastTimeMs: 1_700_000_000_000,
    membership: { logId: logId(1, 1), membership: EMPTY_MEMBERSHIP },
  };
  return {
    offer: { term: 3, session: 5, meta },
    snapshot: { meta, sizeBytes: bytes.byteLength, checksum: crc32(bytes), codecId: 'suite/1' },
  };
}

/** Reads `bytes` in chunks from an offset; records the offset and how far it was read. */
export class ChunkSource {
  readonly startedAt: number[] = [];
  readBytes = 0;
  readonly #bytes: Uint8Array;
  readonly #chunkBytes: number;

  constructor(bytes: Uint8Array, chunkBytes: number) {
    this.#bytes = bytes;
    this.#chunkBytes = chunkBytes;
  }

  async *from(offset: number): AsyncGenerator<Uint8Array> {
    this.startedAt.push(offset);
    for (let at = offset; at < this.#bytes.byteLength; at += this.#chunkBytes) {
      const chunk = this.#bytes.slice(at, at + this.#chunkBytes);
      this.readBytes = at + chunk.byteLength;
      yield chunk;
    }
  }
}

/** A signal that nobody aborts. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
