/** A way to one peer that is open: the binary stream, or POSTs. */
import type { Message } from '../../core/message.ts';
import type { Envelope, Peer, PeerRequest, PeerResponse, SnapshotHeader } from '../../ports/network.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpNetworkConfig } from './network-options.ts';

export interface LineEvents {
  onMessage(message: Message): void;
  /** The peer answered something: the line works. */
  onAnswer(): void;
  /** A message can't be sent over this line; others can. */
  onDropped(error: Error): void;
  /** The line is closed; what was under way may be lost. Called at most once. */
  onLost(error: Error): void;
}

/** What a line is made of. */
export interface LineContext {
  readonly peer: Peer;
  readonly client: HttpClient;
  readonly config: HttpNetworkConfig;
  readonly envelope: () => Envelope;
  readonly events: LineEvents;
}

/** Reads the bytes of a snapshot from an offset on. */
export type ChunkSource = (fromOffset: number) => AsyncIterable<Uint8Array>;

export interface SnapshotCallOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

export interface Line {
  readonly kind: 'stream' | 'post';
  /** `false` once `onLost` or `close` was called. */
  readonly isOpen: boolean;
  /** `false` when there is no room. */
  send(message: Message): boolean;
  request(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse>;
  sendSnapshot(header: SnapshotHeader, chunks: ChunkSource, options: SnapshotCallOptions): Promise<Message>;
  /** Ends everything at once; calls that wait fail as they would with a lost connection. */
  close(): void;
}
