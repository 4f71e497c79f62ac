/**
 * A row as LMDB keeps it. LMDB has no checksums of its own: what the disk changed would come back as a value.
 *
 * ```text
 *   CRC-32 of key and value : u32 | value
 * ```
 */
import { crc32 } from 'node:zlib';
import { hex } from '../../../codec/sealed-bytes.ts';
import { CorruptionError } from '../../../errors.ts';
import type { RowKey } from './state-key.ts';

const CRC_BYTES = 4;

/** The bytes belong to the caller. */
export function sealRow(key: RowKey, value: Uint8Array): Buffer {
  const stored = Buffer.allocUnsafe(CRC_BYTES + value.byteLength);
  stored.writeUInt32LE(checksum(key, value), 0);
  stored.set(value, CRC_BYTES);
  return stored;
}

/**
 * A view of the value.
 * @throws CorruptionError
 */
export function openRow(key: RowKey, stored: Buffer, place: string): Uint8Array {
  const value = stored.subarray(CRC_BYTES);
  const expected = stored.byteLength < CRC_BYTES ? null : stored.readUInt32LE(0);
  const found = checksum(key, value);
  if (expected === found) return value;
  throw new CorruptionError(
    `${place} is damaged: the checksum of row ${JSON.stringify(key)} is ${hex(found)} instead of ${expected === null ? 'missing' : hex(expected)}; restore this node from a backup, or remove it from the cluster and add it as new`,
  );
}

function checksum(key: RowKey, value: Uint8Array): number {
  return crc32(value, crc32(Buffer.from(key, 'latin1')));
}
