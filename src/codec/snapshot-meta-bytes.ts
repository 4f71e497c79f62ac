/** What describes a snapshot, as bytes: on the wire before its chunks, on the disk beside them. */
import type { SnapshotMeta } from '../core/message.ts';
import type { StoredSnapshot } from '../ports/snapshot-store.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { corruptionErrorIn } from './make-error.ts';
import { readStoredMembership, writeStoredMembership } from './membership-bytes.ts';
import { beginSealed, openSealed, seal } from './sealed-bytes.ts';

const damaged = corruptionErrorIn('snapshot description');

/** For the disk. The bytes belong to the caller. */
export function encodeStoredSnapshot(snapshot: StoredSnapshot): Uint8Array {
  const writer = beginSealed('stored snapshot');
  writeStoredSnapshot(writer, snapshot);
  return seal(writer);
}

/** @throws CorruptionError for anything but a whole, undamaged description */
export function decodeStoredSnapshot(bytes: Uint8Array): StoredSnapshot {
  const reader = openSealed('stored snapshot', bytes, damaged);
  const snapshot = readStoredSnapshot(reader);
  reader.end();
  return snapshot;
}

export function writeStoredSnapshot(writer: ByteWriter, snapshot: StoredSnapshot): void {
  writeSnapshotMeta(writer, snapshot.meta);
  writer.counter(snapshot.sizeBytes);
  writer.u32(snapshot.checksum);
  writer.string(snapshot.codecId);
}

export function readStoredSnapshot(reader: ByteReader): StoredSnapshot {
  return {
    meta: readSnapshotMeta(reader),
    sizeBytes: reader.counter(),
    checksum: reader.u32(),
    codecId: reader.string(),
  };
}

export function writeSnapshotMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.string(meta.id);
  writer.logId(meta.lastLogId);
  writer.counter(meta.lastTimeMs);
  writeStoredMembership(writer, meta.membership);
}

export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  return {
    id: reader.string(),
    lastLogId: reader.logId(),
    lastTimeMs: reader.counter(),
    membership: readStoredMembership(reader),
  };
}
