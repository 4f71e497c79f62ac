/** CRC-32 (the one of zlib and Ethernet) over several pieces of memory. */
import { crc32 } from 'node:zlib';

/** The checksum of the pieces as if they were one; `previous` is that of what came before them. */
export function crcOf(pieces: readonly Uint8Array[], previous = 0): number {
  let crc = previous;
  for (const piece of pieces) {
    crc = crc32(piece, crc);
  }
  return crc;
}
