/** A line from one simulated node to another. */
import { toRemoteFailure } from '../../../codec/remote-error.ts';
import type { Message } from '../../../core/message.ts';
import { IndeterminateError, PeerRefusedError, UnreachableError } from '../../../errors.ts';
import type {
  Envelope,
  LocalIdentity,
  Peer,
  PeerConnection,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
} from '../../../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../../ports/network.ts';
import { machineAt } from './addresses.ts';
import { exchange } from './exchange.ts';
import type { Lane } from './link.ts';
import type { SimEndpoint } from './sim-endpoint.ts';
import type { LossReason, SimFabric } from './sim-fabric.ts';
import { streamSnapshot } from './snapshot-stream.ts';

export interface SimConnectionParts {
  readonly fabric: SimFabric;
  readonly own: SimEndpoint;
  readonly peer: Peer;
  readonly events: PeerEvents;
  /** Messages that may be on their way; beyond, `send` declines. */
  readonly maxInFlight: number;
}

/** How often a lost message is noticed at all. */
const NOTICED_LOSS_EVERY = 2;

export class SimConnection implements PeerConnection {
  readonly #parts: SimConnectionParts;
  readonly #target: { readonly nodeId: number; readonly addr: string };
  readonly #closing = new AbortController();
  #inFlight = 0;
  #losses = 0;
  #isReportPending = false;
  /** Who agreed to talk to us, and as whom. */
  #admitted: { readonly endpoint: SimEndpoint; readonly as: LocalIdentity } | null = null;
  #reportedRefusal: string | null = null;

  constructor(parts: SimConnectionParts) {
    this.#parts = parts;
    const { peer } = parts;
    this.#target = { nodeId: machineAt(peer.addr) ?? peer.nodeId, addr: peer.addr };
  }

  send(message: Message): boolean {
    const { fabric, own, peer, maxInFlight } = this.#parts;
    if (!own.process.portCall() || this.#closing.signal.aborted || !own.isOpen) return false;
    if (this.#inFlight >= maxInFlight) return false;
    const as = own.inbound.identity();
    this.#inFlight += 1;
    fabric.onSend(own.nodeId, peer.nodeId, message);
    fabric.carry({
      from: own.nodeId,
      to: this.#target.nodeId,
      lane: laneOf(message),
      isDuplicable: true,
      deliver: (endpoint) => this.#arrive(endpoint, as, message),
      onLeft: () => {
        this.#inFlight -= 1;
      },
      lose: (reason) => this.#onLost(reason),
    });
    return true;
  }

  async request(request: PeerRequest, { signal }: { readonly signal: AbortSignal }): Promise<PeerResponse> {
    return await this.#exchange(signal, async (endpoint, remoteSignal) => {
      const from = this.#admit(endpoint, this.#parts.own.inbound.identity());
      try {
        return await endpoint.inbound.request(from, request, { signal: remoteSignal });
      } catch (error) {
        return { type: 'failed', error: toRemoteFailure(error) };
      }
    });
  }

  async sendSnapshot(
    header: SnapshotHeader,
    chunks: (fromOffset: number) => AsyncIterable<Uint8Array>,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
  ): Promise<Message> {
    const { fabric, own, peer } = this.#parts;
    return await streamSnapshot({
      fabric,
      own,
      to: this.#target,
      peer: { nodeId: peer.nodeId, peerAddr: peer.addr },
      header,
      chunks,
      admit: (endpoint) => this.#admit(endpoint, own.inbound.identity()),
      signal,
      closing: this.#closing.signal,
      onProgress,
    });
  }

  close(): void {
    this.#closing.abort(new IndeterminateError(`the connection to ${this.#parts.peer.addr} was closed`));
  }

  async #exchange<T>(
    signal: AbortSignal,
    work: (endpoint: SimEndpoint, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { fabric, own, peer } = this.#parts;
    if (this.#closing.signal.aborted) throw new UnreachableError(peer.addr, 'the connection is closed');
    return await exchange({
      fabric,
      own,
      to: this.#target,
      signal,
      closing: this.#closing.signal,
      work,
    });
  }

  /** In the process of the peer. */
  #arrive(endpoint: SimEndpoint, as: LocalIdentity, message: Message): void {
    const { fabric, own, peer } = this.#parts;
    fabric.onArrive(own.nodeId, endpoint.nodeId, message);
    try {
      const from = this.#admit(endpoint, as);
      this.#reportedRefusal = null;
      endpoint.inbound.receive(from, message, (answer) => this.#reply(endpoint, answer));
    } catch (error) {
      fabric.onNews(endpoint.nodeId, `refuses n${own.nodeId}: ${String(error)}`);
      if (!(error instanceof PeerRefusedError)) {
        this.#report(fabric.detectionMs(), new UnreachableError(peer.addr, 'the peer is shutting down'));
      } else if (this.#reportedRefusal !== error.message) {
        this.#reportedRefusal = error.message;
        this.#report(fabric.detectionMs(), error);
      }
    }
  }

  #admit(endpoint: SimEndpoint, as: LocalIdentity): number {
    if (this.#admitted?.endpoint !== endpoint || this.#admitted.as !== as) {
      endpoint.inbound.admit(this.#envelope(as));
      this.#admitted = { endpoint, as };
    }
    return as.nodeId;
  }

  #reply(endpoint: SimEndpoint, message: Message): void {
    const { fabric, own, events } = this.#parts;
    if (!endpoint.process.portCall() || !endpoint.isOpen) return;
    fabric.onSend(endpoint.nodeId, own.nodeId, message);
    fabric.carry({
      from: endpoint.nodeId,
      to: own.nodeId,
      lane: laneOf(message),
      isDuplicable: true,
      deliver: (asker) => {
        // Who asked may have been restarted meanwhile.
        if (asker !== own || this.#closing.signal.aborted) return;
        fabric.onArrive(endpoint.nodeId, own.nodeId, message);
        events.onMessage(message);
      },
      // Nobody can tell a lost answer from a slow one.
      lose: () => undefined,
    });
  }

  #onLost(reason: LossReason): void {
    const { fabric, own, peer } = this.#parts;
    this.#losses += 1;
    if (reason === 'lost' && this.#losses % NOTICED_LOSS_EVERY !== 0) return;
    const isRefused = reason === 'nobody' && !fabric.isCut(this.#target.nodeId, own.nodeId);
    this.#report(isRefused ? 0.5 : fabric.detectionMs(), new UnreachableError(peer.addr, `the message was ${reason}`));
  }

  /** One report covers all that was lost until it comes. */
  #report(delayMs: number, error: Error): void {
    if (this.#isReportPending) return;
    this.#isReportPending = true;
    this.#parts.own.process.ioAfter(delayMs, () => {
      this.#isReportPending = false;
      if (!this.#closing.signal.aborted) this.#parts.events.onUnreachable(error);
    });
  }

  #envelope(as: LocalIdentity): Envelope {
    const { peer } = this.#parts;
    return {
      protocolMin: PROTOCOL_MIN,
      protocolMax: PROTOCOL_MAX,
      clusterId: as.clusterId,
      from: as.nodeId,
      fromInstanceId: as.instanceId,
      to: peer.nodeId,
      toInstanceId: peer.instanceId,
    };
  }
}

function laneOf(message: Message): Lane {
  return message.type === 'append-request' && message.entries.length > 0 ? 'large' : 'small';
}
