/**
 * The wrapping of everything that is encoded as a whole:
 *
 * ```text
 *   CRC-32 of all that follows : u32 | what it is : u8 | format version : u8 | content ...
 * ```
 *
 * The checksum makes every damage an error, the other two every confusion. The first six bytes mean this in all
 * versions, for ever, so that bytes of another version are recognised as such.
 */
import { ByteReader } from './byte-reader.ts';
import { ByteWriter, putU32 } from './byte-writer.ts';
import { crcOf } from './crc.ts';
import type { MakeError } from './make-error.ts';

/** What can be sealed, and the version of its format. A number is never reused. */
export const SEALED_FORMATS = {
  message: { number: 1, version: 1 },
  envelope: { number: 2, version: 1 },
  'local identity': { number: 3, version: 1 },
  'snapshot header': { number: 4, version: 1 },
  'peer request': { number: 5, version: 1 },
  'peer response': { number: 6, version: 1 },
  'stored snapshot': { number: 7, version: 1 },
  'remote failure': { number: 8, version: 1 },
  'applied state': { number: 9, version: 1 },
  'hard state': { number: 10, version: 1 },
  'store identity': { number: 11, version: 1 },
  'log position': { number: 12, version: 1 },
  'backup header': { number: 20, version: 1 },
  'backup entries': { number: 21, version: 1 },
  'backup piece': { number: 22, version: 1 },
  'backup end': { number: 23, version: 1 },
  'recovery note': { number: 24, version: 1 },
} as const;

export type SealedKind = keyof typeof SEALED_FORMATS;

const CRC_BYTES = 4;
export const SEAL_BYTES = 6;

/** Begins something sealed: write the content, then call `seal`. */
export function beginSealed(kind: SealedKind, capacity = 256): ByteWriter {
  const writer = new ByteWriter(capacity);
  writer.u32(0);
  writer.u8(SEALED_FORMATS[kind].number);
  writer.u8(SEALED_FORMATS[kind].version);
  return writer;
}

/** Fills in the checksum over what was written and over `tail`, which follows it but is not copied. */
export function seal(writer: ByteWriter, tail: readonly Uint8Array[] = []): Uint8Array {
  const head = writer.finish();
  putU32(head, 0, crcOf([head.subarray(CRC_BYTES), ...tail]));
  return head;
}

/** Checks everything about the wrapping; the reader stands at the content. */
export function openSealed(kind: SealedKind, bytes: Uint8Array, makeError: MakeError): ByteReader {
  const reader = new ByteReader(bytes, makeError);
  const expectedCrc = reader.u32();
  const { number, version } = SEALED_FORMATS[kind];
  const foundNumber = reader.u8();
  const foundVersion = reader.u8();
  const crc = crcOf([bytes.subarray(CRC_BYTES)]);
  if (crc !== expectedCrc) {
    throw makeError(`the checksum is ${hex(crc)} instead of ${hex(expectedCrc)}`);
  }
  if (foundNumber !== number) {
    throw makeError(`it is of kind ${foundNumber}, not ${number}`);
  }
  if (foundVersion !== version) {
    throw makeError(`format version ${foundVersion}, but this release reads only version ${version}`);
  }
  return reader;
}

/** A checksum as it is shown in messages. */
export function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
