/**
 * Everything but messages that nodes exchange, as bytes: who talks to whom, what precedes a snapshot, requests on behalf
 * of clients and their answers. All of it is sealed (`sealed-bytes.ts`); all decoders throw a `ProtocolError` for
 * anything but whole, undamaged bytes.
 */
import type {
  Envelope,
  LocalIdentity,
  PeerRequest,
  PeerResponse,
  RemoteFailure,
  SnapshotHeader,
} from '../ports/network.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { protocolErrorIn } from './make-error.ts';
import { readJson, writeJson } from './membership-bytes.ts';
import type { SealedKind } from './sealed-bytes.ts';
import { beginSealed, openSealed, seal } from './sealed-bytes.ts';
import { readSnapshotMeta, readStoredSnapshot, writeSnapshotMeta, writeStoredSnapshot } from './snapshot-meta-bytes.ts';

/** Numbers are never reused. */
const REQUEST_TYPES = { propose: 1, 'read-index': 2 } as const;
const RESPONSE_TYPES = { proposed: 1, 'read-index': 2, failed: 3 } as const;

/** Its format never changes: a peer of another protocol version must be able to read it, to say what does not fit. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const writer = beginSealed('envelope');
  writer.u16(envelope.protocolMin);
  writer.u16(envelope.protocolMax);
  writer.optional(envelope.clusterId, (id) => writer.string(id));
  writer.nodeId(envelope.from);
  writer.string(envelope.fromInstanceId);
  writer.nodeId(envelope.to);
  writer.optional(envelope.toInstanceId, (id) => writer.string(id));
  return seal(writer);
}

export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return decodeWhole('envelope', bytes, (reader) => ({
    protocolMin: reader.u16(),
    protocolMax: reader.u16(),
    clusterId: reader.optional(() => reader.string()),
    from: reader.nodeId(),
    fromInstanceId: reader.string(),
    to: reader.nodeId(),
    toInstanceId: reader.optional(() => reader.string()),
  }));
}

export function encodeLocalIdentity(identity: LocalIdentity): Uint8Array {
  const writer = beginSealed('local identity');
  writer.nodeId(identity.nodeId);
  writer.string(identity.instanceId);
  writer.optional(identity.clusterId, (id) => writer.string(id));
  writer.string(identity.clusterName);
  return seal(writer);
}

export function decodeLocalIdentity(bytes: Uint8Array): LocalIdentity {
  return decodeWhole('local identity', bytes, (reader) => ({
    nodeId: reader.nodeId(),
    instanceId: reader.string(),
    clusterId: reader.optional(() => reader.string()),
    clusterName: reader.string(),
  }));
}

export function encodeSnapshotHeader({ offer, snapshot }: SnapshotHeader): Uint8Array {
  const writer = beginSealed('snapshot header', 512);
  writer.counter(offer.term);
  writer.counter(offer.session);
  writeSnapshotMeta(writer, offer.meta);
  writeStoredSnapshot(writer, snapshot);
  return seal(writer);
}

export function decodeSnapshotHeader(bytes: Uint8Array): SnapshotHeader {
  return decodeWhole('snapshot header', bytes, (reader) => ({
    offer: { term: reader.counter(), session: reader.counter(), meta: readSnapshotMeta(reader) },
    snapshot: readStoredSnapshot(reader),
  }));
}

/** The chunks of the request, in order; a payload is not copied. */
export function encodePeerRequest(request: PeerRequest): Uint8Array[] {
  const writer = beginSealed('peer request', 64);
  writer.u8(REQUEST_TYPES[request.type]);
  writer.duration(request.timeoutMs);
  return request.type === 'propose' ? sealBefore(writer, request.payload) : [seal(writer)];
}

/** The payload is a view of `bytes`. */
export function decodePeerRequest(bytes: Uint8Array): PeerRequest {
  return decodeWhole('peer request', bytes, (reader) => {
    const type = reader.u8();
    const timeoutMs = reader.duration();
    switch (type) {
      case REQUEST_TYPES.propose:
        return { type: 'propose', payload: reader.bytes(), timeoutMs };
      case REQUEST_TYPES['read-index']:
        return { type: 'read-index', timeoutMs };
      default:
        throw reader.problem(`of unknown type ${type}`);
    }
  });
}

/** The chunks of the answer, in order; the application's response is not copied. */
export function encodePeerResponse(response: PeerResponse): Uint8Array[] {
  const writer = beginSealed('peer response', 64);
  writer.u8(RESPONSE_TYPES[response.type]);
  switch (response.type) {
    case 'proposed':
      writer.logId(response.logId);
      return sealBefore(writer, response.response);
    case 'read-index':
      writer.logId(response.readLogId);
      return [seal(writer)];
    case 'failed':
      writeRemoteFailure(writer, response.error);
      return [seal(writer)];
  }
}

/** The application's response is a view of `bytes`. */
export function decodePeerResponse(bytes: Uint8Array): PeerResponse {
  return decodeWhole('peer response', bytes, (reader) => {
    const type = reader.u8();
    switch (type) {
      case RESPONSE_TYPES.proposed:
        return { type: 'proposed', logId: reader.logId(), response: reader.bytes() };
      case RESPONSE_TYPES['read-index']:
        return { type: 'read-index', readLogId: reader.logId() };
      case RESPONSE_TYPES.failed:
        return { type: 'failed', error: readRemoteFailure(reader) };
      default:
        throw reader.problem(`of unknown type ${type}`);
    }
  });
}

export function encodeRemoteFailure(failure: RemoteFailure): Uint8Array {
  const writer = beginSealed('remote failure');
  writeRemoteFailure(writer, failure);
  return seal(writer);
}

export function decodeRemoteFailure(bytes: Uint8Array): RemoteFailure {
  return decodeWhole('remote failure', bytes, readRemoteFailure);
}

function writeRemoteFailure(writer: ByteWriter, failure: RemoteFailure): void {
  writer.string(failure.code);
  writer.string(failure.message);
  writer.optional(failure.leaderId, (id) => writer.nodeId(id));
  writer.optional(failure.leaderAddr, (addr) => writer.string(addr));
  writer.boolean(failure.details !== undefined);
  if (failure.details !== undefined) {
    writeJson(writer, failure.details);
  }
}

function readRemoteFailure(reader: ByteReader): RemoteFailure {
  const failure: RemoteFailure = {
    code: reader.string(),
    message: reader.string(),
    leaderId: reader.optional(() => reader.nodeId()),
    leaderAddr: reader.optional(() => reader.string()),
  };
  return reader.boolean() ? { ...failure, details: readJson(reader) } : failure;
}

function sealBefore(writer: ByteWriter, tail: Uint8Array): Uint8Array[] {
  writer.u32(tail.byteLength);
  return [seal(writer, [tail]), tail];
}

function decodeWhole<T>(kind: SealedKind, bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = openSealed(kind, bytes, protocolErrorIn(kind));
  const value = read(reader);
  reader.end();
  return value;
}
