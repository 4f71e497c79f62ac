/** A line from one node of a hub to another. */

import { toRemoteFailure } from '../../codec/remote-error.ts';
import { entryBytes } from '../../core/entry.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { IndeterminateError, PeerRefusedError, UnreachableError } from '../../errors.ts';
import type {
  Envelope,
  LocalIdentity,
  Peer,
  PeerConnection,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
} from '../../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../ports/network.ts';
import { cross, cutOff, nobodyAt } from './mem-crossing.ts';
import type { MemEndpoint } from './mem-endpoint.ts';
import type { MemFabric } from './mem-fabric.ts';
import { streamSnapshot } from './mem-snapshot.ts';
import { OpenCalls } from './open-calls.ts';

export interface MemConnectionOptions {
  readonly fabric: MemFabric;
  readonly own: MemEndpoint;
  readonly peer: Peer;
  readonly events: PeerEvents;
  readonly onClose: () => void;
}

/** Who refused whom, so that a peer is not asked again before one of the two changed. */
interface Refusal {
  readonly target: MemEndpoint;
  readonly own: LocalIdentity;
  readonly error: PeerRefusedError;
}

/** What a message counts for besides its entries. */
const MESSAGE_BYTES = 64;

export class MemConnection implements PeerConnection {
  readonly #fabric: MemFabric;
  readonly #own: MemEndpoint;
  readonly #peer: Peer;
  readonly #events: PeerEvents;
  readonly #onClose: () => void;
  readonly #calls = new OpenCalls();
  readonly #reply = (message: Message): void => this.#onReply(message);
  /** The target that admitted this connection; a restarted node is a new target. */
  #admittedBy: MemEndpoint | null = null;
  #fromId: NodeId = 0;
  #refusal: Refusal | null = null;
  #reportedRefusal: Error | null = null;
  #isClosed = false;

  constructor(options: MemConnectionOptions) {
    this.#fabric = options.fabric;
    this.#own = options.own;
    this.#peer = options.peer;
    this.#events = options.events;
    this.#onClose = options.onClose;
  }

  send(message: Message): boolean {
    if (this.#isClosed) {
      return false;
    }
    if (this.#fabric.isCalm) {
      this.#deliver(message);
      return true;
    }
    return this.#sendThroughFaults(message);
  }

  async request(request: PeerRequest, options: { readonly signal: AbortSignal }): Promise<PeerResponse> {
    this.#requireOpen();
    return await this.#calls.run(this.#request(request, options.signal), options.signal);
  }

  async sendSnapshot(
    header: SnapshotHeader,
    chunks: (fromOffset: number) => AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
  ): Promise<Message> {
    this.#requireOpen();
    const { signal, onProgress } = options;
    const abort = new AbortController();
    const stream = streamSnapshot({
      go: async (bytes) => await this.#cross(bytes, abort.signal),
      comeBack: async () => await this.#crossBack(abort.signal),
      admitted: () => ({ target: this.#admitted(), fromId: this.#fromId }),
      peer: { nodeId: this.#peer.nodeId, peerAddr: this.#peer.addr },
      header,
      chunks,
      signal: abort.signal,
      onProgress,
    });
    try {
      return await this.#calls.run(stream, signal);
    } catch (error) {
      abort.abort(error);
      throw error;
    }
  }

  close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#calls.failAll(new IndeterminateError(`the connection to ${this.#peer.addr} was closed`));
      this.#onClose();
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) {
      throw new UnreachableError(this.#peer.addr, 'the connection is closed');
    }
  }

  #sendThroughFaults(message: Message): boolean {
    const verdict = this.#fabric.filter?.(this.#envelope(this.#own.inbound.identity()), message) ?? 'deliver';
    if (verdict === 'drop') {
      return true;
    }
    const carried =
      verdict === 'unreachable'
        ? verdict
        : this.#fabric.carry(this.#own.addr, this.#peer.addr, messageBytes(message), () => this.#deliver(message));
    if (carried === 'unreachable') {
      this.#report(cutOff(this.#own.addr, this.#peer.addr));
    }
    return carried !== 'full';
  }

  #deliver(message: Message): void {
    if (this.#isClosed) {
      return;
    }
    let target: MemEndpoint;
    try {
      target = this.#admitted();
    } catch (error) {
      this.#report(error as Error);
      return;
    }
    target.inbound.receive(this.#fromId, message, this.#reply);
  }

  #onReply(message: Message): void {
    if (this.#isClosed) {
      return;
    }
    if (this.#fabric.isCalm) {
      this.#events.onMessage(message);
      return;
    }
    if (this.#fabric.filter !== null && this.#fabric.filter(this.#replyEnvelope(), message) !== 'deliver') {
      return;
    }
    // Nobody reports a lost answer: the sender can't tell it from a slow one.
    this.#fabric.carry(this.#peer.addr, this.#own.addr, messageBytes(message), () => {
      if (!this.#isClosed) {
        this.#events.onMessage(message);
      }
    });
  }

  async #request(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    await this.#cross(request.type === 'propose' ? request.payload.byteLength : 0, signal);
    const target = this.#admitted();
    const answer = target.inbound
      .request(this.#fromId, request, { signal })
      .catch((error: unknown): PeerResponse => ({ type: 'failed', error: toRemoteFailure(error) }));
    const response = await target.serving.run(answer, signal);
    try {
      await this.#crossBack(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new IndeterminateError(`the answer of ${this.#peer.addr} was lost`, { cause: error });
    }
    return response;
  }

  async #cross(bytes: number, signal: AbortSignal): Promise<void> {
    await cross({ fabric: this.#fabric, from: this.#own.addr, to: this.#peer.addr, bytes, signal });
  }

  async #crossBack(signal: AbortSignal): Promise<void> {
    await cross({ fabric: this.#fabric, from: this.#peer.addr, to: this.#own.addr, bytes: 0, signal });
  }

  /** The node at the peer's address, after it agreed to talk to us. */
  #admitted(): MemEndpoint {
    if (this.#admittedBy?.isOpen === true) {
      return this.#admittedBy;
    }
    const target = this.#fabric.find(this.#peer.addr);
    if (target === null) {
      throw nobodyAt(this.#peer.addr);
    }
    const own = this.#own.inbound.identity();
    if (this.#refusal !== null && this.#refusal.target === target && isSameIdentity(this.#refusal.own, own)) {
      throw this.#refusal.error;
    }
    try {
      target.inbound.admit(this.#envelope(own));
    } catch (error) {
      if (error instanceof PeerRefusedError && error.reason !== 'not-ready') {
        this.#refusal = { target, own, error };
      }
      throw error;
    }
    this.#refusal = null;
    this.#admittedBy = target;
    this.#fromId = own.nodeId;
    return target;
  }

  #report(error: Error): void {
    if (error instanceof PeerRefusedError) {
      if (error === this.#reportedRefusal) {
        return;
      }
      this.#reportedRefusal = error;
    }
    this.#events.onUnreachable(error);
  }

  #envelope(own: LocalIdentity): Envelope {
    return {
      protocolMin: PROTOCOL_MIN,
      protocolMax: PROTOCOL_MAX,
      clusterId: own.clusterId,
      from: own.nodeId,
      fromInstanceId: own.instanceId,
      to: this.#peer.nodeId,
      toInstanceId: this.#peer.instanceId,
    };
  }

  #replyEnvelope(): Envelope {
    const own = this.#own.inbound.identity();
    const peer = this.#admittedBy?.inbound.identity() ?? own;
    return { ...this.#envelope(peer), to: own.nodeId, toInstanceId: own.instanceId };
  }
}

function messageBytes(message: Message): number {
  if (message.type !== 'append-request') {
    return MESSAGE_BYTES;
  }
  return message.entries.reduce((sum, entry) => sum + entryBytes(entry), MESSAGE_BYTES);
}

function isSameIdentity(a: LocalIdentity, b: LocalIdentity): boolean {
  return a.nodeId === b.nodeId && a.instanceId === b.instanceId && a.clusterId === b.clusterId;
}
