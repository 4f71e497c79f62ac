/**
 * One snapshot in one file:
 *
 * ```text
 *   header     0  magic: 89 5A 4C 53 4E 41 50 0A ("ZLSNAP" between a byte that is no text and a line feed)
 *              8  CRC-32 of the rest of the header : u32
 *             12  format version : u8 | 0 : u24
 *             16  bytes of the header, H : u32
 *             20  payload bytes of a full block, B : u32
 *             24  description: as the codec writes it; its size and checksum are 0, because they are not known yet
 *   block      0  CRC-32 of the rest of the block, counted on from that of the header : u32
 *              4  payload bytes : u32         B; fewer in the last block
 *              8  where the payload begins in the snapshot : u64
 *             16  payload
 *   ...           one block after the other, from H on
 *   trailer    0  CRC-32 of the rest of the trailer, counted on from that of the header : u32
 *              4  FF FF FF FF : u32           what no block has there
 *              8  bytes of the snapshot : u64
 *             16  CRC-32 of the snapshot : u32
 * ```
 *
 * All integers are little-endian. Blocks of one size make every offset a matter of arithmetic. A checksum that goes on
 * from that of the header makes a block of another file as bad as a damaged one. An unfinished file has no trailer, and
 * may end in a short block that is written again when more bytes come.
 *
 * The first 20 bytes mean this in all versions, for ever, so that a file of another version is recognised as such.
 */
import { ByteReader } from '../../codec/byte-reader.ts';
import { ByteWriter, putCounter, putU32 } from '../../codec/byte-writer.ts';
import { crcOf } from '../../codec/crc.ts';
import type { MakeError } from '../../codec/make-error.ts';
import { hex } from '../../codec/sealed-bytes.ts';
import { decodeStoredSnapshot, encodeStoredSnapshot } from '../../codec/snapshot-meta-bytes.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { ConsensusError, CorruptionError, StorageError } from '../../errors.ts';

const FILE_FORMAT_VERSION = 1;
export const HEADER_FIXED_BYTES = 24;
/** A membership of thousands of nodes takes less; a longer header is damage. */
const HEADER_BYTES_MAX = 16 * 1024 * 1024;
export const BLOCK_HEAD_BYTES = 16;
export const BLOCK_BYTES_MIN = 512;
export const BLOCK_BYTES_MAX: number = 16 * 1024 * 1024;
export const TRAILER_BYTES = 20;

const MAGIC: Uint8Array = new Uint8Array([0x89, 0x5a, 0x4c, 0x53, 0x4e, 0x41, 0x50, 0x0a]);
const CRC_AT = MAGIC.byteLength;
const CHECKED_FROM = CRC_AT + 4;
const TRAILER_MARK = 0xffff_ffff;

export interface FileHeader {
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  /** Payload bytes of a full block. */
  readonly blockBytes: number;
  /** All of the header as it is in the file. */
  readonly bytes: Uint8Array;
  readonly crc: number;
}

export function encodeHeader(meta: SnapshotMeta, codecId: string, blockBytes: number): FileHeader {
  const description = encodeStoredSnapshot({ meta, codecId, sizeBytes: 0, checksum: 0 });
  const bytes = new Uint8Array(HEADER_FIXED_BYTES + description.byteLength);
  bytes.set(MAGIC);
  bytes[CHECKED_FROM] = FILE_FORMAT_VERSION;
  putU32(bytes, 16, bytes.byteLength);
  putU32(bytes, 20, blockBytes);
  bytes.set(description, HEADER_FIXED_BYTES);
  const crc = crcOf([bytes.subarray(CHECKED_FROM)]);
  putU32(bytes, CRC_AT, crc);
  return { meta, codecId, blockBytes, bytes, crc };
}

/** How long the header is that starts with these bytes. Not verified: see `decodeHeader`. */
export function headerLength(start: Uint8Array, path: string): number {
  const damage = damageAt(path, 0);
  if (start.byteLength < HEADER_FIXED_BYTES) throw damage(`the file ends after ${start.byteLength} bytes`);
  if (Buffer.compare(start.subarray(0, CRC_AT), MAGIC) !== 0) throw damage('this is not how a snapshot file starts');
  const length = new ByteReader(start.subarray(16), damage).u32();
  if (length < HEADER_FIXED_BYTES || length > HEADER_BYTES_MAX) throw damage(`a header of ${length} bytes`);
  return length;
}

/**
 * Checks everything about a header.
 * @throws CorruptionError, or StorageError for a sound one that this release can't read
 */
export function decodeHeader(bytes: Uint8Array, path: string): FileHeader {
  const damage = damageAt(path, 0);
  if (bytes.byteLength < headerLength(bytes, path)) throw damage('the file ends within its header');
  const reader = new ByteReader(bytes.subarray(CRC_AT), damage);
  const expectedCrc = reader.u32();
  const crc = crcOf([bytes.subarray(CHECKED_FROM)]);
  if (crc !== expectedCrc) throw damage(`the checksum of the header is ${hex(crc)} instead of ${hex(expectedCrc)}`);
  const version = reader.u8();
  if (version !== FILE_FORMAT_VERSION) {
    throw unreadable(path, `it has format version ${version}, this release reads version ${FILE_FORMAT_VERSION}`);
  }
  reader.raw(7);
  const blockBytes = reader.u32();
  if (blockBytes < 1 || blockBytes > BLOCK_BYTES_MAX) throw unreadable(path, `it has blocks of ${blockBytes} bytes`);
  try {
    const { meta, codecId } = decodeStoredSnapshot(reader.raw(reader.remaining));
    return { meta, codecId, blockBytes, bytes, crc };
  } catch (error) {
    // The bytes are as they were written: their checksum is right.
    throw unreadable(path, ConsensusError.is(error) ? error.message : String(error), error);
  }
}

/** Where the block begins that holds the payload from `index * B` on. */
export function blockStart({ bytes, blockBytes }: FileHeader, index: number): number {
  return bytes.byteLength + index * (BLOCK_HEAD_BYTES + blockBytes);
}

/** Where the blocks of a snapshot of this size end. */
export function blocksEnd({ bytes, blockBytes }: FileHeader, sizeBytes: number): number {
  return bytes.byteLength + Math.ceil(sizeBytes / blockBytes) * BLOCK_HEAD_BYTES + sizeBytes;
}

/** Fills in the head of the block that is all of `block`; its payload is in its place already. */
export function sealBlock(block: Uint8Array, header: FileHeader, offset: number): void {
  putU32(block, 4, block.byteLength - BLOCK_HEAD_BYTES);
  putCounter(block, 8, offset);
  putU32(block, 0, crcOf([block.subarray(4)], header.crc));
}

/** The payload, a view, of a block that begins where `bytes` do and may end before they end. */
export function openBlock(bytes: Uint8Array, header: FileHeader, offset: number, damage: MakeError): Uint8Array {
  const reader = new ByteReader(bytes, damage);
  const expectedCrc = reader.u32();
  const length = reader.u32();
  const foundOffset = reader.counter();
  if (length < 1 || length > header.blockBytes) throw damage(`a block of ${length} bytes`);
  const payload = reader.raw(length);
  const crc = crcOf([bytes.subarray(4, BLOCK_HEAD_BYTES + length)], header.crc);
  if (crc !== expectedCrc) throw damage(`the checksum of the block is ${hex(crc)} instead of ${hex(expectedCrc)}`);
  if (foundOffset !== offset) throw damage(`the block is that of offset ${foundOffset}, not ${offset}`);
  return payload;
}

export interface Trailer {
  readonly sizeBytes: number;
  readonly checksum: number;
}

export function encodeTrailer({ sizeBytes, checksum }: Trailer, header: FileHeader): Uint8Array {
  const writer = new ByteWriter(TRAILER_BYTES);
  writer.u32(0);
  writer.u32(TRAILER_MARK);
  writer.counter(sizeBytes);
  writer.u32(checksum);
  const bytes = writer.finish();
  putU32(bytes, 0, crcOf([bytes.subarray(4)], header.crc));
  return bytes;
}

export function decodeTrailer(bytes: Uint8Array, header: FileHeader, damage: MakeError): Trailer {
  const reader = new ByteReader(bytes, damage);
  const expectedCrc = reader.u32();
  const crc = crcOf([bytes.subarray(4)], header.crc);
  if (crc !== expectedCrc) throw damage(`the checksum of the trailer is ${hex(crc)} instead of ${hex(expectedCrc)}`);
  if (reader.u32() !== TRAILER_MARK) throw damage('it does not end as a complete snapshot file does');
  const trailer = { sizeBytes: reader.counter(), checksum: reader.u32() };
  reader.end();
  return trailer;
}

/** What is damaged, and where: for people, and for the tools that look at files. */
export function damageAt(path: string, offset: number): MakeError {
  return (problem, cause) =>
    new CorruptionError(`snapshot file '${path}' is damaged at byte ${offset}: ${problem}`, cause);
}

export function isDamage(error: unknown): error is CorruptionError {
  return ConsensusError.is(error) && error.code === 'CORRUPTION';
}

function unreadable(path: string, why: string, cause?: unknown): StorageError {
  return new StorageError(`snapshot file '${path}' can't be read: ${why}; use the release that wrote it`, cause);
}
