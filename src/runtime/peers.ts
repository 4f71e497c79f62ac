/** The lines to all peers, kept in step with the membership. */
import type { ReplicateEffect } from '../core/effect.ts';
import type { NodeId } from '../core/ids.ts';
import type { BasicNode } from '../core/membership/membership.ts';
import type { Message } from '../core/message.ts';
import { PeerRefusedError } from '../errors.ts';
import type { PeerConnection } from '../ports/network.ts';
import type { Events } from './events.ts';
import type { ReplicatorParts } from './replicator.ts';
import { Replicator } from './replicator.ts';

export interface PeersParts extends ReplicatorParts {
  readonly nodeId: NodeId;
  readonly events: Events;
  readonly onMessage: (from: NodeId, message: Message) => void;
}

type LossEvent = 'peer-unreachable' | 'peer-refused';

export class Peers {
  readonly #parts: PeersParts;
  readonly #replicators = new Map<NodeId, Replicator>();
  /** What was told of a peer that was lost and not heard since. */
  readonly #unreachable = new Map<NodeId, LossEvent>();

  constructor(parts: PeersParts) {
    this.#parts = parts;
  }

  /** Opens and closes lines. A member with a new address gets a new line; one in `keep` stays though it left. */
  sync(nodes: ReadonlyMap<NodeId, BasicNode>, keep: (peer: NodeId) => boolean): void {
    for (const [peer, replicator] of this.#replicators) {
      const node = nodes.get(peer);
      const isSame =
        node !== undefined && node.addr === replicator.node.addr && node.instanceId === replicator.node.instanceId;
      if (isSame || (node === undefined && keep(peer))) continue;
      replicator.close();
      this.#replicators.delete(peer);
      this.#unreachable.delete(peer);
    }
    for (const [peer, node] of nodes) {
      if (peer === this.#parts.nodeId || this.#replicators.has(peer)) continue;
      this.#replicators.set(peer, this.#open(peer, node));
    }
  }

  send(to: NodeId, message: Message): void {
    this.#replicators.get(to)?.send(message);
  }

  replicate(effect: ReplicateEffect): void {
    this.#replicators.get(effect.to)?.replicate(effect);
  }

  connection(peer: NodeId): PeerConnection | null {
    return this.#replicators.get(peer)?.connection ?? null;
  }

  /** Has the peer been lost and not been heard since? */
  isUnreachable(peer: NodeId): boolean {
    return this.#unreachable.has(peer);
  }

  close(): void {
    for (const replicator of this.#replicators.values()) replicator.close();
    this.#replicators.clear();
  }

  #open(peer: NodeId, node: BasicNode): Replicator {
    const { events, onMessage, onLost } = this.#parts;
    // A line that was replaced may still fail; that says nothing about the new one.
    const isClosed = (): boolean => opened !== null && this.#replicators.get(peer) !== opened;
    let opened: Replicator | null = null;
    const replicator = new Replicator(this.#parts, peer, node, {
      onMessage: (message) => {
        if (isClosed()) return;
        if (this.#unreachable.delete(peer)) events.emit({ type: 'peer-reachable', peer });
        onMessage(peer, message);
      },
      onUnreachable: (error) => {
        if (isClosed()) return;
        onLost(peer);
        const type = error instanceof PeerRefusedError ? 'peer-refused' : 'peer-unreachable';
        if (this.#unreachable.get(peer) === type) return;
        this.#unreachable.set(peer, type);
        events.emit({ type, peer, error });
      },
    });
    opened = replicator;
    return replicator;
  }
}
