/** Whose store this is, and which cluster it joined. */

import type { LogStore, StoreIdentity } from '../ports/log-store.ts';
import type { LocalIdentity } from '../ports/network.ts';

export class Identity {
  readonly #logStore: LogStore;
  readonly #onFailure: (error: unknown) => void;
  #stored: StoreIdentity;

  constructor(logStore: LogStore, stored: StoreIdentity, onFailure: (error: unknown) => void) {
    this.#logStore = logStore;
    this.#stored = stored;
    this.#onFailure = onFailure;
  }

  get local(): LocalIdentity {
    return this.#stored;
  }

  /** Makes this node part of a cluster, once. Resolves when that is durable; a node that can't write it must not go on. */
  async join(clusterId: string): Promise<void> {
    if (this.#stored.clusterId !== null) return;
    this.#stored = { ...this.#stored, clusterId };
    try {
      await this.#logStore.saveIdentity(this.#stored);
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  /**
   * Takes over the cluster id of a peer. Nobody waits: the store keeps the order of writes, so whatever this node
   * promises to that peer is durable only after its identity is.
   */
  adopt(clusterId: string): void {
    this.join(clusterId).catch(() => undefined);
  }
}
