/** Receives one snapshot over a stream; the counterpart of `SnapshotSender`. */
import { decodeSnapshotHeader, encodeRemoteFailure } from '../../codec/envelope-bytes.ts';
import { encodeMessage } from '../../codec/message-bytes.ts';
import type { Frame, FrameType } from '../../codec/peer-frame.ts';
import { toRemoteFailure } from '../../codec/remote-error.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { ProtocolError } from '../../errors.ts';
import type { TimerHandle } from '../../ports/clock.ts';
import type { InboundHandler } from '../../ports/network.ts';
import type { ServiceContext } from './service-context.ts';
import { encodeAccept, encodeOffset } from './snapshot-bodies.ts';
import type { IncomingSnapshot } from './snapshot-inbox.ts';

export interface StreamSnapshotOptions {
  readonly context: ServiceContext;
  readonly inbound: InboundHandler;
  readonly from: NodeId;
  /** Sends a frame with this snapshot's id. */
  readonly write: (type: FrameType, body: readonly Uint8Array[]) => void;
  /** Nothing more will be sent or taken under this id. */
  readonly onEnd: () => void;
}

/** While a snapshot is verified and installed, the sender hears this often that it is not forgotten. */
const ALIVE_INTERVAL_MS = 1000;

export class StreamSnapshot {
  readonly #options: StreamSnapshotOptions;
  #snapshot: IncomingSnapshot | null = null;
  /** Everything that came is worked off in order. */
  #tail: Promise<void> = Promise.resolve();
  #unwrittenBytes = 0;
  #isEnded = false;

  constructor(options: StreamSnapshotOptions) {
    this.#options = options;
  }

  /** @throws ProtocolError when the frame does not fit here; the connection can't go on then */
  onFrame({ type, body }: Frame): void {
    switch (type) {
      case 'snapshot-begin':
        this.#enqueue(async () => await this.#begin(body));
        break;
      case 'snapshot-chunk':
        this.#takeChunk(body);
        break;
      case 'snapshot-end':
        this.#enqueue(async () => await this.#finish());
        break;
      case 'error':
        this.end();
        break;
      default:
        throw new ProtocolError(`a ${type} frame has no place in a snapshot`);
    }
  }

  /** The sender gave up, or the stream is lost. */
  end(): void {
    if (this.#isEnded) {
      return;
    }
    this.#isEnded = true;
    this.#options.onEnd();
    if (this.#snapshot !== null) {
      // The receiver's own trouble: the sender is gone.
      this.#options.context.inbox.release(this.#options.from, this.#snapshot).catch(() => undefined);
    }
  }

  async #begin(body: Uint8Array): Promise<void> {
    const { context, inbound, from, write } = this.#options;
    const begun = await context.inbox.begin(inbound, from, decodeSnapshotHeader(body));
    if ('answer' in begun) {
      this.#answer(begun.answer);
      return;
    }
    this.#snapshot = begun.snapshot;
    if (this.#isEnded) {
      await context.inbox.release(from, begun.snapshot);
      return;
    }
    const windowBytes = context.config.snapshotWindowBytes;
    write('snapshot-accept', [encodeAccept({ offsetBytes: begun.snapshot.offsetBytes, windowBytes })]);
  }

  #takeChunk(piece: Uint8Array): void {
    this.#unwrittenBytes += piece.byteLength;
    // One piece may be larger than the window.
    if (this.#unwrittenBytes > this.#options.context.config.snapshotWindowBytes + piece.byteLength) {
      throw new ProtocolError('the sender of a snapshot does not wait for acknowledgements');
    }
    this.#enqueue(async () => {
      const snapshot = this.#requireBegun();
      await snapshot.write(piece);
      this.#unwrittenBytes -= piece.byteLength;
      this.#write('snapshot-chunk-ack', [encodeOffset(snapshot.offsetBytes)]);
    });
  }

  async #finish(): Promise<void> {
    const snapshot = this.#requireBegun();
    const stopTelling = this.#tellAlive(snapshot);
    try {
      this.#answer(await snapshot.finish());
    } finally {
      stopTelling();
    }
  }

  #answer(message: Message): void {
    this.#write('snapshot-result', encodeMessage(message));
    this.end();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(async () => {
      if (this.#isEnded) {
        return;
      }
      try {
        await work();
      } catch (error) {
        this.#write('error', [encodeRemoteFailure(toRemoteFailure(error))]);
        this.end();
      }
    });
  }

  #write(type: FrameType, body: readonly Uint8Array[]): void {
    if (!this.#isEnded) {
      this.#options.write(type, body);
    }
  }

  #requireBegun(): IncomingSnapshot {
    if (this.#snapshot === null) {
      throw new ProtocolError('a snapshot goes on that never began');
    }
    return this.#snapshot;
  }

  #tellAlive(snapshot: IncomingSnapshot): () => void {
    const { timers } = this.#options.context.config;
    let timer: TimerHandle;
    const tell = (): void => {
      this.#write('snapshot-chunk-ack', [encodeOffset(snapshot.offsetBytes)]);
      timer = timers.setTimer(ALIVE_INTERVAL_MS, tell);
    };
    timer = timers.setTimer(ALIVE_INTERVAL_MS, tell);
    return () => timer.cancel();
  }
}
