/**
 * One backup in one file:
 *
 * ```text
 *   magic      89 5A 4C 42 41 4B 55 0A ("ZLBAKU" between a byte that is no text and a line feed)
 *   frame *    bytes of the frame : u32 | frame, sealed: checksum, kind, format version
 *
 *   header     when, whose, the last entry, the snapshot's description, how many entries follow
 *   entries *  index of the first : u64 | how many : u32 | their records, back to back
 *   piece *    offset in the snapshot : u64 | bytes of the snapshot
 *   end        entries : u64 | bytes of the snapshot : u64 | CRC-32 of the file up to this frame : u32
 * ```
 *
 * The frames come in this order. A file that ends without `end` was not finished.
 */
import type { MakeError } from '../../../codec/make-error.ts';
import { MAX_RECORD_BYTES } from '../../../codec/record.ts';
import { beginSealed, openSealed, seal } from '../../../codec/sealed-bytes.ts';
import { readStoredSnapshot, writeStoredSnapshot } from '../../../codec/snapshot-meta-bytes.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../../core/ids.ts';
import type { StoreIdentity } from '../../../ports/log-store.ts';
import type { StoredSnapshot } from '../../../ports/snapshot-store.ts';

export const BACKUP_MAGIC: Uint8Array = new Uint8Array([0x89, 0x5a, 0x4c, 0x42, 0x41, 0x4b, 0x55, 0x0a]);

/** What a frame of one entry or of one piece takes at most. */
export const FRAME_BYTES_MAX: number = MAX_RECORD_BYTES + 1024;

export interface BackupHeader {
  /** The wall clock when it was made, ms. */
  readonly createdMs: number;
  /** Whose data it is. */
  readonly source: StoreIdentity;
  readonly hardState: HardState;
  /** The last entry that it covers: all up to it was committed. */
  readonly lastLogId: LogId;
  /** `null` when it holds all entries from the first one on. */
  readonly snapshot: StoredSnapshot | null;
  /** Entries behind the snapshot, up to the last one. */
  readonly entryCount: number;
}

export interface BackupEnd {
  readonly entryCount: number;
  readonly snapshotBytes: number;
  readonly checksum: number;
}

export type BackupFrame =
  | { readonly type: 'header'; readonly header: BackupHeader }
  | { readonly type: 'entries'; readonly firstIndex: LogIndex; readonly count: number; readonly bytes: Uint8Array }
  | { readonly type: 'piece'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly end: BackupEnd };

const NUMBERS: ReadonlyMap<number, BackupFrame['type']> = new Map([
  [20, 'header'],
  [21, 'entries'],
  [22, 'piece'],
  [23, 'end'],
]);

/** In parts, so that what is large is not copied. */
export function encodeFrame(frame: BackupFrame): readonly Uint8Array[] {
  switch (frame.type) {
    case 'header':
      return [encodeHeader(frame.header)];
    case 'entries': {
      const writer = beginSealed('backup entries');
      writer.counter(frame.firstIndex);
      writer.u32(frame.count);
      return [seal(writer, [frame.bytes]), frame.bytes];
    }
    case 'piece': {
      const writer = beginSealed('backup piece');
      writer.counter(frame.offset);
      return [seal(writer, [frame.bytes]), frame.bytes];
    }
    case 'end': {
      const writer = beginSealed('backup end');
      writer.counter(frame.end.entryCount);
      writer.counter(frame.end.snapshotBytes);
      writer.u32(frame.end.checksum);
      return [seal(writer)];
    }
  }
}

/** Bytes in the result are views. Throws what `makeError` makes for anything but a whole, undamaged frame. */
export function decodeFrame(bytes: Uint8Array, makeError: MakeError): BackupFrame {
  // Where the kind is in everything sealed.
  const type = NUMBERS.get(bytes[4] ?? 0);
  switch (type) {
    case 'header':
      return { type, header: decodeHeader(bytes, makeError) };
    case 'entries': {
      const reader = openSealed('backup entries', bytes, makeError);
      const [firstIndex, count] = [reader.counter(), reader.u32()];
      return { type, firstIndex, count, bytes: reader.raw(reader.remaining) };
    }
    case 'piece': {
      const reader = openSealed('backup piece', bytes, makeError);
      return { type, offset: reader.counter(), bytes: reader.raw(reader.remaining) };
    }
    case 'end': {
      const reader = openSealed('backup end', bytes, makeError);
      const end = { entryCount: reader.counter(), snapshotBytes: reader.counter(), checksum: reader.u32() };
      reader.end();
      return { type, end };
    }
    case undefined:
      throw makeError(`a part of the unknown kind ${bytes[4]}`);
  }
}

function encodeHeader({ createdMs, source, hardState, lastLogId, snapshot, entryCount }: BackupHeader): Uint8Array {
  const writer = beginSealed('backup header');
  writer.counter(createdMs);
  writer.nodeId(source.nodeId);
  writer.string(source.instanceId);
  writer.optional(source.clusterId, (id) => writer.string(id));
  writer.string(source.clusterName);
  writer.counter(hardState.term);
  writer.optional(hardState.votedFor, (id) => writer.nodeId(id));
  writer.logId(lastLogId);
  writer.optional(snapshot, (stored) => writeStoredSnapshot(writer, stored));
  writer.counter(entryCount);
  return seal(writer);
}

function decodeHeader(bytes: Uint8Array, makeError: MakeError): BackupHeader {
  const reader = openSealed('backup header', bytes, makeError);
  const header: BackupHeader = {
    createdMs: reader.counter(),
    source: {
      nodeId: reader.nodeId(),
      instanceId: reader.string(),
      clusterId: reader.optional(() => reader.string()),
      clusterName: reader.string(),
    },
    hardState: { term: reader.counter(), votedFor: reader.optional(() => reader.nodeId()) },
    lastLogId: reader.logId(),
    snapshot: reader.optional(() => readStoredSnapshot(reader)),
    entryCount: reader.counter(),
  };
  reader.end();
  return header;
}
