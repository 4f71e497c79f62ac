/**
 * A line to one peer that comes back by itself:
 *
 * ```text
 *   idle ──send──> connecting ──> open ──lost──> resting ──(backoff is over)──> connecting
 *                      └──────failed──────────────^
 * ```
 *
 * It connects when there is something to say. While it connects, messages wait; while it rests, small ones wait for the
 * next try and large ones are lost, as are all of them when the try fails.
 */
import { encodeMessage } from '../../codec/message-bytes.ts';
import type { Message } from '../../core/message.ts';
import { ConsensusError, UnreachableError } from '../../errors.ts';
import type { TimerHandle } from '../../ports/clock.ts';
import type {
  Envelope,
  Peer,
  PeerConnection,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
} from '../../ports/network.ts';
import { abortable, pause } from './abortable.ts';
import { Backoff } from './backoff.ts';
import type { HttpClient } from './http-client.ts';
import type { ChunkSource, Line, LineContext, SnapshotCallOptions } from './line.ts';
import type { HttpNetworkConfig } from './network-options.ts';
import { openLine, openStream } from './open-line.ts';
import { codeOf, toUnreachable } from './reach-error.ts';
import { isFinal } from './refusal.ts';
import { isLarge } from './wire.ts';

export interface HttpConnectionOptions {
  readonly peer: Peer;
  readonly events: PeerEvents;
  readonly client: HttpClient;
  readonly config: HttpNetworkConfig;
  readonly envelope: () => Envelope;
  readonly onClose: () => void;
}

/** How often in a row a snapshot may break without having made progress. */
const SNAPSHOT_FAILURES_MAX = 5;

export class HttpConnection implements PeerConnection {
  readonly #options: HttpConnectionOptions;
  readonly #context: LineContext;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #line: Line | null = null;
  /** A line of POSTs that a stream took over from; it only finishes what it began. */
  #retired: Line | null = null;
  #opening: Promise<Line> | null = null;
  /** Messages that wait for a line. */
  #waiting: { readonly message: Message; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #retryTimer: TimerHandle | null = null;
  #lastError: Error;
  #streamRetryAtMs = 0;
  #isReportScheduled = false;

  constructor(options: HttpConnectionOptions) {
    const { peer, client, config, envelope, events } = options;
    this.#options = options;
    this.#backoff = new Backoff({ minMs: config.backoffMinMs, maxMs: config.backoffMaxMs }, config);
    this.#lastError = new UnreachableError(peer.addr, 'it was never connected');
    this.#context = {
      peer,
      client,
      config,
      envelope,
      events: {
        onMessage: (message) => this.#isClosed || events.onMessage(message),
        onAnswer: () => this.#backoff.succeed(),
        onDropped: (error) => this.#isClosed || events.onUnreachable(error),
        onLost: (error) => this.#onLost(error),
      },
    };
  }

  send(message: Message): boolean {
    if (this.#isClosed) {
      return false;
    }
    if (this.#line !== null) {
      this.#considerStream(this.#line);
      return this.#line.send(message);
    }
    const isResting = this.#isResting;
    if (isResting && (isLarge(message) || isFinal(this.#lastError))) {
      this.#reportLoss();
      return true;
    }
    return this.#wait(message, isResting);
  }

  async request(request: PeerRequest, { signal }: { readonly signal: AbortSignal }): Promise<PeerResponse> {
    const line = await this.#openedLine(signal);
    return await line.request(request, signal);
  }

  async sendSnapshot(header: SnapshotHeader, chunks: ChunkSource, options: SnapshotCallOptions): Promise<Message> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    let progressBytes = -1;
    let failures = 0;
    const onProgress = (sentBytes: number): void => {
      if (sentBytes > progressBytes) {
        failures = 0;
        progressBytes = sentBytes;
      }
      options.onProgress(sentBytes);
    };
    for (;;) {
      const line = await this.#openedLine(signal);
      try {
        return await line.sendSnapshot(header, chunks, { signal, onProgress });
      } catch (error) {
        failures += 1;
        if (signal.aborted || failures > SNAPSHOT_FAILURES_MAX || !isLinkFailure(error, line)) {
          throw error;
        }
        // The next attempt asks the receiver where to go on.
        await pause(this.#options.config.timers, Math.max(1, this.#backoff.remainingMs), signal);
      }
    }
  }

  close(): void {
    if (this.#isClosed) {
      return;
    }
    this.#closing.abort(new UnreachableError(this.#options.peer.addr, 'the connection was closed on this side'));
    this.#retryTimer?.cancel();
    this.#dropWaiting();
    this.#line?.close();
    this.#retired?.close();
    this.#options.onClose();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  get #isResting(): boolean {
    return this.#opening === null && this.#backoff.remainingMs > 0;
  }

  #wait(message: Message, isResting: boolean): boolean {
    const { config } = this.#options;
    const bytes = encodeMessage(message).reduce((sum, chunk) => sum + chunk.byteLength, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > config.maxQueueBytes) {
      return false;
    }
    this.#waiting.push({ message, bytes });
    this.#waitingBytes += bytes;
    if (!isResting) {
      this.#open().catch(() => undefined);
    } else if (this.#retryTimer === null) {
      this.#retryTimer = config.timers.setTimer(this.#backoff.remainingMs, () => {
        this.#retryTimer = null;
        this.#open().catch(() => undefined);
      });
    }
    return true;
  }

  /** The line, once it is open; fails at once while the connection rests. */
  async #openedLine(signal: AbortSignal): Promise<Line> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (this.#line !== null) {
      return this.#line;
    }
    if (this.#isResting) {
      throw this.#lastError;
    }
    return await abortable(this.#open(), signal);
  }

  #open(): Promise<Line> {
    if (this.#line !== null) {
      return Promise.resolve(this.#line);
    }
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #connect(): Promise<Line> {
    const { peer, config } = this.#options;
    const attempt = new AbortController();
    const onClose = (): void => attempt.abort(this.#closing.signal.reason);
    const timer = config.timers.setTimer(config.connectTimeoutMs, () => {
      const reason = `no connection within ${config.connectTimeoutMs} ms; check firewalls and routes, or whether the process hangs`;
      attempt.abort(new UnreachableError(peer.addr, reason));
    });
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    try {
      this.#closing.signal.throwIfAborted();
      const line = await openLine(this.#context, attempt.signal);
      this.#onOpen(line, attempt.signal);
      return line;
    } catch (error) {
      const failure = toUnreachable(peer.addr, error);
      this.#rest(failure);
      throw failure;
    } finally {
      timer.cancel();
      this.#closing.signal.removeEventListener('abort', onClose);
    }
  }

  #onOpen(line: Line, signal: AbortSignal): void {
    if (signal.aborted || !line.isOpen) {
      line.close();
      signal.throwIfAborted();
      throw new UnreachableError(this.#options.peer.addr, 'the connection was lost at once');
    }
    const { config } = this.#options;
    this.#line = line;
    // What was reported before is over: the same refusal would be news again.
    this.#lastError = new UnreachableError(this.#options.peer.addr, 'the connection was lost');
    this.#streamRetryAtMs = config.clock.nowMs() + config.streamRetryMs;
    const waiting = this.#waiting;
    this.#dropWaiting();
    for (const { message } of waiting) {
      line.send(message);
    }
  }

  #onLost(error: Error): void {
    // A line that is not in use yet, or no more, is somebody else's to report.
    if (this.#line !== null && !this.#line.isOpen) {
      this.#line = null;
      this.#rest(error);
    }
  }

  /** Leaves the peer alone for a while. */
  #rest(error: Error): void {
    if (this.#isClosed) {
      return;
    }
    const isRepeated = isFinal(error) && error.message === this.#lastError.message;
    this.#lastError = error;
    if (isFinal(error)) {
      this.#backoff.pause(this.#options.config.refusedRetryMs);
    } else {
      this.#backoff.fail();
    }
    this.#dropWaiting();
    if (!isRepeated) {
      this.#options.events.onUnreachable(error);
    }
  }

  #dropWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Once for all messages of a turn; not at all for a refusal, which was reported. */
  #reportLoss(): void {
    if (this.#isReportScheduled || isFinal(this.#lastError)) {
      return;
    }
    this.#isReportScheduled = true;
    queueMicrotask(() => {
      this.#isReportScheduled = false;
      if (!this.#isClosed) {
        this.#options.events.onUnreachable(this.#lastError);
      }
    });
  }

  /** A peer that could only be posted to is asked for a stream now and then. */
  #considerStream(line: Line): void {
    const { config } = this.#options;
    if (line.kind === 'stream' || config.transport === 'post' || config.clock.nowMs() < this.#streamRetryAtMs) {
      return;
    }
    this.#streamRetryAtMs = config.clock.nowMs() + config.streamRetryMs;
    openStream(this.#context, this.#closing.signal).then(
      (stream) => this.#adoptStream(stream),
      // The line of POSTs still works: there is nothing to report.
      () => undefined,
    );
  }

  #adoptStream(stream: Line | null): void {
    if (stream === null || this.#isClosed) {
      stream?.close();
      return;
    }
    this.#retired = this.#line;
    this.#line = stream;
  }
}

/** Whether the way broke, rather than the peer failed. */
function isLinkFailure(error: unknown, line: Line): boolean {
  if (!ConsensusError.is(error)) {
    return false;
  }
  return !line.isOpen || (error.code === 'UNREACHABLE' && codeOf(error.cause) !== '');
}
