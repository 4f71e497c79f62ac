/**
 * Sends one snapshot over a stream:
 *
 * ```text
 *   begin ->            <- accept(offset, window)   or result: not wanted
 *   chunk, chunk ... -> <- ack(offset) ...          never more than the window ahead
 *   end ->              <- result                   or error
 * ```
 */

import { decodeRemoteFailure, encodeRemoteFailure, encodeSnapshotHeader } from '../../codec/envelope-bytes.ts';
import { decodeMessage } from '../../codec/message-bytes.ts';
import type { Frame, FrameType } from '../../codec/peer-frame.ts';
import { fromRemoteFailure, toRemoteFailure } from '../../codec/remote-error.ts';
import type { Message } from '../../core/message.ts';
import { BusyError, ProtocolError, UnreachableError } from '../../errors.ts';
import type { TimerHandle } from '../../ports/clock.ts';
import type { Peer, SnapshotHeader } from '../../ports/network.ts';
import type { ChunkSource, SnapshotCallOptions } from './line.ts';
import type { HttpNetworkConfig } from './network-options.ts';
import { inPieces } from './pieces.ts';
import type { SnapshotAccept } from './snapshot-bodies.ts';
import { decodeAccept, decodeOffset } from './snapshot-bodies.ts';
import type { StreamCall } from './stream-call.ts';

export interface SnapshotSenderOptions extends SnapshotCallOptions {
  readonly header: SnapshotHeader;
  readonly chunks: ChunkSource;
  readonly peer: Peer;
  readonly config: HttpNetworkConfig;
  /** Writes a frame with this call's id; `false` when there is no room for it. */
  readonly write: (type: FrameType, body: readonly Uint8Array[]) => boolean;
}

export class SnapshotSender implements StreamCall {
  readonly #options: SnapshotSenderOptions;
  #accept: SnapshotAccept | null = null;
  #sentBytes = 0;
  #ackedBytes = 0;
  #result: Message | null = null;
  #failure: { readonly reason: unknown } | null = null;
  /** Wakes `#wait`. */
  #wake: (() => void) | null = null;
  #progressAtMs = 0;
  #timer: TimerHandle | null = null;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** Resolves with the receiver's answer. */
  async run(): Promise<Message> {
    const { signal, write, header, config } = this.#options;
    const onAbort = (): void => this.#end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#noteProgress();
    this.#watchProgress(config.snapshotTimeoutMs);
    try {
      signal.throwIfAborted();
      this.#write('snapshot-begin', [encodeSnapshotHeader(header)]);
      const first = await this.#wait(() => this.#result ?? this.#accept);
      if (!('type' in first)) {
        await this.#sendChunks(first);
        this.#write('snapshot-end', []);
      }
      return await this.#wait(() => this.#result);
    } catch (error) {
      // Also when the link is gone: then nobody hears it.
      write('error', [encodeRemoteFailure(toRemoteFailure(error))]);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#timer?.cancel();
    }
  }

  onFrame({ type, body }: Frame): void {
    this.#noteProgress();
    switch (type) {
      case 'snapshot-accept':
        this.#onAccept(decodeAccept(body));
        break;
      case 'snapshot-chunk-ack':
        this.#onAck(decodeOffset(body));
        break;
      case 'snapshot-result':
        this.#result = decodeMessage(body);
        break;
      case 'error':
        this.fail(this.#remoteError(body));
        break;
      default:
        throw new ProtocolError(`a ${type} frame is no answer to a snapshot`);
    }
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#end(error);
  }

  #onAccept(accept: SnapshotAccept): void {
    if (this.#accept !== null || accept.offsetBytes > this.#options.header.snapshot.sizeBytes) {
      throw new ProtocolError(`the receiver wants a snapshot from ${accept.offsetBytes} on: beyond its end, or twice`);
    }
    this.#accept = accept;
    this.#sentBytes = accept.offsetBytes;
    this.#ackedBytes = accept.offsetBytes;
  }

  #onAck(offsetBytes: number): void {
    if (offsetBytes > this.#sentBytes) {
      throw new ProtocolError(`the receiver acknowledges ${offsetBytes} bytes, but ${this.#sentBytes} were sent`);
    }
    if (offsetBytes > this.#ackedBytes) {
      this.#ackedBytes = offsetBytes;
      this.#options.onProgress(offsetBytes);
    }
  }

  async #sendChunks({ offsetBytes, windowBytes }: SnapshotAccept): Promise<void> {
    const { chunks, config } = this.#options;
    const window = Math.max(1, Math.min(windowBytes, config.snapshotWindowBytes));
    const pieces = inPieces(chunks(offsetBytes), Math.min(config.snapshotChunkBytes, window));
    try {
      for (;;) {
        const next = await this.#orFailure(pieces.next());
        if (next.done === true || this.#result !== null) {
          return;
        }
        this.#noteProgress();
        const { byteLength } = next.value;
        await this.#wait(() => this.#result ?? (this.#sentBytes + byteLength - this.#ackedBytes <= window || null));
        this.#write('snapshot-chunk', [next.value]);
        this.#sentBytes += byteLength;
      }
    } finally {
      // A source that hangs must not hold this up; whatever it does now concerns nobody.
      pieces.return(undefined).catch(() => undefined);
    }
  }

  #write(type: FrameType, body: readonly Uint8Array[]): void {
    if (!this.#options.write(type, body)) {
      throw new BusyError('maxQueueBytes', `too much is waiting for ${this.#options.peer.addr}; retry later`);
    }
  }

  /** Resolves with what `probe` returns, as soon as that is not `null`. */
  async #wait<T>(probe: () => T | null): Promise<T> {
    for (;;) {
      if (this.#failure !== null) {
        throw this.#failure.reason;
      }
      const value = probe();
      if (value !== null) {
        return value;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The source's next piece, unless the call fails first. */
  async #orFailure<T>(work: Promise<T>): Promise<T> {
    let done: { readonly value: T } | null = null;
    work.then(
      (value) => {
        done = { value };
        this.#wake?.();
      },
      (error: unknown) => this.#end(error),
    );
    const { value } = await this.#wait(() => done);
    return value;
  }

  #end(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake?.();
  }

  #noteProgress(): void {
    this.#progressAtMs = this.#options.config.clock.nowMs();
  }

  #watchProgress(delayMs: number): void {
    const { config, peer } = this.#options;
    this.#timer = config.timers.setTimer(delayMs, () => {
      const silentMs = config.clock.nowMs() - this.#progressAtMs;
      if (silentMs < config.snapshotTimeoutMs) {
        this.#watchProgress(config.snapshotTimeoutMs - silentMs);
        return;
      }
      const reason = `the snapshot made no progress for ${config.snapshotTimeoutMs} ms (snapshotTimeoutMs)`;
      this.#end(new UnreachableError(peer.addr, reason));
    });
  }

  #remoteError(body: Uint8Array): Error {
    const { peer } = this.#options;
    const context = { nodeId: peer.nodeId, peerAddr: peer.addr, mayHaveAppended: false };
    return fromRemoteFailure(decodeRemoteFailure(body), context);
  }
}
