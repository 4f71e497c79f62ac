/** The endpoints that are posted to. Each gets an admitted sender and a limited body; what they return is sent. */
import type { IncomingMessage } from 'node:http';
import {
  decodePeerRequest,
  decodeSnapshotHeader,
  encodeLocalIdentity,
  encodePeerResponse,
} from '../../codec/envelope-bytes.ts';
import { encodeMessage } from '../../codec/message-bytes.ts';
import type { Frame } from '../../codec/peer-frame.ts';
import { FrameReader } from '../../codec/peer-frame.ts';
import { toRemoteFailure } from '../../codec/remote-error.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { ProtocolError, SnapshotError } from '../../errors.ts';
import type { InboundHandler, PeerResponse, SnapshotHeader } from '../../ports/network.ts';
import { counterFromHeader } from './envelope-headers.ts';
import { decodeMessages, encodeMessages, wholeFrames } from './frame-bodies.ts';
import { HttpRefusal } from './http-refusal.ts';
import { bodyChunks, readBody } from './request-body.ts';
import type { ServiceContext } from './service-context.ts';
import type { IncomingSnapshot } from './snapshot-inbox.ts';
import { HEADERS, isAnswered, ROUTES, routeOf } from './wire.ts';

/** What is sent back; without a body it is a 204. */
export interface Answer {
  readonly body: readonly Uint8Array[] | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose sender may talk to this node. */
export interface AdmittedRequest {
  readonly context: ServiceContext;
  readonly inbound: InboundHandler;
  readonly from: NodeId;
  readonly request: IncomingMessage;
  /** Aborted when the sender is gone. */
  readonly signal: AbortSignal;
}

export type Route = (admitted: AdmittedRequest) => Promise<Answer>;

const VOTE_BODY_BYTES_MAX = 64 * 1024;

/** The bytes around a piece of a snapshot: two frames and the header with its membership. */
const SNAPSHOT_OVERHEAD_BYTES = 1024 * 1024;

/** By path. */
export const POST_ROUTES: ReadonlyMap<string, Route> = new Map([
  [ROUTES.vote, (admitted) => receiveMessage(admitted, ROUTES.vote)],
  [ROUTES.append, (admitted) => receiveMessage(admitted, ROUTES.append)],
  [ROUTES.request, serveRequest],
  [ROUTES.snapshot, receivePiece],
  [ROUTES.fullSnapshot, receiveFullSnapshot],
] as [string, Route][]);

export function identityAnswer(inbound: InboundHandler): Answer {
  return { body: [encodeLocalIdentity(inbound.identity())] };
}

async function receiveMessage(admitted: AdmittedRequest, route: string): Promise<Answer> {
  const { context, inbound, from, request } = admitted;
  const { config } = context;
  const maxBodyBytes = route === ROUTES.vote ? Math.min(VOTE_BODY_BYTES_MAX, config.maxBodyBytes) : config.maxBodyBytes;
  const messages = decodeMessages('message', await readBody(request, { ...config, maxBodyBytes }));
  if (messages.length === 0) {
    throw new ProtocolError('a body without a message');
  }
  for (const { type } of messages) {
    if (routeOf(type) !== route) {
      throw new ProtocolError(`a ${type} does not belong to ${route}`);
    }
  }
  const deliver = (reply: (message: Message) => void): void => {
    for (const message of messages) {
      context.report.onMessage();
      inbound.receive(from, message, reply);
    }
  };
  const expected = messages.filter(({ type }) => isAnswered(type)).length;
  const replies = await context.outbox.exchange(from, deliver, { expected, holdMs: config.replyHoldMs });
  return { body: replies.length === 0 ? null : encodeMessages('message-reply', replies) };
}

async function serveRequest({ context, inbound, from, request, signal }: AdmittedRequest): Promise<Answer> {
  const peerRequest = decodePeerRequest(await readBody(request, context.config));
  context.report.onRequest();
  let response: PeerResponse;
  try {
    response = await inbound.request(from, peerRequest, { signal });
  } catch (error) {
    response = { type: 'failed', error: toRemoteFailure(error) };
  }
  return { body: encodePeerResponse(response) };
}

/** One piece, at the offset that its header names; see `post-snapshot.ts` for the other side. */
async function receivePiece(admitted: AdmittedRequest): Promise<Answer> {
  const { context, inbound, from, request } = admitted;
  const { maxBodyBytes } = context.config;
  const bytes = await readBody(request, { ...context.config, maxBodyBytes: maxBodyBytes + SNAPSHOT_OVERHEAD_BYTES });
  const [begin, ...rest] = wholeFrames(bytes);
  const header = headerOf(begin);
  const offsetBytes = requireOffset(request);
  if (rest[0]?.type === 'error') {
    // What arrived is kept.
    await context.inbox.giveUp(from, header.snapshot.meta.id);
    return { body: null };
  }
  const begun = await context.inbox.resume(inbound, from, header);
  if ('answer' in begun) {
    return { body: encodeMessage(begun.answer) };
  }
  const { snapshot } = begun;
  return await snapshot.exclusively(async () => {
    if (rest.length > 0 && offsetBytes !== snapshot.offsetBytes) {
      context.inbox.expectMore(from, snapshot);
      throw offsetMismatch(header, offsetBytes, snapshot);
    }
    return await takeLastPieces(admitted, snapshot, rest);
  });
}

async function takeLastPieces(
  { context, from }: AdmittedRequest,
  snapshot: IncomingSnapshot,
  frames: readonly Frame[],
): Promise<Answer> {
  let answer: Message | null;
  try {
    answer = await takePieces(snapshot, frames);
  } catch (error) {
    await context.inbox.release(from, snapshot);
    throw error;
  }
  if (answer === null) {
    context.inbox.expectMore(from, snapshot);
    return { body: null, headers: { [HEADERS.snapshotOffset]: String(snapshot.offsetBytes) } };
  }
  await context.inbox.release(from, snapshot);
  return { body: encodeMessage(answer) };
}

/** All of it from the offset on, in one body that is read only as fast as the node takes it. */
async function receiveFullSnapshot(admitted: AdmittedRequest): Promise<Answer> {
  const { context, inbound, from, request } = admitted;
  const offsetBytes = requireOffset(request);
  const frames = bodyFrames(admitted);
  const first = await frames.next();
  const header = headerOf(first.done === true ? undefined : first.value);
  const begun = await context.inbox.resume(inbound, from, header);
  if ('answer' in begun) {
    return { body: encodeMessage(begun.answer) };
  }
  const { snapshot } = begun;
  try {
    return await snapshot.exclusively(async () => {
      if (offsetBytes !== snapshot.offsetBytes) {
        throw offsetMismatch(header, offsetBytes, snapshot);
      }
      for await (const frame of frames) {
        const answer = await takePieces(snapshot, [frame]);
        if (answer !== null) {
          return { body: encodeMessage(answer) };
        }
      }
      throw new ProtocolError('the body of a snapshot has no end frame');
    });
  } finally {
    await context.inbox.release(from, snapshot);
  }
}

async function* bodyFrames({ context, request }: AdmittedRequest): AsyncGenerator<Frame> {
  const reader = new FrameReader({ maxFrameBytes: context.config.maxBodyBytes });
  for await (const chunk of bodyChunks(request, context.config)) {
    yield* reader.push(chunk);
  }
}

/** @returns the node's answer once the end is reached */
async function takePieces(snapshot: IncomingSnapshot, frames: readonly Frame[]): Promise<Message | null> {
  for (const { type, body } of frames) {
    if (type === 'snapshot-end') {
      return await snapshot.finish();
    }
    if (type !== 'snapshot-chunk') {
      throw new ProtocolError(`a ${type} frame has no place in a snapshot`);
    }
    await snapshot.write(body);
  }
  return null;
}

function headerOf(frame: Frame | undefined): SnapshotHeader {
  if (frame?.type !== 'snapshot-begin') {
    throw new ProtocolError('the body of a snapshot must begin with its header');
  }
  return decodeSnapshotHeader(frame.body);
}

function requireOffset(request: IncomingMessage): number {
  const offsetBytes = counterFromHeader(request.headers, HEADERS.snapshotOffset);
  if (offsetBytes === null) {
    throw new ProtocolError(`the header ${HEADERS.snapshotOffset} is missing`);
  }
  return offsetBytes;
}

/** A refusal that names the offset at which the sender must go on. */
function offsetMismatch(header: SnapshotHeader, offsetBytes: number, snapshot: IncomingSnapshot): HttpRefusal {
  const { id } = header.snapshot.meta;
  const what = `snapshot mismatch: expected ${id}+${snapshot.offsetBytes}, got ${id}+${offsetBytes}`;
  const headers = { [HEADERS.snapshotOffset]: String(snapshot.offsetBytes) };
  return new HttpRefusal('malformed', 409, new SnapshotError(what), headers);
}
