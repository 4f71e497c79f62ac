/**
 * A line made of POSTs, for where no stream can be had: one request at a time for small messages and one for large ones,
 * so that each lane keeps its order and heartbeats wait for no append. Slower than a stream, and otherwise the same.
 * Answers come with the response, or, if they take long, with a later one.
 */
import { decodePeerResponse, encodePeerRequest } from '../../codec/envelope-bytes.ts';
import { encodeMessage } from '../../codec/message-bytes.ts';
import { FRAME_HEADER_BYTES } from '../../codec/peer-frame.ts';
import type { Message } from '../../core/message.ts';
import { BusyError, ConsensusError, IndeterminateError, UnreachableError } from '../../errors.ts';
import type { PeerRequest, PeerResponse, SnapshotHeader } from '../../ports/network.ts';
import { envelopeToHeaders } from './envelope-headers.ts';
import { decodeMessages, encodeMessages } from './frame-bodies.ts';
import type { HttpAnswer, PostCall } from './http-client.ts';
import type { ChunkSource, Line, LineContext, SnapshotCallOptions } from './line.ts';
import type { MessageBatch } from './post-lane.ts';
import { PostLane } from './post-lane.ts';
import type { PostSnapshotOptions } from './post-snapshot.ts';
import { sendSnapshotByPost } from './post-snapshot.ts';
import { codeOf } from './reach-error.ts';
import { errorOf, isOurs, requireSuccess } from './refusal.ts';
import { isLarge, ROUTES } from './wire.ts';

export class PostLine implements Line {
  readonly kind = 'post';
  readonly #context: LineContext;
  readonly #closing = new AbortController();
  readonly #small: PostLane;
  readonly #large: PostLane;
  #pendingRequests = 0;
  #isOpen = true;

  constructor(context: LineContext) {
    this.#context = context;
    const post = async (batch: MessageBatch): Promise<void> => await this.#postMessages(batch);
    const { maxQueueBytes } = context.config;
    this.#small = new PostLane({ maxQueueBytes, post });
    this.#large = new PostLane({ maxQueueBytes, post });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(message: Message): boolean {
    const lane = isLarge(message) ? this.#large : this.#small;
    const bytes = encodeMessage(message).reduce((sum, chunk) => sum + chunk.byteLength, FRAME_HEADER_BYTES);
    return lane.push(message, bytes);
  }

  async request(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    const { peer, config } = this.#context;
    if (this.#pendingRequests >= config.maxPendingRequests) {
      const what = `${config.maxPendingRequests} requests to ${peer.addr} are unanswered`;
      throw new BusyError('maxPendingRequests', `${what}; retry later`);
    }
    this.#pendingRequests += 1;
    try {
      return await this.#request(request, signal);
    } finally {
      this.#pendingRequests -= 1;
    }
  }

  async sendSnapshot(header: SnapshotHeader, chunks: ChunkSource, options: SnapshotCallOptions): Promise<Message> {
    const { peer, config } = this.#context;
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const post: PostSnapshotOptions['post'] = async (call, until = 'the signal') =>
      await this.#post(call, until === 'the signal' ? signal : this.#closing.signal);
    return await sendSnapshotByPost({ ...options, signal, header, chunks, peer, config, post });
  }

  close(): void {
    this.#end(new UnreachableError(this.#context.peer.addr, 'the connection was closed on this side'));
  }

  async #postMessages({ path, messages }: MessageBatch): Promise<void> {
    const { events, peer } = this.#context;
    const answerer = { nodeId: peer.nodeId, addr: peer.addr };
    try {
      const body = encodeMessages('message', messages);
      const answer = await this.#post({ path, body, isRepeatable: true }, this.#closing.signal);
      if (answer.status === 400 || answer.status === 413) {
        // These messages are not welcome; others are.
        events.onDropped(errorOf(answer, answerer));
        return;
      }
      const replies = decodeMessages('message-reply', requireSuccess(answer, answerer).body);
      events.onAnswer();
      for (const reply of replies) {
        events.onMessage(reply);
      }
    } catch (error) {
      if (this.#end(error as Error)) {
        events.onLost(error as Error);
      }
    }
  }

  async #request(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    const { config, peer } = this.#context;
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const body = encodePeerRequest(request);
    const idleTimeoutMs = request.timeoutMs + config.rpcTimeoutMs;
    let answer: HttpAnswer;
    try {
      answer = await this.#post({ path: ROUTES.request, body, isRepeatable: false, isBulk: true, idleTimeoutMs }, both);
    } catch (error) {
      signal.throwIfAborted();
      throw neverArrived(error) ? error : indeterminate(error);
    }
    if (answer.status >= 500 && !isOurs(answer)) {
      // Something in between gave up waiting, perhaps after it had passed the request on.
      throw indeterminate(errorOf(answer, { nodeId: peer.nodeId, addr: peer.addr }));
    }
    const { body: bytes } = requireSuccess(answer, { nodeId: peer.nodeId, addr: peer.addr });
    try {
      return decodePeerResponse(bytes);
    } catch (error) {
      throw indeterminate(error);
    }
  }

  async #post(call: PostCall, signal: AbortSignal): Promise<HttpAnswer> {
    const { client, config, envelope, peer } = this.#context;
    return await client.post({
      addr: peer.addr,
      idleTimeoutMs: config.rpcTimeoutMs,
      ...call,
      headers: {
        ...envelopeToHeaders(envelope()),
        ...call.headers,
      },
      signal,
    });
  }

  #end(error: Error): boolean {
    if (!this.#isOpen) {
      return false;
    }
    this.#isOpen = false;
    this.#small.close();
    this.#large.close();
    this.#closing.abort(error);
    return true;
  }
}

function indeterminate(cause: unknown): IndeterminateError {
  return new IndeterminateError(`the answer was lost: ${String(cause)}`, { cause });
}

/** Without a connection nothing was delivered. */
function neverArrived(error: unknown): boolean {
  const code = ConsensusError.is(error) ? codeOf(error.cause) : '';
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code);
}
