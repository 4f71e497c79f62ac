/** Names and numbers that client and server of the HTTP network share. */
import type { Message } from '../../core/message.ts';

/** Sent in the `upgrade` header for the binary stream. */
export const STREAM_PROTOCOL = 'zlayer-consensus';

export const OCTET_STREAM = 'application/octet-stream';

export const DEFAULT_PREFIX = '/raft';

/** What follows the prefix in the path. */
export const ROUTES = {
  handshake: '/handshake',
  vote: '/vote',
  append: '/append',
  request: '/request',
  snapshot: '/snapshot',
  fullSnapshot: '/full-snapshot',
  stream: '/stream',
} as const;

export const HEADERS = {
  /** The range of protocol versions, `min-max`. */
  protocol: 'x-zlayer-protocol',
  clusterId: 'x-zlayer-cluster',
  from: 'x-zlayer-from',
  fromInstanceId: 'x-zlayer-from-instance',
  to: 'x-zlayer-to',
  toInstanceId: 'x-zlayer-to-instance',
  /** Where the bytes of a snapshot request belong. */
  snapshotOffset: 'x-zlayer-snapshot-offset',
  /** In answers: a stream can be opened now. */
  stream: 'x-zlayer-stream',
  /** The largest body and frame that the sender of this header takes. */
  maxBodyBytes: 'x-zlayer-max-body-bytes',
} as const;

/** The value of that header. */
export const STREAM_READY = 'ready';

/** The status of a node that is reached in a way that no stream can take. */
export const NO_STREAM = 501;

const MIB = 1024 * 1024;

/** Holds the largest request a node accepts by default (8 MiB) and a full append around it. */
export const DEFAULT_MAX_BODY_BYTES: number = 32 * MIB;

/** More than the core lets be under way to one peer. */
export const DEFAULT_MAX_QUEUE_BYTES: number = 32 * MIB;

/** Which endpoint takes a message. */
export function routeOf(type: Message['type']): typeof ROUTES.vote | typeof ROUTES.append {
  switch (type) {
    case 'pre-vote-request':
    case 'vote-request':
    case 'timeout-now':
      return ROUTES.vote;
    default:
      return ROUTES.append;
  }
}

/** Whether the sender of a message expects an answer. */
export function isAnswered(type: Message['type']): boolean {
  switch (type) {
    case 'pre-vote-request':
    case 'vote-request':
    case 'append-request':
    case 'heartbeat-request':
      return true;
    default:
      return false;
  }
}

/** Large messages wait for the socket; all others pass them. */
export function isLarge(message: Message): boolean {
  return message.type === 'append-request' && message.entries.length > 0;
}
