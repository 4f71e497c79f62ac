/** Where the nodes are, and what can be done to the lines between them. */
import type { Line, LineCondition } from './line.ts';
import type { LinkProxyCounts } from './link-proxy.ts';

export interface NodePlace {
  /** The network namespace of its process; null: that of the run. */
  readonly namespace: string | null;
  /** Where its peers reach it. */
  readonly peerAddress: string;
  /** Where it listens for them; port 0: any. */
  readonly peerHost: string;
  readonly peerPort: number;
  /** Where it listens for clients; port 0: any. */
  readonly clientHost: string;
  readonly clientPort: number;
}

export interface ClusterNetwork {
  readonly kind: 'namespaces' | 'loopback';
  /** Where clients run. */
  readonly clientNamespace: string | null;
  place(place: number): NodePlace;
  /** The node of that place listens for peers on this port now. */
  arrive(place: number, peerPort: number): Promise<void>;
  /** Makes lines worse; impairments add up. Resolves with what takes it back. */
  impair(lines: readonly Line[], condition: Partial<LineCondition>): Promise<() => Promise<void>>;
  /** Takes a node off the network. On loopback its clients still reach it. Resolves with what plugs it in again. */
  unplug(place: number): Promise<() => Promise<void>>;
  /** What the proxies did; null where there are none. */
  counts(): Promise<LinkProxyCounts | null>;
}
