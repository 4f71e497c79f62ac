/** Connects the nodes of one process: for tests, demos and simulations. Has every fault a network can have. */
import type { Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { MemMessageFilter } from './mem-endpoint.ts';
import type { MemDelay } from './mem-fabric.ts';
import { MemFabric } from './mem-fabric.ts';
import { MemNetwork } from './mem-network.ts';

export interface MemHubOptions {
  /** Needed for `delay` only. */
  readonly timers?: Timers;
  /** Needed for `delay`, `drop` and `duplicate` only. */
  readonly random?: Random;
  /** How much may wait for one hanging or delayed peer. 16 MiB by default. */
  readonly maxQueueBytes?: number;
}

const DEFAULT_MAX_QUEUE_BYTES = 16 * 1024 * 1024;

/**
 * One per cluster; `network(addr)` gives each node its line.
 *
 * Without a fault a message reaches the other node's handler while `send` is still running, by reference: neither bytes
 * nor timers are involved. With the same seed for `random` and simulated `timers` every fault is reproducible.
 *
 * ```ts
 * const hub = new MemHub();
 * const node1 = hub.network('n1:1');
 * const node2 = hub.network('n2:1');
 * hub.cut('n1:1', 'n2:1');
 * hub.heal();
 * ```
 */
export class MemHub {
  readonly #fabric: MemFabric;

  constructor(options: MemHubOptions = {}) {
    this.#fabric = new MemFabric({
      timers: options.timers ?? null,
      random: options.random ?? null,
      maxQueueBytes: options.maxQueueBytes ?? DEFAULT_MAX_QUEUE_BYTES,
    });
  }

  /** The network of the node at `addr`, any text. A restarted node takes a new one after the old one is closed. */
  network(addr: string): MemNetwork {
    return new MemNetwork(this.#fabric, addr);
  }

  /** Nothing goes to or from this address; senders notice at once. */
  isolate(addr: string): void {
    this.#fabric.isolate(addr);
  }

  /** Nothing goes between two addresses, or with `oneWay` from the first to the second; senders notice at once. */
  cut(from: string, to: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#fabric.cut(from, to);
    if (options.oneWay !== true) {
      this.#fabric.cut(to, from);
    }
  }

  /** The address takes everything and answers nothing, as a stopped process does; `heal` hands over what waited. */
  hang(addr: string): void {
    this.#fabric.hang(addr);
  }

  /** Everything takes this long; `null` ends it. */
  delay(delay: MemDelay | null): void {
    this.#fabric.delay(delay);
  }

  /** Loses this share (0 to 1) of everything; nobody notices. */
  drop(rate: number): void {
    this.#fabric.drop(rate);
  }

  /** Delivers this share (0 to 1) of the messages twice. */
  duplicate(rate: number): void {
    this.#fabric.duplicate(rate);
  }

  /** Asks about every message and answer; `null` ends it. Requests and snapshots are not messages. */
  filter(filter: MemMessageFilter | null): void {
    this.#fabric.setFilter(filter);
  }

  /** Ends all faults, or those that `isolate`, `cut` and `hang` made for one address. */
  heal(addr?: string): void {
    if (addr === undefined) {
      this.#fabric.healAll();
    } else {
      this.#fabric.healAddr(addr);
    }
  }
}
