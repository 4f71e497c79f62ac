/** What can be done to the cluster: the kinds of faults, and what a planned one looks like. */

export interface FaultKind {
  /** For the help: a few words. */
  readonly title: string;
  /** With fewer nodes it would be no test but the end of the cluster. */
  readonly minNodes: number;
  readonly variants: readonly string[];
  /** How long it lasts, from and to. */
  readonly holdMs: readonly [number, number];
  /** The pause until the next one of its kind, from and to. */
  readonly calmMs: readonly [number, number];
}

export type FaultName =
  | 'kill'
  | 'pause'
  | 'partition'
  | 'delay'
  | 'loss'
  | 'duplicate'
  | 'disk-full'
  | 'clock'
  | 'membership'
  | 'restart';

export const FAULTS: Readonly<Record<FaultName, FaultKind>> = {
  kill: {
    title: 'kill -9: one node, a minority, a majority or all',
    minNodes: 1,
    variants: ['one', 'leader', 'minority', 'majority', 'all'],
    holdMs: [300, 4000],
    calmMs: [3000, 6000],
  },
  pause: {
    title: 'SIGSTOP for longer than an election timeout, then SIGCONT',
    minNodes: 1,
    variants: ['leader', 'one', 'minority'],
    holdMs: [1500, 4500],
    calmMs: [3000, 5000],
  },
  partition: {
    title: 'nodes that do not reach each other, also one way or in part',
    minNodes: 2,
    variants: ['leader', 'halves', 'deaf', 'mute', 'bridge', 'ring', 'unplugged'],
    holdMs: [2000, 7000],
    calmMs: [3000, 5000],
  },
  delay: {
    title: 'slow lines between nodes',
    minNodes: 2,
    variants: ['all', 'leader', 'some'],
    holdMs: [3000, 8000],
    calmMs: [2000, 4000],
  },
  loss: {
    title: 'lines that stall, and connections that are reset',
    minNodes: 2,
    variants: ['all', 'leader', 'some'],
    holdMs: [3000, 8000],
    calmMs: [2000, 4000],
  },
  duplicate: {
    title: 'messages that arrive a second time, also much later',
    minNodes: 2,
    variants: ['all', 'some'],
    holdMs: [4000, 10_000],
    calmMs: [1000, 3000],
  },
  'disk-full': {
    title: 'no room on the disk: the node stops, gets room and comes back',
    minNodes: 1,
    variants: ['one', 'leader', 'minority'],
    holdMs: [500, 3000],
    calmMs: [5000, 9000],
  },
  clock: {
    title: 'wall clocks that jump, by libfaketime',
    minNodes: 1,
    variants: ['leader', 'one', 'minority', 'all'],
    holdMs: [2000, 6000],
    calmMs: [1000, 3000],
  },
  membership: {
    title: 'nodes replaced, demoted and promoted, leadership handed over',
    minNodes: 3,
    variants: ['replace', 'replace-leader', 'demote', 'transfer'],
    holdMs: [500, 3000],
    calmMs: [2000, 5000],
  },
  restart: {
    title: 'graceful restarts, one node after the other',
    minNodes: 1,
    variants: ['rolling'],
    holdMs: [0, 500],
    calmMs: [4000, 8000],
  },
};

/** What `all` means: the keys of the table, which are these names. */
export const DEFAULT_FAULTS: readonly FaultName[] = Object.keys(FAULTS) as FaultName[];

/** A fault as it was drawn from the seed. Who is hit depends on who leads and what is up when its time has come. */
export interface PlannedFault {
  readonly nemesis: FaultName;
  /** When it starts, from the start of the faults. */
  readonly atMs: number;
  readonly holdMs: number;
  readonly variant: string;
  /** The places of all nodes, in the order in which they are considered as victims. */
  readonly order: readonly number[];
  /** 0 to 1: how bad it is, for what comes in degrees. */
  readonly strength: number;
}
