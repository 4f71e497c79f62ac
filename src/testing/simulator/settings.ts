/** What a run is made of, besides faults: drawn from the seed, so that many seeds see many kinds of cluster. */
import type { ConsensusConfig } from '../../runtime/config.ts';
import type { SimRandom } from './time/sim-random.ts';

export interface SimSettings {
  /** How many nodes the cluster starts with, all of them voters. */
  readonly nodes: number;
  /** Nodes are added one by one, as an application does it, or all at once. */
  readonly isGrownOneByOne: boolean;
  readonly config: Partial<ConsensusConfig>;
  /** Does the state machine keep its state on the disk, or is it rebuilt from snapshot and log? */
  readonly isStateDurable: boolean;
  readonly latencyMaxMs: number;
  readonly syncMaxMs: number;
  /** How long it takes at most to notice that a connection is broken. */
  readonly detectionMaxMs: number;
  readonly driftMax: number;
  /** Messages under way on one connection, before the next one is refused. */
  readonly maxInFlight: number;
  readonly clients: number;
  /** The usual pause of a client between two calls. */
  readonly thinkMs: number;
  /** Share of the calls that read. */
  readonly readShare: number;
  readonly registers: number;
  readonly lists: number;
}

/** The election timeout at most: what other times are measured in. */
export function timeUnitMs({ config }: SimSettings): number {
  return config.electionTimeoutMaxMs ?? 3000;
}

/** Clusters of three and five are the most common, and the most interesting. */
const SIZES = [1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7];

export function drawSettings(random: SimRandom, nodes: number | null): SimSettings {
  const electionTimeoutMinMs = random.pick([150, 300, 300, 600]);
  const heartbeatIntervalMs = Math.floor(electionTimeoutMinMs / random.pick([3, 4, 5, 6]));
  const config = { electionTimeoutMinMs, electionTimeoutMaxMs: 2 * electionTimeoutMinMs, heartbeatIntervalMs };
  // Drawn in any case: the rest must not depend on whether it was asked for.
  const drawnNodes = random.pick(SIZES);
  const settings = {
    nodes: nodes ?? drawnNodes,
    isGrownOneByOne: random.chance(0.3),
    config: { clusterName: 'simulation', ...config, ...drawLimits(random, electionTimeoutMinMs) },
    isStateDurable: random.chance(0.3),
    latencyMaxMs: random.pick([1, heartbeatIntervalMs / 10, heartbeatIntervalMs / 4]),
    syncMaxMs: random.pick([0.5, 2, heartbeatIntervalMs / 4, heartbeatIntervalMs]),
    detectionMaxMs: random.pick([heartbeatIntervalMs, electionTimeoutMinMs, 4 * electionTimeoutMinMs]),
    driftMax: random.pick([0, 0.001, 0.04]),
    maxInFlight: random.pick([4, 64, 1000]),
    clients: 1 + random.below(6),
    thinkMs: random.pick([20, 60, 200]),
    readShare: random.pick([0.2, 0.5, 0.8]),
    registers: 1 + random.below(4),
    lists: random.below(3),
  };
  return { ...settings, syncMaxMs: Math.min(settings.syncMaxMs, syncLimitMs(settings.config)) };
}

/** With a window of a few entries each of them waits for a sync: a new member must catch up in time all the same. */
function syncLimitMs({ maxPayloadEntries = 300, maxInflightAppends = 64 }: Partial<ConsensusConfig>): number {
  return maxPayloadEntries * maxInflightAppends <= 4 ? 10 : Number.POSITIVE_INFINITY;
}

/** Small limits make large things happen with little work. */
function drawLimits(random: SimRandom, electionTimeoutMinMs: number): Partial<ConsensusConfig> {
  return {
    snapshotLogsSinceLast: random.pick([0, 5, 20, 100, 1000]),
    maxInSnapshotLogToKeep: random.pick([0, 2, 10, 1000]),
    snapshotChunkBytes: random.pick([16, 100, 1000, 262_144]),
    maxPayloadEntries: random.pick([1, 2, 5, 300]),
    maxPayloadBytes: random.pick([100, 1000, 1_048_576]),
    maxInflightAppends: random.pick([1, 2, 4, 64]),
    maxInflightBytes: random.pick([200, 2000, 16_777_216]),
    maxUncommittedBytes: random.pick([5000, 67_108_864]),
    maxRequestBytes: 4000,
    maxPendingReads: random.pick([3, 65_536]),
    logCacheBytes: random.pick([1, 1000, 33_554_432]),
    rpcTimeoutMs: random.pick([electionTimeoutMinMs, 5000]),
    snapshotTimeoutMs: random.pick([4 * electionTimeoutMinMs, 60_000]),
    proposeTimeoutMs: 10 * electionTimeoutMinMs,
    preVote: random.chance(0.85),
    checkQuorum: random.chance(0.85),
    leaseReads: random.chance(0.5),
  };
}
