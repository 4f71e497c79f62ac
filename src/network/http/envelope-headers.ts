/** Who talks to whom, as HTTP headers. */
import type { IncomingHttpHeaders } from 'node:http';
import type { NodeId } from '../../core/ids.ts';
import { isNodeId } from '../../core/ids.ts';
import { PeerRefusedError, ProtocolError } from '../../errors.ts';
import type { Envelope } from '../../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../ports/network.ts';
import { HEADERS } from './wire.ts';

export interface ProtocolRange {
  readonly protocolMin: number;
  readonly protocolMax: number;
}

/** Longer ids than this are not ours. */
const TEXT_LENGTH_MAX = 512;

/** The range that this release speaks, as it is sent. */
export const OWN_PROTOCOL: string = `${PROTOCOL_MIN}-${PROTOCOL_MAX}`;

export function envelopeToHeaders(envelope: Envelope): Record<string, string> {
  const headers: Record<string, string> = {
    [HEADERS.protocol]: `${envelope.protocolMin}-${envelope.protocolMax}`,
    [HEADERS.from]: String(envelope.from),
    [HEADERS.fromInstanceId]: encodeURIComponent(envelope.fromInstanceId),
    [HEADERS.to]: String(envelope.to),
  };
  if (envelope.clusterId !== null) {
    headers[HEADERS.clusterId] = encodeURIComponent(envelope.clusterId);
  }
  if (envelope.toInstanceId !== null) {
    headers[HEADERS.toInstanceId] = encodeURIComponent(envelope.toInstanceId);
  }
  return headers;
}

/**
 * The protocol range that the other side speaks.
 * @throws PeerRefusedError when none is named, or none that this release speaks (BUG-13)
 */
export function requireProtocol(headers: IncomingHttpHeaders): ProtocolRange {
  const text = headers[HEADERS.protocol];
  const [, min, max] = /^(\d{1,9})-(\d{1,9})$/.exec(typeof text === 'string' ? text : '') ?? [];
  if (min === undefined || max === undefined) {
    const what = text === undefined ? 'no protocol version was named' : 'the protocol version is not a range';
    throw new PeerRefusedError('version', `protocol version mismatch: ${what}, supported are ${OWN_PROTOCOL}`);
  }
  const range = { protocolMin: Number(min), protocolMax: Number(max) };
  if (range.protocolMin > PROTOCOL_MAX || range.protocolMax < PROTOCOL_MIN) {
    const spoken = `${range.protocolMin}-${range.protocolMax}`;
    throw new PeerRefusedError(
      'version',
      `protocol version mismatch: the other side speaks ${spoken}, supported are ${OWN_PROTOCOL}; update the older one`,
    );
  }
  return range;
}

/**
 * @throws PeerRefusedError for the version, ProtocolError for anything else that is missing or malformed
 */
export function envelopeFromHeaders(headers: IncomingHttpHeaders): Envelope {
  const range = requireProtocol(headers);
  const fromInstanceId = text(headers, HEADERS.fromInstanceId);
  if (fromInstanceId === null) {
    throw new ProtocolError(`the header ${HEADERS.fromInstanceId} is missing`);
  }
  return {
    ...range,
    clusterId: text(headers, HEADERS.clusterId),
    from: nodeId(headers, HEADERS.from),
    fromInstanceId,
    to: nodeId(headers, HEADERS.to),
    toInstanceId: text(headers, HEADERS.toInstanceId),
  };
}

function nodeId(headers: IncomingHttpHeaders, name: string): NodeId {
  const value = headers[name];
  const id = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : null;
  if (!isNodeId(id)) {
    throw new ProtocolError(`the header ${name} is missing or holds no node id`);
  }
  return id;
}

function text(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  if (value === undefined) {
    return null;
  }
  if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) {
    throw new ProtocolError(`the header ${name} is malformed`);
  }
  try {
    return decodeURIComponent(value);
  } catch (error) {
    throw new ProtocolError(`the header ${name} is malformed`, error);
  }
}

/** A header that holds a number of 0 or more; `null` when it is absent or anything else. */
export function counterFromHeader(headers: IncomingHttpHeaders, name: string): number | null {
  const value = headers[name];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
