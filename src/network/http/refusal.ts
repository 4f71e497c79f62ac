/** Errors as HTTP answers, on both sides: what a node refuses, and what its peer makes of it. */
import { fromRemoteFailure, toRemoteFailure } from '../../codec/remote-error.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PeerRefusedError } from '../../errors.ts';
import { ConsensusError, ProtocolError, UnauthenticatedError, UnreachableError } from '../../errors.ts';
import type { RemoteFailure } from '../../ports/network.ts';
import { requireProtocol } from './envelope-headers.ts';
import type { HttpAnswer } from './http-client.ts';
import { HEADERS } from './wire.ts';

/** The status that tells a failure. */
export function statusOf(error: unknown): number {
  if (!ConsensusError.is(error)) {
    return 500;
  }
  switch (error.code) {
    case 'UNAUTHENTICATED':
      return 401;
    case 'PEER_REFUSED':
      return statusOfRefusal(error);
    case 'PROTOCOL':
    case 'SERIALIZATION':
      return 400;
    case 'PAYLOAD_TOO_LARGE':
      return 413;
    case 'NOT_LEADER':
      return 421;
    case 'BUSY':
    case 'STOPPED':
    case 'FATAL':
      return 503;
    default:
      return 500;
  }
}

function statusOfRefusal(error: ConsensusError): number {
  // By field, not by class: the error may come from another copy of this package.
  switch ((error as PeerRefusedError).reason) {
    case 'version':
      return 426;
    case 'not-ready':
      return 503;
    default:
      return 409;
  }
}

/** The body of a refusal. */
export function failureJson(error: unknown): string {
  return JSON.stringify(toRemoteFailure(error));
}

/** Who answered, for the words of an error. */
export interface Answerer {
  readonly nodeId: NodeId;
  readonly addr: string;
}

/** Whether the answer comes from a node of ours at all, rather than from something in between. */
export function isOurs(answer: HttpAnswer): boolean {
  return answer.headers[HEADERS.protocol] !== undefined;
}

/**
 * Passes good answers on.
 * @throws the error that the answer stands for
 */
export function requireSuccess(answer: HttpAnswer, answerer: Answerer): HttpAnswer {
  const isSuccess = answer.status === 200 || answer.status === 204;
  if (!isSuccess) {
    throw errorOf(answer, answerer);
  }
  if (!isOurs(answer)) {
    throw new UnreachableError(
      answerer.addr,
      `something else answers there (HTTP ${answer.status} without ${HEADERS.protocol})`,
    );
  }
  requireProtocol(answer.headers);
  return answer;
}

/** The error that an answer stands for. */
export function errorOf(answer: HttpAnswer, { nodeId, addr }: Answerer): ConsensusError {
  if (answer.status === 401) {
    return new UnauthenticatedError(
      `${addr} refused the credential (401): give HttpNetwork an authToken that the peer's raftService accepts`,
    );
  }
  const failure = isOurs(answer) ? parseFailure(answer.body) : null;
  if (failure !== null) {
    return fromRemoteFailure(failure, { nodeId, peerAddr: addr, mayHaveAppended: false });
  }
  switch (answer.status) {
    case 413:
      return new ProtocolError(`${addr} takes no body of this size (413): raise the limit of what stands in between`);
    case 404:
    case 405:
      return new UnreachableError(
        addr,
        `no Raft endpoint is there (${answer.status}): is raftService mounted, with this prefix?`,
      );
    default:
      return new UnreachableError(addr, `something else answers there (HTTP ${answer.status})`);
  }
}

function parseFailure(body: Buffer): RemoteFailure | null {
  try {
    const { code, message, leaderId, leaderAddr, details } = JSON.parse(body.toString('utf8'));
    if (typeof code !== 'string' || typeof message !== 'string') {
      return null;
    }
    const failure: RemoteFailure = {
      code,
      message,
      leaderId: typeof leaderId === 'number' ? leaderId : null,
      leaderAddr: typeof leaderAddr === 'string' ? leaderAddr : null,
    };
    return details === undefined ? failure : { ...failure, details };
  } catch {
    // No JSON: not from a node of ours.
    return null;
  }
}

/** Whether trying again soon is pointless: only a person can change the answer. */
export function isFinal(error: Error): boolean {
  if (!ConsensusError.is(error)) {
    return false;
  }
  return (
    error.code === 'UNAUTHENTICATED' ||
    (error.code === 'PEER_REFUSED' && (error as PeerRefusedError).reason !== 'not-ready')
  );
}
