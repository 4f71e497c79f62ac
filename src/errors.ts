/** All errors of the library. Match on `code`; messages may change. */

import type { LogId, NodeId } from './core/ids.ts';
import type { BasicNode } from './core/membership/membership.ts';
import type { MembershipRefusal } from './core/refusal.ts';

/**
 * Every code, once and for all: a code is never reused. `retry` tells whether calling again is
 * - `safe`: the request was certainly not applied;
 * - `unsafe`: it may have been applied, or still may be;
 * - `never`: the same call can't succeed.
 */
export const ERROR_CODES = {
  CONFIG: 'never',
  NOT_LEADER: 'safe',
  BUSY: 'safe',
  PAYLOAD_TOO_LARGE: 'never',
  SERIALIZATION: 'never',
  TIMEOUT: 'safe',
  QUORUM_NOT_ENOUGH: 'safe',
  LEASE_EXPIRED: 'safe',
  INDETERMINATE: 'unsafe',
  MEMBERSHIP: 'never',
  CHANGE_IN_PROGRESS: 'safe',
  ALREADY_INITIALIZED: 'never',
  TRANSFER: 'safe',
  UNREACHABLE: 'safe',
  PEER_REFUSED: 'never',
  UNAUTHENTICATED: 'never',
  PROTOCOL: 'never',
  STORAGE: 'never',
  CORRUPTION: 'never',
  IDENTITY: 'never',
  SNAPSHOT: 'safe',
  FATAL: 'never',
  STOPPED: 'never',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
export type Retry = 'safe' | 'unsafe' | 'never';

const BRAND: unique symbol = Symbol.for('zlayer-consensus.ConsensusError') as never;

/** The base of all. `ConsensusError.is(e)` also recognises errors of another copy of this package. */
export class ConsensusError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.retry = ERROR_CODES[code];
    Object.defineProperty(this, BRAND, { value: true });
  }

  static is(error: unknown): error is ConsensusError {
    return typeof error === 'object' && error !== null && BRAND in error;
  }
}

export interface ConfigProblem {
  readonly field: string;
  readonly value: unknown;
  readonly rule: string;
}

/** The configuration is invalid; lists every problem. */
export class ConfigError extends ConsensusError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map((p) => `${p.field} = ${String(p.value)}: ${p.rule}`);
    super('CONFIG', `invalid configuration: ${lines.join('; ')}`);
    this.problems = problems;
  }
}

/** This node does not lead; nothing was done. Ask `leaderId`, or wait for a leader when it is `null`. */
export class NotLeaderError extends ConsensusError {
  readonly nodeId: NodeId;
  readonly leaderId: NodeId | null;
  readonly leaderNode: BasicNode | null;

  constructor(nodeId: NodeId, leaderId: NodeId | null, leaderNode: BasicNode | null) {
    const hint =
      leaderId === null
        ? 'no leader is known; retry after an election'
        : `the leader is node ${leaderId}${leaderNode === null ? '' : ` at ${leaderNode.addr}`}`;
    super('NOT_LEADER', `node ${nodeId} is not the leader: ${hint}`);
    this.nodeId = nodeId;
    this.leaderId = leaderId;
    this.leaderNode = leaderNode;
  }
}

/** A limit is reached; nothing was done. Retry after a pause. */
export class BusyError extends ConsensusError {
  readonly limit: string;

  constructor(limit: string, message: string) {
    super('BUSY', message);
    this.limit = limit;
  }
}

export class PayloadTooLargeError extends ConsensusError {
  readonly sizeBytes: number;
  readonly limitBytes: number;

  constructor(sizeBytes: number, limitBytes: number) {
    super(
      'PAYLOAD_TOO_LARGE',
      `the encoded request has ${sizeBytes} bytes, more than maxRequestBytes (${limitBytes}); split it, or store the data elsewhere and propose a reference`,
    );
    this.sizeBytes = sizeBytes;
    this.limitBytes = limitBytes;
  }
}

/** A value could not be turned into bytes, or bytes into a value. */
export class SerializationError extends ConsensusError {
  constructor(message: string, cause?: unknown) {
    super('SERIALIZATION', message, cause);
  }
}

/** The deadline passed before anything was appended or while only waiting: nothing was changed. */
export class TimeoutError extends ConsensusError {
  readonly timeoutMs: number;

  /** `outcome` is what did happen, for an action that came to a safe halt halfway. */
  constructor(action: string, timeoutMs: number, outcome: string = 'nothing was changed') {
    super('TIMEOUT', `${action} did not finish within ${timeoutMs} ms; ${outcome}`);
    this.timeoutMs = timeoutMs;
  }
}

/** Too few voters confirmed the leadership; the read was not served. */
export class QuorumNotEnoughError extends ConsensusError {
  readonly voters: readonly NodeId[];
  readonly confirmed: readonly NodeId[];

  constructor(voters: readonly NodeId[], confirmed: readonly NodeId[]) {
    super(
      'QUORUM_NOT_ENOUGH',
      `of the voters ${voters.join(', ')} only ${confirmed.join(', ')} confirmed the leader in time`,
    );
    this.voters = voters;
    this.confirmed = confirmed;
  }
}

/** The lease ran out (or lease reads are off); read with `linearizable` consistency instead. */
export class LeaseExpiredError extends ConsensusError {
  constructor(message: string) {
    super('LEASE_EXPIRED', message);
  }
}

/**
 * The outcome is unknown: the request was appended, and leadership was lost, the deadline passed or the caller aborted
 * before it was known to be committed. It may be applied later. Retry only what is idempotent.
 */
export class IndeterminateError extends ConsensusError {
  /** Where the request stands in the log, if it is known. */
  readonly logId: LogId | null;
  /** Who leads now, if it is known. */
  readonly leaderId: NodeId | null;
  readonly leaderNode: BasicNode | null;

  constructor(
    reason: string,
    details: { logId?: LogId | null; leaderId?: NodeId | null; leaderNode?: BasicNode | null; cause?: unknown } = {},
  ) {
    super('INDETERMINATE', `the outcome is unknown: ${reason}; it may or may not be applied`, details.cause);
    this.logId = details.logId ?? null;
    this.leaderId = details.leaderId ?? null;
    this.leaderNode = details.leaderNode ?? null;
  }
}

/** The membership change is not possible; nothing was appended. */
export class MembershipError extends ConsensusError {
  readonly refusal: MembershipRefusal | null;

  constructor(message: string, refusal: MembershipRefusal | null = null, cause?: unknown) {
    super('MEMBERSHIP', message, cause);
    this.refusal = refusal;
  }
}

/** Another membership change is not committed yet; nothing was appended. Retry after it. */
export class ChangeInProgressError extends ConsensusError {
  readonly committed: LogId;
  readonly pending: LogId;

  constructor(committed: LogId, pending: LogId) {
    super(
      'CHANGE_IN_PROGRESS',
      `another membership change is in progress (committed ${committed.term}:${committed.index}, pending ${pending.term}:${pending.index}); retry when it is committed`,
    );
    this.committed = committed;
    this.pending = pending;
  }
}

/** The node is part of a cluster already. Safe to ignore when that is what was wanted. */
export class AlreadyInitializedError extends ConsensusError {
  readonly lastLogId: LogId;

  constructor(nodeId: NodeId, lastLogId: LogId, term: number) {
    super(
      'ALREADY_INITIALIZED',
      `node ${nodeId} is initialized already (last log ${lastLogId.term}:${lastLogId.index}, term ${term}); use bootstrapIfNeeded to ignore this`,
    );
    this.lastLogId = lastLogId;
  }
}

/** Leadership was not handed over; the old leader goes on. */
export class TransferError extends ConsensusError {
  constructor(message: string) {
    super('TRANSFER', message);
  }
}

/** The peer could not be reached; nothing was delivered. */
export class UnreachableError extends ConsensusError {
  readonly addr: string;

  constructor(addr: string, reason: string, cause?: unknown) {
    super('UNREACHABLE', `cannot reach ${addr}: ${reason}`, cause);
    this.addr = addr;
  }
}

export type PeerRefusal = 'version' | 'cluster' | 'node' | 'instance' | 'not-ready';

/** Sender and receiver do not belong together. Not retried until the configuration changes. */
export class PeerRefusedError extends ConsensusError {
  readonly reason: PeerRefusal;

  constructor(reason: PeerRefusal, message: string) {
    super('PEER_REFUSED', message);
    this.reason = reason;
  }
}

/** The credential is missing or wrong. */
export class UnauthenticatedError extends ConsensusError {
  constructor(message: string) {
    super('UNAUTHENTICATED', message);
  }
}

/** A peer sent bytes that are no valid message. */
export class ProtocolError extends ConsensusError {
  constructor(message: string, cause?: unknown) {
    super('PROTOCOL', message, cause);
  }
}

/** A store failed. The node stops. */
export class StorageError extends ConsensusError {
  constructor(message: string, cause?: unknown) {
    super('STORAGE', message, cause);
  }
}

/** Stored data is damaged or missing. Nothing is replaced by a default. */
export class CorruptionError extends ConsensusError {
  constructor(message: string, cause?: unknown) {
    super('CORRUPTION', message, cause);
  }
}

/** The store belongs to another node or cluster, or is empty where it must not be. */
export class IdentityError extends ConsensusError {
  constructor(message: string) {
    super('IDENTITY', message);
  }
}

/** A snapshot could not be built, sent or installed; the node goes on. */
export class SnapshotError extends ConsensusError {
  constructor(message: string, cause?: unknown) {
    super('SNAPSHOT', message, cause);
  }
}

/** The node stopped for good: `cause` says why. Restart the process after the cause is removed. */
export class FatalError extends ConsensusError {
  readonly nodeId: NodeId;

  constructor(nodeId: NodeId, reason: string, cause?: unknown) {
    super('FATAL', `node ${nodeId} stopped for good: ${reason}`, cause);
    this.nodeId = nodeId;
  }
}

/** The node was shut down. */
export class StoppedError extends ConsensusError {
  readonly nodeId: NodeId;

  constructor(nodeId: NodeId) {
    super('STOPPED', `node ${nodeId} is shut down`);
    this.nodeId = nodeId;
  }
}
