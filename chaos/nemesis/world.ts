/** What a nemesis has before it, and how it is written. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import type { ClusterNetwork } from '../network/cluster-network.ts';
import type { PlannedFault } from './fault.ts';

export interface World {
  readonly cluster: Cluster;
  readonly network: ClusterNetwork;
  /** Where wall clocks are moved; null where they can't be. */
  readonly clocks: Clocks | null;
  /** Aborted when the time for faults is over: a long one comes to its end then. */
  readonly signal: AbortSignal;
}

/** Of each place's process: how far its wall clock is off. */
export interface Clocks {
  setOffset(place: number, offsetSeconds: number): Promise<void>;
}

/** A fault that is being inflicted. */
export interface OngoingFault {
  /** Whom it hit and how, for people. */
  readonly what: string;
  /** Ends it, and resolves when it is over; called once, whatever happened. */
  end(): Promise<void>;
}

/** Starts a fault. Resolves with null when there was nobody to hit just now. Its `holdMs` is up to the caller. */
export type Nemesis = (fault: PlannedFault, world: World) => Promise<OngoingFault | null>;

/** Nodes as people name them. */
export function names(members: readonly Member[]): string {
  const ids = members.map(({ nodeId }) => nodeId).join(', ');
  return `${members.length === 1 ? 'node' : 'nodes'} ${ids}`;
}
