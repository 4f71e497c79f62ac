/** The node's end of a binary stream that a peer opened. */
import type { Duplex } from 'node:stream';
import {
  decodeEnvelope,
  decodePeerRequest,
  encodeLocalIdentity,
  encodePeerResponse,
  encodeRemoteFailure,
} from '../../codec/envelope-bytes.ts';
import { decodeMessage, encodeMessage } from '../../codec/message-bytes.ts';
import type { Frame, FrameType } from '../../codec/peer-frame.ts';
import { FRAME_HEADER_BYTES, FrameReader } from '../../codec/peer-frame.ts';
import { toRemoteFailure } from '../../codec/remote-error.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { BusyError, IndeterminateError, ProtocolError } from '../../errors.ts';
import type { InboundHandler, PeerRequest, PeerResponse } from '../../ports/network.ts';
import { FrameWriter } from './frame-writer.ts';
import { toRefusal } from './http-refusal.ts';
import type { ServiceContext } from './service-context.ts';
import { requireAdmission } from './service-context.ts';
import { StreamSnapshot } from './stream-snapshot.ts';

/** The id of frames that belong to no call. */
const NO_CALL = 0;

/** Answers above this size wait for the socket. */
const LARGE_ANSWER_BYTES = 64 * 1024;

/** How long the reason of a refusal may take to reach the peer. */
const LINGER_MS = 1000;

export interface StreamServerOptions {
  readonly context: ServiceContext;
  readonly inbound: InboundHandler;
  readonly from: NodeId;
  /** For the log. */
  readonly remote: string;
  /** The largest frame that the peer takes. */
  readonly maxSendBytes: number;
  readonly socket: Duplex;
  readonly onClose: () => void;
}

export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #requests = new Map<number, AbortController>();
  readonly #snapshots = new Map<number, StreamSnapshot>();
  readonly #reply = (message: Message): void => {
    this.#write('message-reply', NO_CALL, encodeMessage(message));
  };
  #isOpen = true;

  constructor(options: StreamServerOptions) {
    const { context, socket } = options;
    this.#options = options;
    this.#reader = new FrameReader({ maxFrameBytes: context.config.maxBodyBytes });
    this.#writer = new FrameWriter(socket, context.config);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    // What broke the stream matters to nobody here: the peer opens another.
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  /** Says who answers, and takes the bytes that came with the upgrade. */
  start(head: Uint8Array): void {
    this.#sendIdentity();
    if (head.byteLength > 0) {
      this.#onData(head);
    }
  }

  /** Tells the peer, and closes at once: a server that is being closed waits for its sockets. */
  close(): void {
    if (this.#isOpen) {
      this.#write('goodbye', NO_CALL, []);
      this.#writer.flush();
      this.#end();
    }
  }

  #onData(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#isOpen) {
          this.#onFrame(frame);
        }
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  #onFrame(frame: Frame): void {
    const { context, inbound, from } = this.#options;
    switch (frame.type) {
      case 'message': {
        const message = decodeMessage(frame.body);
        context.report.onMessage();
        inbound.receive(from, message, this.#reply);
        break;
      }
      case 'request':
        this.#onRequest(frame.id, decodePeerRequest(frame.body));
        break;
      case 'hello':
        this.#onHello(frame.body);
        break;
      case 'goodbye':
        this.#end();
        break;
      default:
        this.#onCallFrame(frame);
    }
  }

  /** The peer wants a sign of life, or says anew who it is. */
  #onHello(body: Uint8Array): void {
    const envelope = decodeEnvelope(body);
    if (envelope.from !== this.#options.from) {
      throw new ProtocolError(`the stream of node ${this.#options.from} says hello as node ${envelope.from}`);
    }
    requireAdmission(this.#options.context, envelope);
    this.#sendIdentity();
  }

  #onRequest(id: number, request: PeerRequest): void {
    const { context, inbound, from } = this.#options;
    if (this.#requests.has(id) || id === NO_CALL) {
      throw new ProtocolError(`the request id ${id} is in use`);
    }
    if (this.#requests.size >= context.config.maxPendingRequests) {
      const busy = new BusyError('maxPendingRequests', `${this.#requests.size} requests are unanswered; retry later`);
      this.#respond(id, { type: 'failed', error: toRemoteFailure(busy) });
      return;
    }
    const abort = new AbortController();
    this.#requests.set(id, abort);
    context.report.onRequest();
    inbound
      .request(from, request, { signal: abort.signal })
      .catch((error: unknown): PeerResponse => ({ type: 'failed', error: toRemoteFailure(error) }))
      .then((response) => {
        if (this.#requests.delete(id)) {
          this.#respond(id, response);
        }
      })
      .catch((error: unknown) => this.#refuse(error));
  }

  #onCallFrame(frame: Frame): void {
    const { id, type } = frame;
    const request = this.#requests.get(id);
    if (type === 'error' && request !== undefined) {
      this.#requests.delete(id);
      request.abort();
      return;
    }
    if (type === 'snapshot-begin') {
      this.#beginSnapshot(id);
    }
    // What still comes for a snapshot that ended is nobody's.
    this.#snapshots.get(id)?.onFrame(frame);
  }

  #beginSnapshot(id: number): void {
    const { context, inbound, from } = this.#options;
    if (this.#snapshots.has(id) || id === NO_CALL) {
      throw new ProtocolError(`the snapshot id ${id} is in use`);
    }
    const snapshot = new StreamSnapshot({
      context,
      inbound,
      from,
      write: (type, body) => this.#write(type, id, body),
      onEnd: () => this.#snapshots.delete(id),
    });
    this.#snapshots.set(id, snapshot);
  }

  #sendIdentity(): void {
    this.#write('hello-ack', NO_CALL, [encodeLocalIdentity(this.#options.inbound.identity())]);
  }

  #respond(id: number, response: PeerResponse): void {
    const { maxSendBytes } = this.#options;
    const body = encodePeerResponse(response);
    const bytes = body.reduce((sum, chunk) => sum + chunk.byteLength, FRAME_HEADER_BYTES);
    if (bytes <= maxSendBytes) {
      this.#write('response', id, body);
      return;
    }
    // It was applied, but the result can't be told.
    const what = `the response of ${bytes} bytes is larger than the asking node takes (${maxSendBytes}, maxFrameBytes)`;
    const failed = { type: 'failed', error: toRemoteFailure(new IndeterminateError(what)) } as const;
    this.#write('response', id, encodePeerResponse(failed));
  }

  /** An answer that finds no room is lost: a peer that reads nothing is not waited for. */
  #write(type: FrameType, id: number, body: readonly Uint8Array[]): void {
    const bytes = body.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    this.#writer.write(bytes > LARGE_ANSWER_BYTES ? 'large' : 'small', { type, id, body });
  }

  /** The peer sends what can't be understood or must not be: it is told why, and the stream ends. */
  #refuse(error: unknown): void {
    if (!this.#isOpen) {
      return;
    }
    const { context, remote } = this.#options;
    const refusal = toRefusal(error);
    context.report.onRefused(refusal.kind, refusal, remote);
    this.#write('error', NO_CALL, [encodeRemoteFailure(toRemoteFailure(error))]);
    this.#closeAfterWriting();
  }

  #closeAfterWriting(): void {
    const { socket, context } = this.#options;
    this.#writer.flush();
    // A peer that reads nothing is not waited for.
    const timer = context.config.timers.setTimer(LINGER_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    this.#release();
    socket.end(() => socket.destroy());
  }

  #end(): void {
    this.#release();
    this.#options.socket.destroy();
  }

  #release(): void {
    if (!this.#isOpen) {
      return;
    }
    this.#isOpen = false;
    this.#writer.close();
    for (const request of this.#requests.values()) {
      request.abort();
    }
    this.#requests.clear();
    for (const snapshot of [...this.#snapshots.values()]) {
      snapshot.end();
    }
    this.#options.onClose();
  }
}
