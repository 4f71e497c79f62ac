/** The configuration of a node: defaults, and one check of the whole. */

import type { ConfigProblem } from '../errors.ts';
import { ConfigError } from '../errors.ts';

export interface ConsensusConfig {
  /** The user's name for the cluster. A store of another name is refused, and a node of one can't be added. Default `'zlayer'`. */
  readonly clusterName: string;
  /** A follower campaigns after hearing nothing for a time drawn anew from [min, max). Defaults 1500 and 3000. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** How often a leader says that it is alive. Default 200; at most a third of `electionTimeoutMinMs` is sensible. */
  readonly heartbeatIntervalMs: number;
  /** Build a snapshot when so many entries were applied since the last one; 0 = never by itself. Default 10 000. */
  readonly snapshotLogsSinceLast: number;
  /** Entries before a snapshot that stay in the log, for followers a little behind. Default 1000. */
  readonly maxInSnapshotLogToKeep: number;
  /** Most entries in one append. Default 300. */
  readonly maxPayloadEntries: number;
  /** Most bytes in one append (a larger single entry still travels, alone). Default 1 MiB. */
  readonly maxPayloadBytes: number;
  /** Most unanswered appends to one peer. Default 64. */
  readonly maxInflightAppends: number;
  /** Most unanswered bytes to one peer. Default 16 MiB: at 1 ms of round trip that is 16 GB/s, at 100 ms 160 MB/s. */
  readonly maxInflightBytes: number;
  /** Most bytes proposed and not yet committed; beyond it `propose` fails with `BUSY`. Default 64 MiB. */
  readonly maxUncommittedBytes: number;
  /** Largest encoded request. Default 8 MiB. */
  readonly maxRequestBytes: number;
  /** Most reads that wait for a confirmation. Default 65 536. */
  readonly maxPendingReads: number;
  /** Bytes of the newest entries kept in memory. Default 32 MiB. */
  readonly logCacheBytes: number;
  /** How long a single exchange with a peer may take. Default 5000. */
  readonly rpcTimeoutMs: number;
  /** A snapshot transfer that makes no progress for so long is given up. Default 60 000. */
  readonly snapshotTimeoutMs: number;
  /** Size of the pieces a snapshot is sent in. Default 256 KiB. */
  readonly snapshotChunkBytes: number;
  /** The default of `timeoutMs` for `propose`, reads and membership calls. Default 10 000. */
  readonly proposeTimeoutMs: number;
  /** Ask for pre-votes before an election. Default true. */
  readonly preVote: boolean;
  /** A leader that hears from no quorum steps down. Default true. */
  readonly checkQuorum: boolean;
  /** Allow reads that rely on clocks running at about the same speed. Default false. */
  readonly leaseReads: boolean;
  /** Part of the election timeout by which clocks may drift apart. Default 0.1. */
  readonly clockDriftBound: number;
}

/** The defaults of the Rust crate, and ours where it has none. */
export const DEFAULT_CONFIG: ConsensusConfig = Object.freeze({
  clusterName: 'zlayer',
  electionTimeoutMinMs: 1500,
  electionTimeoutMaxMs: 3000,
  heartbeatIntervalMs: 200,
  snapshotLogsSinceLast: 10_000,
  maxInSnapshotLogToKeep: 1000,
  maxPayloadEntries: 300,
  maxPayloadBytes: 1024 * 1024,
  maxInflightAppends: 64,
  maxInflightBytes: 16 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
  maxRequestBytes: 8 * 1024 * 1024,
  maxPendingReads: 65_536,
  logCacheBytes: 32 * 1024 * 1024,
  rpcTimeoutMs: 5000,
  snapshotTimeoutMs: 60_000,
  snapshotChunkBytes: 256 * 1024,
  proposeTimeoutMs: 10_000,
  preVote: true,
  checkQuorum: true,
  leaseReads: false,
  clockDriftBound: 0.1,
});

type Check = (value: unknown) => string | null;

const positiveInteger: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? null : 'must be a positive integer';
const counter: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? null : 'must be an integer that is not negative';
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const text: Check = (value) =>
  typeof value === 'string' && value.length > 0 ? null : 'must be a text that is not empty';
const fraction: Check = (value) =>
  typeof value === 'number' && value >= 0 && value < 1 ? null : 'must be at least 0 and less than 1';

const CHECKS: { readonly [Field in keyof ConsensusConfig]: Check } = {
  clusterName: text,
  electionTimeoutMinMs: positiveInteger,
  electionTimeoutMaxMs: positiveInteger,
  heartbeatIntervalMs: positiveInteger,
  snapshotLogsSinceLast: counter,
  maxInSnapshotLogToKeep: counter,
  maxPayloadEntries: positiveInteger,
  maxPayloadBytes: positiveInteger,
  maxInflightAppends: positiveInteger,
  maxInflightBytes: positiveInteger,
  maxUncommittedBytes: positiveInteger,
  maxRequestBytes: positiveInteger,
  maxPendingReads: positiveInteger,
  logCacheBytes: positiveInteger,
  rpcTimeoutMs: positiveInteger,
  snapshotTimeoutMs: positiveInteger,
  snapshotChunkBytes: positiveInteger,
  proposeTimeoutMs: positiveInteger,
  preVote: flag,
  checkQuorum: flag,
  leaseReads: flag,
  clockDriftBound: fraction,
};

/**
 * Completes a partial configuration with the defaults and checks it as a whole.
 * @throws ConfigError listing every problem, each with field, value and rule
 */
export function resolveConfig(partial: Partial<ConsensusConfig> = {}): ConsensusConfig {
  const config: ConsensusConfig = { ...DEFAULT_CONFIG, ...partial };
  const problems = [...unknownFields(partial), ...invalidFields(config)];
  const invalid = new Set(problems.map(({ field }) => field));
  problems.push(...conflicts(config, (...fields) => fields.every((field) => !invalid.has(field))));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function unknownFields(partial: Partial<ConsensusConfig>): ConfigProblem[] {
  return Object.entries(partial)
    .filter(([field]) => !Object.hasOwn(CHECKS, field))
    .map(([field, value]) => ({ field, value, rule: 'is not a configuration field' }));
}

function invalidFields(config: ConsensusConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const field of Object.keys(CHECKS) as (keyof ConsensusConfig)[]) {
    const rule = CHECKS[field](config[field]);
    if (rule !== null) problems.push({ field, value: config[field], rule });
  }
  return problems;
}

/** Rules between fields; `areValid` tells whether the fields themselves are in order. */
function conflicts(
  config: ConsensusConfig,
  areValid: (...fields: (keyof ConsensusConfig)[]) => boolean,
): ConfigProblem[] {
  const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max, heartbeatIntervalMs, maxRequestBytes } = config;
  const problems: ConfigProblem[] = [];
  if (areValid('electionTimeoutMinMs', 'electionTimeoutMaxMs') && min >= max) {
    const rule = `must be less than electionTimeoutMaxMs (${max})`;
    problems.push({ field: 'electionTimeoutMinMs', value: min, rule });
  }
  if (areValid('heartbeatIntervalMs', 'electionTimeoutMinMs') && heartbeatIntervalMs >= min) {
    const rule = `must be less than electionTimeoutMinMs (${min}), or followers campaign between heartbeats`;
    problems.push({ field: 'heartbeatIntervalMs', value: heartbeatIntervalMs, rule });
  }
  if (areValid('maxRequestBytes', 'maxUncommittedBytes') && maxRequestBytes > config.maxUncommittedBytes) {
    const rule = `must not exceed maxUncommittedBytes (${config.maxUncommittedBytes})`;
    problems.push({ field: 'maxRequestBytes', value: maxRequestBytes, rule });
  }
  return problems;
}
