/** Errors across the network: what a peer threw comes out at the other end as an error of the same kind. */
import type { LogId, NodeId } from '../core/ids.ts';
import { isCounter, isNodeId, logId } from '../core/ids.ts';
import type { BasicNode, JsonValue } from '../core/membership/membership.ts';
import type { ErrorCode, PeerRefusal } from '../errors.ts';
import {
  BusyError,
  ConsensusError,
  IndeterminateError,
  LeaseExpiredError,
  NotLeaderError,
  PayloadTooLargeError,
  PeerRefusedError,
  ProtocolError,
  QuorumNotEnoughError,
  SerializationError,
  SnapshotError,
  TimeoutError,
  TransferError,
  UnauthenticatedError,
  UnreachableError,
} from '../errors.ts';
import type { RemoteFailure } from '../ports/network.ts';

/** Who failed, doing what. */
export interface RemoteContext {
  /** The peer that answered. */
  readonly nodeId: NodeId;
  readonly peerAddr: string;
  /**
   * Whether the failed request may have appended anything: `true` (the default) for a proposal, `false` for all that
   * only reads or offers. It decides what a peer's breakdown means.
   */
  readonly mayHaveAppended?: boolean;
}

/** The code of what is no `ConsensusError`: nothing is known about it. */
const UNEXPECTED = 'UNEXPECTED';

/** A message is cut to this many characters. */
const MESSAGE_LENGTH_MAX = 4096;

/** The fields that make an error of this code what it is, besides message and leader. */
const DETAIL_FIELDS: { readonly [code in ErrorCode]?: readonly string[] } = {
  BUSY: ['limit'],
  PAYLOAD_TOO_LARGE: ['sizeBytes', 'limitBytes'],
  TIMEOUT: ['timeoutMs'],
  QUORUM_NOT_ENOUGH: ['voters', 'confirmed'],
  INDETERMINATE: ['logId'],
  PEER_REFUSED: ['reason'],
};

/** Anything that was thrown, ready to be sent. */
export function toRemoteFailure(error: unknown): RemoteFailure {
  if (!ConsensusError.is(error)) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { code: UNEXPECTED, message: clean(message), leaderId: null, leaderAddr: null };
  }
  // By field, not by class: the error may come from another copy of this package.
  const fields = error as ConsensusError & Partial<Pick<NotLeaderError, 'leaderId' | 'leaderNode'>>;
  const failure: RemoteFailure = {
    code: error.code,
    message: clean(error.message),
    leaderId: fields.leaderId ?? null,
    leaderAddr: fields.leaderNode?.addr ?? null,
  };
  const names = DETAIL_FIELDS[error.code];
  return names === undefined ? failure : { ...failure, details: pick(error, names) };
}

/**
 * The error that the caller of a remote request gets: with the code, the message, the leader and the details that the
 * peer sent.
 *
 * Where the peer broke down (it is fatal, stopped, its storage failed, or it says something that this release does not
 * know), the code alone would not say whether the request took effect. Then the error is `INDETERMINATE` if anything may
 * have been appended, and otherwise `UNREACHABLE`, which is safe to retry elsewhere.
 */
export function fromRemoteFailure(failure: RemoteFailure, context: RemoteContext): ConsensusError {
  const error = rebuild(failure, context);
  if (error === null) {
    return breakdown(failure, context);
  }
  error.message = failure.message;
  // The stack begins with the message.
  Error.captureStackTrace(error, fromRemoteFailure);
  return error;
}

function rebuild(failure: RemoteFailure, { nodeId, peerAddr }: RemoteContext): ConsensusError | null {
  const { message, leaderId } = failure;
  const details = fieldsOf(failure.details);
  switch (failure.code) {
    case 'NOT_LEADER':
      return new NotLeaderError(nodeId, leaderId, leaderNodeOf(failure));
    case 'BUSY':
      return new BusyError(textOf(details['limit']), message);
    case 'PAYLOAD_TOO_LARGE':
      return new PayloadTooLargeError(numberOf(details['sizeBytes']), numberOf(details['limitBytes']));
    case 'TIMEOUT':
      return new TimeoutError('the request', numberOf(details['timeoutMs']));
    case 'QUORUM_NOT_ENOUGH':
      return new QuorumNotEnoughError(nodeIdsOf(details['voters']), nodeIdsOf(details['confirmed']));
    case 'INDETERMINATE':
      return new IndeterminateError(message, {
        logId: logIdOf(details['logId']),
        leaderId,
        leaderNode: leaderNodeOf(failure),
      });
    case 'PEER_REFUSED':
      return new PeerRefusedError(refusalOf(details['reason']), message);
    case 'UNREACHABLE':
      return new UnreachableError(peerAddr, message);
    default:
      return rebuildPlain(failure);
  }
}

/** Errors that are nothing but code and message. */
function rebuildPlain({ code, message }: RemoteFailure): ConsensusError | null {
  switch (code) {
    case 'SERIALIZATION':
      return new SerializationError(message);
    case 'LEASE_EXPIRED':
      return new LeaseExpiredError(message);
    case 'TRANSFER':
      return new TransferError(message);
    case 'UNAUTHENTICATED':
      return new UnauthenticatedError(message);
    case 'PROTOCOL':
      return new ProtocolError(message);
    case 'SNAPSHOT':
      return new SnapshotError(message);
    case 'CONFIG':
    case 'MEMBERSHIP':
    case 'CHANGE_IN_PROGRESS':
    case 'ALREADY_INITIALIZED':
    case 'IDENTITY':
      // No request of a peer fails like this; should one ever do so, code and message say it all.
      return new ConsensusError(code, message);
    default:
      return null;
  }
}

function breakdown(
  failure: RemoteFailure,
  { nodeId, peerAddr, mayHaveAppended = true }: RemoteContext,
): ConsensusError {
  const what = `node ${nodeId} at ${peerAddr} failed (${failure.code}): ${failure.message}`;
  if (mayHaveAppended) {
    return new IndeterminateError(what, { leaderId: failure.leaderId, leaderNode: leaderNodeOf(failure) });
  }
  return new UnreachableError(peerAddr, what);
}

function leaderNodeOf({ leaderAddr }: RemoteFailure): BasicNode | null {
  return leaderAddr === null ? null : { addr: leaderAddr, instanceId: null, metadata: null };
}

function pick(error: ConsensusError, names: readonly string[]): JsonValue {
  const fields = error as unknown as Readonly<Record<string, JsonValue | undefined>>;
  return Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
}

function fieldsOf(details: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  const isObject = typeof details === 'object' && details !== null && !Array.isArray(details);
  // An array was excluded, which the type of a readonly array hides from the compiler.
  return isObject ? (details as Readonly<Record<string, JsonValue>>) : {};
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function nodeIdsOf(value: JsonValue | undefined): readonly NodeId[] {
  return Array.isArray(value) ? value.filter(isNodeId) : [];
}

function logIdOf(value: JsonValue | undefined): LogId | null {
  const { term, index } = fieldsOf(value);
  return isCounter(term) && isCounter(index) ? logId(term, index) : null;
}

const REFUSALS: readonly PeerRefusal[] = ['version', 'cluster', 'node', 'instance', 'not-ready'];

/** An unknown reason is one that a newer release has: a matter of versions. */
function refusalOf(value: JsonValue | undefined): PeerRefusal {
  return REFUSALS.find((reason) => reason === value) ?? 'version';
}

/** Messages may hold what applications and other machines put there. */
function clean(message: string): string {
  return message.slice(0, MESSAGE_LENGTH_MAX).toWellFormed();
}
