/** The line to one peer: turns what the core wants sent into messages with entries in them. */
import type { ReplicateEffect } from '../core/effect.ts';
import type { Entry } from '../core/entry.ts';
import type { NodeId } from '../core/ids.ts';
import type { BasicNode } from '../core/membership/membership.ts';
import type { Message } from '../core/message.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Network, PeerConnection, PeerEvents } from '../ports/network.ts';
import type { LogCache } from './log-cache.ts';

export interface ReplicatorParts {
  readonly network: Network;
  readonly logStore: LogStore;
  readonly cache: LogCache;
  readonly maxPayloadBytes: number;
  /** Is this append still worth sending? */
  readonly isCurrent: (effect: ReplicateEffect) => boolean;
  /** Entries that should be there could not be read from the own log. */
  readonly onReadFailure: (error: unknown) => void;
  /** Something was not sent. */
  readonly onLost: (peer: NodeId) => void;
}

export class Replicator {
  readonly peer: NodeId;
  readonly node: BasicNode;
  readonly connection: PeerConnection;
  readonly #parts: ReplicatorParts;
  /** Appends that wait for entries from the store; later ones must not overtake them. */
  #reading: Promise<void> | null = null;

  constructor(parts: ReplicatorParts, peer: NodeId, node: BasicNode, events: PeerEvents) {
    this.#parts = parts;
    this.peer = peer;
    this.node = node;
    this.connection = parts.network.connect({ nodeId: peer, addr: node.addr, instanceId: node.instanceId }, events);
  }

  send(message: Message): void {
    if (!this.connection.send(message)) this.#parts.onLost(this.peer);
  }

  replicate(effect: ReplicateEffect): void {
    if (this.#reading === null) {
      const entries = this.#parts.cache.slice(effect.fromIndex, effect.toIndex);
      if (entries !== null) {
        this.#sendAppend(effect, entries);
        return;
      }
    }
    const reading = (this.#reading ?? Promise.resolve()).then(() => this.#readAndSend(effect));
    this.#reading = reading;
    reading.then(
      () => {
        if (this.#reading === reading) this.#reading = null;
      },
      (error: unknown) => this.#parts.onReadFailure(error),
    );
  }

  close(): void {
    this.connection.close();
  }

  async #readAndSend(effect: ReplicateEffect): Promise<void> {
    const { cache, logStore, maxPayloadBytes, isCurrent, onLost } = this.#parts;
    if (!isCurrent(effect)) return;
    const { fromIndex, toIndex } = effect;
    const entries = cache.slice(fromIndex, toIndex) ?? (await logStore.read(fromIndex, toIndex, maxPayloadBytes));
    if (!isCurrent(effect)) return;
    // Purged or truncated meanwhile: the core finds the position anew.
    if (entries[0]?.logId.index !== fromIndex) onLost(this.peer);
    else this.#sendAppend(effect, entries);
  }

  #sendAppend({ term, session, round, prevLogId, commitIndex }: ReplicateEffect, entries: readonly Entry[]): void {
    this.send({ type: 'append-request', term, session, round, prevLogId, entries, commitIndex });
  }
}
