/** The client's end of a binary stream: messages, requests and snapshots over one socket. */
import type { Duplex } from 'node:stream';
import { decodeLocalIdentity, decodeRemoteFailure, encodeEnvelope } from '../../codec/envelope-bytes.ts';
import { decodeMessage, encodeMessage } from '../../codec/message-bytes.ts';
import type { Frame } from '../../codec/peer-frame.ts';
import { FRAME_HEADER_BYTES, FrameReader } from '../../codec/peer-frame.ts';
import { fromRemoteFailure } from '../../codec/remote-error.ts';
import type { Message } from '../../core/message.ts';
import { BusyError, ConsensusError, ProtocolError, UnreachableError } from '../../errors.ts';
import type { LocalIdentity, PeerRequest, PeerResponse, SnapshotHeader } from '../../ports/network.ts';
import { FrameWriter } from './frame-writer.ts';
import type { ChunkSource, Line, LineContext, SnapshotCallOptions } from './line.ts';
import { toUnreachable } from './reach-error.ts';
import { Silence } from './silence.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { StreamCalls } from './stream-call.ts';
import { requestOverStream } from './stream-request.ts';
import { isLarge } from './wire.ts';

/** The id of frames that belong to no call. */
const NO_CALL = 0;

export interface StreamLineOptions {
  readonly context: LineContext;
  readonly socket: Duplex;
  /** Bytes that came with the answer to the upgrade. */
  readonly head: Uint8Array;
  /** The largest frame that the peer takes. */
  readonly peerMaxFrameBytes: number;
}

export class StreamLine implements Line {
  readonly kind = 'stream';
  /** Who the peer says it is; rejects when the line is lost before. */
  readonly identity: Promise<LocalIdentity>;
  readonly #context: LineContext;
  readonly #socket: Duplex;
  readonly #maxSendBytes: number;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #silence: Silence;
  readonly #calls = new StreamCalls();
  #onIdentity: (identity: LocalIdentity) => void = () => undefined;
  #onNoIdentity: (error: Error) => void = () => undefined;
  #isOpen = true;

  constructor({ context, socket, head, peerMaxFrameBytes }: StreamLineOptions) {
    const { config } = context;
    this.#context = context;
    this.#socket = socket;
    this.#maxSendBytes = Math.min(config.maxFrameBytes, peerMaxFrameBytes);
    this.#reader = new FrameReader(config);
    this.#writer = new FrameWriter(socket, config);
    this.#silence = new Silence({
      limitMs: config.rpcTimeoutMs,
      ports: config,
      onProbe: () => this.#sendHello(),
      onSilent: () => this.#lose(this.#unreachable(`no answer for ${config.rpcTimeoutMs} ms (rpcTimeoutMs)`)),
    });
    this.identity = new Promise((resolve, reject) => {
      this.#onIdentity = resolve;
      this.#onNoIdentity = reject;
    });
    // Whoever waits for it gets the rejection too; nobody may be waiting.
    this.identity.catch(() => undefined);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('error', (error) => this.#lose(toUnreachable(context.peer.addr, error)));
    socket.on('close', () => this.#lose(this.#unreachable('the peer closed the connection')));
    if (head.byteLength > 0) {
      this.#onData(head);
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(message: Message): boolean {
    const body = encodeMessage(message);
    const bytes = body.reduce((sum, chunk) => sum + chunk.byteLength, FRAME_HEADER_BYTES);
    if (bytes > this.#maxSendBytes) {
      this.#context.events.onDropped(this.#tooLarge(message, bytes));
      return true;
    }
    const isSent = this.#writer.write(isLarge(message) ? 'large' : 'small', { type: 'message', id: NO_CALL, body });
    this.#silence.onSent();
    return isSent;
  }

  async request(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    const { peer, config } = this.#context;
    if (this.#calls.size >= config.maxPendingRequests) {
      const what = `${config.maxPendingRequests} requests to ${peer.addr} are unanswered`;
      throw new BusyError('maxPendingRequests', `${what}; retry later`);
    }
    const answer = requestOverStream({ request, signal, calls: this.#calls, writer: this.#writer, addr: peer.addr });
    this.#silence.onSent();
    return await answer;
  }

  async sendSnapshot(header: SnapshotHeader, chunks: ChunkSource, options: SnapshotCallOptions): Promise<Message> {
    const { peer, config } = this.#context;
    const id = this.#calls.freeId();
    const sender = new SnapshotSender({
      ...options,
      header,
      chunks,
      peer,
      config,
      write: (type, body) => this.#writer.write('large', { type, id, body }),
    });
    this.#calls.set(id, sender);
    try {
      return await sender.run();
    } finally {
      this.#calls.remove(id);
    }
  }

  close(): void {
    this.#end(this.#unreachable('the connection was closed on this side'));
  }

  #onData(chunk: Uint8Array): void {
    this.#silence.onReceived();
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#isOpen) {
          this.#onFrame(frame);
        }
      }
    } catch (error) {
      if (ConsensusError.is(error) && error.code === 'PROTOCOL') {
        this.#lose(error);
        return;
      }
      throw error;
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'message-reply': {
        const message = decodeMessage(frame.body);
        this.#context.events.onAnswer();
        this.#context.events.onMessage(message);
        break;
      }
      case 'hello-ack':
        this.#onIdentity(decodeLocalIdentity(frame.body));
        break;
      case 'goodbye':
        this.#lose(this.#unreachable('the node stops listening'));
        break;
      case 'error':
        this.#onError(frame);
        break;
      default:
        this.#onCallFrame(frame);
    }
  }

  #onError(frame: Frame): void {
    if (frame.id !== NO_CALL) {
      this.#onCallFrame(frame);
      return;
    }
    const { peer } = this.#context;
    const failure = decodeRemoteFailure(frame.body);
    this.#lose(fromRemoteFailure(failure, { nodeId: peer.nodeId, peerAddr: peer.addr, mayHaveAppended: false }));
  }

  #onCallFrame(frame: Frame): void {
    this.#context.events.onAnswer();
    // An answer to a call that was given up is nobody's.
    this.#calls.get(frame.id)?.onFrame(frame);
  }

  #sendHello(): void {
    const body = [encodeEnvelope(this.#context.envelope())];
    this.#writer.write('small', { type: 'hello', id: NO_CALL, body });
  }

  #lose(error: Error): void {
    if (this.#end(error)) {
      this.#context.events.onLost(error);
    }
  }

  #end(error: Error): boolean {
    if (!this.#isOpen) {
      return false;
    }
    this.#isOpen = false;
    this.#writer.close();
    this.#socket.destroy();
    this.#onNoIdentity(error);
    this.#calls.failAll(error);
    return true;
  }

  #unreachable(reason: string): UnreachableError {
    return new UnreachableError(this.#context.peer.addr, reason);
  }

  #tooLarge(message: Message, bytes: number): ProtocolError {
    const { addr } = this.#context.peer;
    return new ProtocolError(
      `${message.type} of ${bytes} bytes is larger than ${addr} or this node allows (${this.#maxSendBytes}): raise maxFrameBytes and maxBodyBytes, or lower maxPayloadBytes`,
    );
  }
}
