/** One running node, as the simulated network sees it. */
import type { NodeId } from '../../../core/ids.ts';
import type { InboundHandler } from '../../../ports/network.ts';
import type { SimProcess } from '../time/sim-process.ts';

export class SimEndpoint {
  readonly nodeId: NodeId;
  readonly addr: string;
  readonly process: SimProcess;
  readonly inbound: InboundHandler;
  #isOpen = true;
  readonly #onGone = new Set<() => void>();

  constructor(node: { readonly nodeId: NodeId; readonly addr: string }, process: SimProcess, inbound: InboundHandler) {
    this.nodeId = node.nodeId;
    this.addr = node.addr;
    this.process = process;
    this.inbound = inbound;
  }

  /** Is there somebody who takes what arrives? */
  get isOpen(): boolean {
    return this.#isOpen && this.process.isAlive;
  }

  /** Calls `listener` when the node has gone. Returns what ends that. */
  onGone(listener: () => void): () => void {
    this.#onGone.add(listener);
    return () => this.#onGone.delete(listener);
  }

  /** The node closed its network, or its process is gone: its connections break. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const listeners = [...this.#onGone];
    this.#onGone.clear();
    for (const listener of listeners) listener();
  }
}
