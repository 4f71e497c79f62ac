/**
 * Sends a snapshot by POSTs: piece by piece to `/snapshot`, each with its offset, or from the offset on as one streamed
 * body to `/full-snapshot`. Both ask first where to start, and every body begins with the snapshot's header.
 */
import { encodeRemoteFailure, encodeSnapshotHeader } from '../../codec/envelope-bytes.ts';
import { decodeMessage } from '../../codec/message-bytes.ts';
import { encodeFrame } from '../../codec/peer-frame.ts';
import { toRemoteFailure } from '../../codec/remote-error.ts';
import type { Message } from '../../core/message.ts';
import { ProtocolError, SnapshotError } from '../../errors.ts';
import type { Peer, SnapshotHeader } from '../../ports/network.ts';
import { counterFromHeader } from './envelope-headers.ts';
import type { HttpAnswer, PostCall } from './http-client.ts';
import type { ChunkSource, SnapshotCallOptions } from './line.ts';
import type { HttpNetworkConfig } from './network-options.ts';
import { inPieces } from './pieces.ts';
import { errorOf, isOurs, requireSuccess } from './refusal.ts';
import { HEADERS, ROUTES } from './wire.ts';

export interface PostSnapshotOptions extends SnapshotCallOptions {
  readonly header: SnapshotHeader;
  readonly chunks: ChunkSource;
  readonly peer: Peer;
  readonly config: HttpNetworkConfig;
  /** Ends with the signal, or else only when the line is closed. */
  readonly post: (call: PostCall, until?: 'the signal' | 'whatever happens') => Promise<HttpAnswer>;
}

/** The receiver has the answer already, or it wants bytes from an offset on. */
type Progress = { readonly answer: Message } | { readonly offsetBytes: number };

/** How often in a row the receiver may want another offset than the one it named before. */
const DISAGREEMENTS_MAX = 3;

export async function sendSnapshotByPost(options: PostSnapshotOptions): Promise<Message> {
  const start = await postPiece(options, { offsetBytes: 0, piece: null, isLast: false });
  if ('answer' in start) {
    return start.answer;
  }
  const isFull = options.config.postSnapshots === 'full';
  return isFull ? await postRest(options, start.offsetBytes) : await postPieces(options, start.offsetBytes);
}

async function postPieces(options: PostSnapshotOptions, startBytes: number): Promise<Message> {
  let offsetBytes = startBytes;
  try {
    for (let disagreements = 0; disagreements <= DISAGREEMENTS_MAX; disagreements += 1) {
      const progress = await postPiecesFrom(options, offsetBytes);
      if ('answer' in progress) {
        return progress.answer;
      }
      offsetBytes = progress.offsetBytes;
    }
    throw new SnapshotError(`${options.peer.addr} wants other offsets again and again; does another sender interfere?`);
  } catch (error) {
    postFailure(options, error);
    throw error;
  }
}

/** Tells the receiver that no more pieces come. It would notice by itself, but later. */
function postFailure(options: PostSnapshotOptions, error: unknown): void {
  const body = [
    ...headerFrame(options.header),
    ...encodeFrame({ type: 'error', id: 0, body: [encodeRemoteFailure(toRemoteFailure(error))] }),
  ];
  const headers = { [HEADERS.snapshotOffset]: '0' };
  options.post({ path: ROUTES.snapshot, body, isRepeatable: true, headers }, 'whatever happens').catch(() => undefined);
}

function headerFrame(header: SnapshotHeader): Uint8Array[] {
  return encodeFrame({ type: 'snapshot-begin', id: 0, body: [encodeSnapshotHeader(header)] });
}

/** Until the answer, or until the receiver wants to go on elsewhere. */
async function postPiecesFrom(options: PostSnapshotOptions, startBytes: number): Promise<Progress> {
  const { header, chunks, config, signal, onProgress } = options;
  let offsetBytes = startBytes;
  for await (const piece of inPieces(chunks(startBytes), config.snapshotChunkBytes)) {
    signal.throwIfAborted();
    const progress = await postPiece(options, { offsetBytes, piece, isLast: false });
    if ('answer' in progress || progress.offsetBytes !== offsetBytes + piece.byteLength) {
      return progress;
    }
    offsetBytes = progress.offsetBytes;
    onProgress(offsetBytes);
  }
  if (offsetBytes !== header.snapshot.sizeBytes) {
    throw new SnapshotError(`the snapshot ended after ${offsetBytes} of ${header.snapshot.sizeBytes} bytes`);
  }
  return await postPiece(options, { offsetBytes, piece: null, isLast: true });
}

interface Piece {
  readonly offsetBytes: number;
  /** `null` to send none: to ask for the offset, or to end. */
  readonly piece: Uint8Array | null;
  readonly isLast: boolean;
}

async function postPiece(options: PostSnapshotOptions, { offsetBytes, piece, isLast }: Piece): Promise<Progress> {
  const { header, peer, config, post } = options;
  const body = headerFrame(header);
  if (piece !== null) {
    body.push(...encodeFrame({ type: 'snapshot-chunk', id: 0, body: [piece] }));
  }
  if (isLast) {
    body.push(...encodeFrame({ type: 'snapshot-end', id: 0, body: [] }));
  }
  const answer = await post({
    path: ROUTES.snapshot,
    body,
    isRepeatable: true,
    idleTimeoutMs: config.snapshotTimeoutMs,
    headers: { [HEADERS.snapshotOffset]: String(offsetBytes) },
  });
  const answerer = { nodeId: peer.nodeId, addr: peer.addr };
  const expected = counterFromHeader(answer.headers, HEADERS.snapshotOffset);
  if (answer.status === 409 && isOurs(answer) && expected !== null) {
    return { offsetBytes: expected };
  }
  const { status, body: bytes } = requireSuccess(answer, answerer);
  if (status === 200) {
    return { answer: decodeMessage(bytes) };
  }
  if (expected === null) {
    throw new ProtocolError(`${peer.addr} took a piece of a snapshot and did not say where to go on`);
  }
  return { offsetBytes: expected };
}

async function postRest(options: PostSnapshotOptions, offsetBytes: number): Promise<Message> {
  const { peer, config, post } = options;
  const answer = await post({
    path: ROUTES.fullSnapshot,
    body: frames(options, offsetBytes),
    isRepeatable: false,
    idleTimeoutMs: config.snapshotTimeoutMs,
    headers: { [HEADERS.snapshotOffset]: String(offsetBytes) },
  });
  const answerer = { nodeId: peer.nodeId, addr: peer.addr };
  if (answer.status !== 200) {
    throw errorOf(answer, answerer);
  }
  return decodeMessage(requireSuccess(answer, answerer).body);
}

async function* frames(options: PostSnapshotOptions, startBytes: number): AsyncGenerator<Uint8Array> {
  const { header, chunks, config, onProgress } = options;
  yield* headerFrame(header);
  let offsetBytes = startBytes;
  for await (const piece of inPieces(chunks(startBytes), config.snapshotChunkBytes)) {
    yield* encodeFrame({ type: 'snapshot-chunk', id: 0, body: [piece] });
    // The socket took it: without acknowledgements this is all that is known.
    offsetBytes += piece.byteLength;
    onProgress(offsetBytes);
  }
  yield* encodeFrame({ type: 'snapshot-end', id: 0, body: [] });
}
