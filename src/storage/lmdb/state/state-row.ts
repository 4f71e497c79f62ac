/**
 * A row as LMDB keeps it. LMDB has no checksums of its own: what the disk changed would come back as a value.
 *
 * ```text
 *   value | CRC-32 of key and value : u32
 * ```
 */
import { crc32 } from 'node:zlib';
import { hex } from '../../../codec/sealed-bytes.ts';
import { CorruptionError } from '../../../errors.ts';
import type { RowChange } from './change-layer.ts';
import type { RowKey } from './state-key.ts';

/** What is stored under a key, or `null` for nothing. */
export type StoredRow = readonly [key: RowKey, stored: Buffer | null];

const CRC_BYTES = 4;

/** All in one piece of memory, because LMDB's binding asks for the address of each piece. Belongs to the caller. */
export function sealRows(changes: readonly RowChange[]): readonly StoredRow[] {
  let sizeBytes = 0;
  for (const [key, value] of changes) {
    if (value !== null) sizeBytes += key.length + value.byteLength + CRC_BYTES;
  }
  const slab = Buffer.allocUnsafeSlow(sizeBytes);
  const stored: StoredRow[] = [];
  let at = 0;
  for (const [key, value] of changes) {
    if (value === null) {
      stored.push([key, null]);
      continue;
    }
    // The key only lies there to be covered by the checksum.
    const start = at + slab.write(key, at, 'latin1');
    slab.set(value, start);
    const end = start + value.byteLength;
    slab.writeUInt32LE(crc32(slab.subarray(at, end)), end);
    at = end + CRC_BYTES;
    stored.push([key, slab.subarray(start, at)]);
  }
  return stored;
}

/**
 * A view of the value.
 * @throws CorruptionError
 */
export function openRow(key: RowKey, stored: Buffer, place: string): Uint8Array {
  const valueBytes = stored.byteLength - CRC_BYTES;
  if (valueBytes < 0) throw damaged(place, key, `it has ${stored.byteLength} bytes`);
  const value = new Uint8Array(stored.buffer, stored.byteOffset, valueBytes);
  const expected = stored.readUInt32LE(valueBytes);
  const found = crc32(value, crc32(Buffer.from(key, 'latin1')));
  if (found !== expected) throw damaged(place, key, `the checksum is ${hex(found)} instead of ${hex(expected)}`);
  return value;
}

function damaged(place: string, key: RowKey, problem: string): CorruptionError {
  return new CorruptionError(
    `row ${JSON.stringify(key)} in ${place} is damaged: ${problem}; restore this node from a backup, or remove it from the cluster and add it as new`,
  );
}
