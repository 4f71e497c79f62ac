/** What lies between the simulated nodes: who is where, and how long what takes to get there, if it does. */
import type { NodeId } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Lane, LinkRule } from './link.ts';
import { Link } from './link.ts';
import type { SimEndpoint } from './sim-endpoint.ts';

export interface SimFabricParts {
  readonly timeline: Timeline;
  readonly random: SimRandom;
  /** The slowest usual way, ms. */
  readonly latencyMaxMs: number;
  /** How long it takes at most to notice that a peer does not answer, ms. */
  readonly detectionMaxMs: number;
  /** Told of every message when it leaves. */
  readonly onSend: (from: NodeId, to: NodeId, message: Message) => void;
  /** Told of every message when it arrives. */
  readonly onArrive: (from: NodeId, to: NodeId, message: Message) => void;
  /** Told of everything else that may be of interest: a node, and what happened. */
  readonly onNews: (nodeId: NodeId, text: string) => void;
}

/** - `lost`: on the way. - `cut`: there is no way. - `nobody`: no process has the port open. */
export type LossReason = 'lost' | 'cut' | 'nobody';

export interface Parcel {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly lane: Lane;
  /** May it arrive twice? */
  readonly isDuplicable: boolean;
  /** Runs in the process of the receiver. */
  readonly deliver: (endpoint: SimEndpoint) => void;
  /** It has reached the machine of the receiver, or is lost. Runs outside of all processes. */
  readonly onLeft?: () => void;
  /** Runs outside of all processes: nobody knows yet. */
  readonly lose: (reason: LossReason) => void;
}

/** More nodes than any run has. */
const NODES_MAX = 4096;

export class SimFabric {
  readonly timeline: Timeline;
  readonly onSend: SimFabricParts['onSend'];
  readonly onArrive: SimFabricParts['onArrive'];
  readonly onNews: SimFabricParts['onNews'];
  readonly #random: SimRandom;
  readonly #latencyMaxMs: number;
  readonly #detectionMaxMs: number;
  readonly #endpoints = new Map<NodeId, SimEndpoint>();
  readonly #links = new Map<number, Link>();
  readonly #rules = new Set<LinkRule>();

  constructor(parts: SimFabricParts) {
    this.timeline = parts.timeline;
    this.onSend = parts.onSend;
    this.onArrive = parts.onArrive;
    this.onNews = parts.onNews;
    this.#random = parts.random;
    this.#latencyMaxMs = parts.latencyMaxMs;
    this.#detectionMaxMs = parts.detectionMaxMs;
  }

  register(endpoint: SimEndpoint): void {
    this.#endpoints.set(endpoint.nodeId, endpoint);
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#link(from, to).isCut;
  }

  /** Adds a rule. Returns what ends it. */
  add(rule: LinkRule): () => void {
    this.#rules.add(rule);
    this.#updateLinks();
    return () => {
      if (this.#rules.delete(rule)) this.#updateLinks();
    };
  }

  /** Ends all rules. */
  heal(): void {
    this.#rules.clear();
    this.#updateLinks();
  }

  /** How long until somebody notices that nothing comes back any more, ms. */
  detectionMs(): number {
    return this.#random.between(0, this.#detectionMaxMs);
  }

  carry(parcel: Parcel): void {
    const link = this.#link(parcel.from, parcel.to);
    if (link.isCut || link.isLost()) {
      parcel.onLeft?.();
      parcel.lose(link.isCut ? 'cut' : 'lost');
      return;
    }
    this.#send(link, parcel);
    if (parcel.isDuplicable && link.isDuplicated()) this.#send(link, copyOf(parcel));
  }

  #send(link: Link, parcel: Parcel): void {
    const { timeline } = this;
    const delayMs = link.arrivalMs(timeline.nowMs, parcel.lane) - timeline.nowMs;
    timeline.after(delayMs, () => this.#arrive(link, parcel));
  }

  #arrive(link: Link, parcel: Parcel): void {
    parcel.onLeft?.();
    // A partition loses what is on its way.
    if (link.isCut) {
      parcel.lose('cut');
      return;
    }
    const endpoint = this.#endpoints.get(parcel.to);
    if (endpoint?.isOpen !== true) {
      parcel.lose('nobody');
      return;
    }
    // A process that dies before it has read something takes that with it, and the connection breaks.
    const forget = endpoint.onGone(() => parcel.lose('nobody'));
    endpoint.process.io(() => {
      forget();
      if (endpoint.isOpen) parcel.deliver(endpoint);
    });
  }

  #link(from: NodeId, to: NodeId): Link {
    const key = from * NODES_MAX + to;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const link = new Link({ from, to }, this.#random.fork(`${from}-${to}`), this.#latencyMaxMs);
    link.update(this.#rules);
    this.#links.set(key, link);
    return link;
  }

  #updateLinks(): void {
    for (const link of this.#links.values()) link.update(this.#rules);
  }
}

/** Whoever sent it learns only of one of the two. */
function copyOf({ from, to, lane, isDuplicable, deliver }: Parcel): Parcel {
  return { from, to, lane, isDuplicable, deliver, lose: () => undefined };
}
