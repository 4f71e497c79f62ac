/** The small records of a log store, as bytes for the disk. */
import type { HardState } from '../core/hard-state.ts';
import type { LogId } from '../core/ids.ts';
import type { StoreIdentity } from '../ports/log-store.ts';
import type { ByteReader } from './byte-reader.ts';
import type { MakeError } from './make-error.ts';
import type { SealedKind } from './sealed-bytes.ts';
import { beginSealed, openSealed, seal } from './sealed-bytes.ts';

export function encodeHardState({ term, votedFor }: HardState): Uint8Array {
  const writer = beginSealed('hard state');
  writer.counter(term);
  writer.optional(votedFor, (id) => writer.nodeId(id));
  return seal(writer);
}

export function decodeHardState(bytes: Uint8Array, makeError: MakeError): HardState {
  return decodeWhole('hard state', bytes, makeError, (reader) => ({
    term: reader.counter(),
    votedFor: reader.optional(() => reader.nodeId()),
  }));
}

export function encodeStoreIdentity(identity: StoreIdentity): Uint8Array {
  const writer = beginSealed('store identity');
  writer.nodeId(identity.nodeId);
  writer.string(identity.instanceId);
  writer.optional(identity.clusterId, (id) => writer.string(id));
  writer.string(identity.clusterName);
  return seal(writer);
}

export function decodeStoreIdentity(bytes: Uint8Array, makeError: MakeError): StoreIdentity {
  return decodeWhole('store identity', bytes, makeError, (reader) => ({
    nodeId: reader.nodeId(),
    instanceId: reader.string(),
    clusterId: reader.optional(() => reader.string()),
    clusterName: reader.string(),
  }));
}

export function encodeLogPosition(position: LogId): Uint8Array {
  const writer = beginSealed('log position');
  writer.logId(position);
  return seal(writer);
}

export function decodeLogPosition(bytes: Uint8Array, makeError: MakeError): LogId {
  return decodeWhole('log position', bytes, makeError, (reader) => reader.logId());
}

function decodeWhole<T>(kind: SealedKind, bytes: Uint8Array, makeError: MakeError, read: (reader: ByteReader) => T): T {
  const reader = openSealed(kind, bytes, makeError);
  const value = read(reader);
  reader.end();
  return value;
}
