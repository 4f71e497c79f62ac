/** What a node offers to its peers through the network adapters. */
import type { NodeId } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import type { Membership } from '../core/membership/membership.ts';
import type { Message } from '../core/message.ts';
import type { ConsensusError } from '../errors.ts';
import { PeerRefusedError } from '../errors.ts';
import type {
  Envelope,
  InboundHandler,
  LocalIdentity,
  PeerRequest,
  PeerResponse,
  SnapshotHeader,
  SnapshotReception,
} from '../ports/network.ts';
import { checkEnvelope } from './admission.ts';
import type { Replies, Reply } from './replies.ts';
import type { SnapshotReceiver } from './snapshot-receiver.ts';

export interface InboundParts {
  readonly replies: Replies;
  readonly receiver: SnapshotReceiver;
  readonly identity: () => LocalIdentity;
  readonly membership: () => Membership;
  /** The first sender of a cluster that this node joins. */
  readonly adoptCluster: (clusterId: string) => void;
  readonly post: (input: Input) => void;
  readonly request: (request: PeerRequest, signal: AbortSignal) => Promise<PeerResponse>;
  /** Why this node answers nothing any more; `null` while it runs. */
  readonly stopped: () => ConsensusError | null;
}

export class Inbound implements InboundHandler {
  readonly #parts: InboundParts;

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  identity(): LocalIdentity {
    return this.#parts.identity();
  }

  admit(envelope: Envelope): void {
    const { identity, membership, adoptCluster } = this.#parts;
    this.#assertRunning();
    const local = identity();
    checkEnvelope(envelope, local, membership());
    if (local.clusterId === null && envelope.clusterId !== null) adoptCluster(envelope.clusterId);
  }

  receive(from: NodeId, message: Message, reply: Reply): void {
    if (this.#parts.stopped() !== null) return;
    const isQuestion = message.type.endsWith('-request');
    const token = isQuestion ? this.#parts.replies.register(reply) : 0;
    this.#parts.post({ type: 'message', from, message, token });
  }

  async receiveSnapshot(from: NodeId, header: SnapshotHeader): Promise<SnapshotReception> {
    this.#assertRunning();
    return await this.#parts.receiver.receive(from, header);
  }

  async request(
    from: NodeId,
    request: PeerRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PeerResponse> {
    this.#assertRunning();
    if (!this.#parts.membership().nodes.has(from)) {
      throw new PeerRefusedError('node', `node ${from} is no member of this cluster: its clients must ask a member`);
    }
    return await this.#parts.request(request, signal);
  }

  #assertRunning(): void {
    const stopped = this.#parts.stopped();
    if (stopped !== null) throw stopped;
  }
}
