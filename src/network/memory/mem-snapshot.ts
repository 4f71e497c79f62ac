/** Streams a snapshot from one node of a hub to another, chunk by chunk, as fast as the receiver takes them. */

import type { RemoteContext } from '../../codec/remote-error.ts';
import { fromRemoteFailure, toRemoteFailure } from '../../codec/remote-error.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import type { SnapshotHeader, SnapshotReception, SnapshotSink } from '../../ports/network.ts';
import type { MemEndpoint } from './mem-endpoint.ts';

export interface SnapshotStreamOptions {
  /** Takes a packet of this size to the receiver. */
  readonly go: (bytes: number) => Promise<void>;
  readonly comeBack: () => Promise<void>;
  readonly admitted: () => { readonly target: MemEndpoint; readonly fromId: NodeId };
  readonly peer: { readonly nodeId: NodeId; readonly peerAddr: string };
  readonly header: SnapshotHeader;
  readonly chunks: (fromOffset: number) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

/** Resolves with the receiver's answer. When it fails, what arrived stays with the receiver for the next attempt. */
export async function streamSnapshot(options: SnapshotStreamOptions): Promise<Message> {
  const { go, comeBack, header, peer, signal } = options;
  await go(0);
  const { target, fromId } = options.admitted();
  const reception = await begin(target, asRemote(target.inbound.receiveSnapshot(fromId, header), peer), signal);
  if (!reception.accept) {
    await comeBack();
    return reception.response;
  }
  const { sink } = reception;
  try {
    await comeBack();
    await sendChunks(options, target, sink);
    await go(0);
    const response = await target.serving.run(asRemote(sink.finish(), peer), signal);
    await comeBack();
    return response;
  } catch (error) {
    await abortQuietly(sink);
    throw error;
  }
}

async function begin(
  target: MemEndpoint,
  offered: Promise<SnapshotReception>,
  signal: AbortSignal,
): Promise<SnapshotReception> {
  try {
    return await target.serving.run(offered, signal);
  } catch (error) {
    // Nobody waits for the answer any more, but the receiver may still open a sink.
    offered.then(
      (late) => (late.accept ? abortQuietly(late.sink) : undefined),
      () => undefined,
    );
    throw error;
  }
}

/** The stream failed already, and that is what the caller learns. */
async function abortQuietly(sink: SnapshotSink): Promise<void> {
  try {
    await sink.abort();
  } catch {
    // The receiver's own loss: at worst the next attempt starts at 0.
  }
}

async function sendChunks(options: SnapshotStreamOptions, target: MemEndpoint, sink: SnapshotSink): Promise<void> {
  const { chunks, go, peer, signal, onProgress } = options;
  let sentBytes = sink.offsetBytes;
  for await (const chunk of chunks(sentBytes)) {
    await go(chunk.byteLength);
    await target.serving.run(asRemote(sink.write(chunk), peer), signal);
    sentBytes += chunk.byteLength;
    onProgress(sentBytes);
  }
}

/** A failure of the receiver looks to the sender as it would over a wire. */
async function asRemote<T>(work: Promise<T>, context: RemoteContext): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fromRemoteFailure(toRemoteFailure(error), { ...context, mayHaveAppended: false });
  }
}
