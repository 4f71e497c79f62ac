/** Streams a snapshot from one simulated node to another, chunk by chunk. */
import type { RemoteContext } from '../../../codec/remote-error.ts';
import { fromRemoteFailure, toRemoteFailure } from '../../../codec/remote-error.ts';
import type { NodeId } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import { IndeterminateError, PeerRefusedError } from '../../../errors.ts';
import type { SnapshotHeader, SnapshotSink } from '../../../ports/network.ts';
import { exchange } from './exchange.ts';
import type { SimEndpoint } from './sim-endpoint.ts';
import type { SimFabric } from './sim-fabric.ts';

export interface SnapshotStreamOptions {
  readonly fabric: SimFabric;
  readonly own: SimEndpoint;
  readonly to: { readonly nodeId: NodeId; readonly addr: string };
  readonly peer: Pick<RemoteContext, 'nodeId' | 'peerAddr'>;
  readonly header: SnapshotHeader;
  readonly chunks: (fromOffset: number) => AsyncIterable<Uint8Array>;
  readonly admit: (endpoint: SimEndpoint) => NodeId;
  readonly signal: AbortSignal;
  /** Aborted when the connection is closed. */
  readonly closing: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

type Opened =
  | { readonly accept: true; readonly endpoint: SimEndpoint; readonly sink: SnapshotSink }
  | { readonly accept: false; readonly response: Message };

/** Resolves with the receiver's answer. When it fails, what arrived stays with the receiver for the next attempt. */
export async function streamSnapshot(options: SnapshotStreamOptions): Promise<Message> {
  const { own, chunks, onProgress } = options;
  const opened = await ask(options, (endpoint) => open(options, endpoint), abandon);
  if (!opened.accept) return opened.response;
  const { sink, endpoint } = opened;
  const stopWatching = own.onGone(() => breakOff(options, opened));
  try {
    let sentBytes = sink.offsetBytes;
    for await (const chunk of chunks(sentBytes)) {
      // The sender may use its memory again.
      const bytes = chunk.slice();
      await ask(
        options,
        same(endpoint, () => sink.write(bytes)),
      );
      sentBytes += chunk.byteLength;
      onProgress(sentBytes);
    }
    return await ask(
      options,
      same(endpoint, () => sink.finish()),
    );
  } catch (error) {
    breakOff(options, opened);
    throw error;
  } finally {
    stopWatching();
  }
}

async function open({ admit, header }: SnapshotStreamOptions, endpoint: SimEndpoint): Promise<Opened> {
  const reception = await endpoint.inbound.receiveSnapshot(admit(endpoint), header);
  return reception.accept ? { accept: true, endpoint, sink: reception.sink } : reception;
}

/** A process that was started meanwhile knows nothing of the stream. */
function same<T>(endpoint: SimEndpoint, work: () => Promise<T>): (now: SimEndpoint) => Promise<T> {
  return (now) =>
    now === endpoint ? work() : Promise.reject(new IndeterminateError('the receiver was restarted during the stream'));
}

function ask<T>(
  { fabric, own, to, signal, closing, peer }: SnapshotStreamOptions,
  work: (endpoint: SimEndpoint) => Promise<T>,
  onOrphaned: (value: T) => void = () => undefined,
): Promise<T> {
  return exchange({
    fabric,
    own,
    to,
    signal,
    closing,
    onOrphaned,
    work: async (endpoint) => {
      try {
        return await work(endpoint);
      } catch (error) {
        if (error instanceof PeerRefusedError) throw error;
        throw fromRemoteFailure(toRemoteFailure(error), { ...peer, mayHaveAppended: false });
      }
    },
  });
}

/** The receiver notices that the connection broke. */
function breakOff({ fabric }: SnapshotStreamOptions, opened: Opened): void {
  if (opened.accept) opened.endpoint.process.ioAfter(fabric.detectionMs(), () => abandon(opened));
}

function abandon(opened: Opened): void {
  if (!opened.accept) return;
  opened.sink.abort().catch(() => undefined);
}
