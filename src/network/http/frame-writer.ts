/**
 * Writes frames to a socket in two lanes. Small frames go out at once; large ones wait while the socket is full:
 *
 * ```text
 *   small  heartbeat, vote, answer ... ───────────────┐
 *   large  append, append, chunk ... ──(has room?)────┴──> socket
 * ```
 *
 * So a heartbeat never waits behind more than one large frame. All frames of one turn leave in one write.
 */
import type { Duplex } from 'node:stream';
import type { OutgoingFrame } from '../../codec/peer-frame.ts';
import { encodeFrame } from '../../codec/peer-frame.ts';

export type Lane = 'small' | 'large';

interface WaitingFrame {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly onWritten: (() => void) | null;
}

/** Up to this size the small frames of a turn are copied together, which costs less than several writes. */
const JOINED_BYTES_MAX = 64 * 1024;

/** Room that only small frames may use, so that a queue full of appends drops no heartbeat. */
const SMALL_RESERVE_BYTES = 1024 * 1024;

export class FrameWriter {
  readonly #socket: Duplex;
  readonly #maxQueueBytes: number;
  #small: Uint8Array[] = [];
  #large: WaitingFrame[] = [];
  /** How far `#large` is written. */
  #largeHead = 0;
  #queuedBytes = 0;
  #isBlocked = false;
  #isScheduled = false;
  #isClosed = false;

  constructor(socket: Duplex, options: { readonly maxQueueBytes: number }) {
    this.#socket = socket;
    this.#maxQueueBytes = options.maxQueueBytes;
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.flush();
    });
  }

  /** Bytes that wait here and in the socket. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  /**
   * Queues a frame; `false` when there is no room for it. One frame fits always.
   * `onWritten` is called when the frame goes to the socket: from then on it may reach the peer.
   */
  write(lane: Lane, frame: OutgoingFrame, onWritten: (() => void) | null = null): boolean {
    const chunks = encodeFrame(frame);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    if (this.#isClosed || !this.#hasRoom(lane, bytes)) {
      return false;
    }
    this.#queuedBytes += bytes;
    if (lane === 'small') {
      this.#small.push(...chunks);
      onWritten?.();
    } else {
      this.#large.push({ chunks, bytes, onWritten });
    }
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(() => this.flush());
    }
    return true;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
    this.#small = [];
    this.#large = [];
    this.#largeHead = 0;
    this.#queuedBytes = 0;
  }

  #hasRoom(lane: Lane, bytes: number): boolean {
    const { waitingBytes } = this;
    const limit = lane === 'small' ? this.#maxQueueBytes + SMALL_RESERVE_BYTES : this.#maxQueueBytes;
    return waitingBytes === 0 || waitingBytes + bytes <= limit;
  }

  /** Hands to the socket now what would go at the end of this turn. */
  flush(): void {
    this.#isScheduled = false;
    if (this.#isClosed || this.#socket.destroyed || this.#socket.writableEnded) {
      return;
    }
    this.#socket.cork();
    this.#flushSmall();
    while (!this.#isBlocked && this.#largeHead < this.#large.length) {
      this.#flushOneLarge();
    }
    this.#socket.uncork();
  }

  #flushSmall(): void {
    if (this.#small.length === 0) {
      return;
    }
    const chunks = this.#small;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    this.#small = [];
    this.#queuedBytes -= bytes;
    if (chunks.length > 1 && bytes <= JOINED_BYTES_MAX) {
      this.#writeChunk(Buffer.concat(chunks, bytes));
    } else {
      for (const chunk of chunks) {
        this.#writeChunk(chunk);
      }
    }
  }

  #flushOneLarge(): void {
    const frame = this.#large[this.#largeHead];
    this.#largeHead += 1;
    if (frame === undefined) {
      return;
    }
    if (this.#largeHead === this.#large.length) {
      this.#large = [];
      this.#largeHead = 0;
    } else if (this.#largeHead > 1024) {
      this.#large = this.#large.slice(this.#largeHead);
      this.#largeHead = 0;
    }
    this.#queuedBytes -= frame.bytes;
    frame.onWritten?.();
    for (const chunk of frame.chunks) {
      this.#writeChunk(chunk);
    }
  }

  #writeChunk(chunk: Uint8Array): void {
    // Small frames are written to a full socket too, but they keep it full for the large ones.
    if (!this.#socket.write(chunk)) {
      this.#isBlocked = true;
    }
  }
}
