/** The bytes of one snapshot in memory: grow at the end, read from any offset. */
import { crc32 } from 'node:zlib';

/** Chunks as they were written, with their size and checksum kept up to date. */
export class SnapshotBytes {
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #checksum = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** CRC-32 over all bytes. */
  get checksum(): number {
    return this.#checksum;
  }

  /** Adds a copy: the chunk may be a view that pins a much larger buffer. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) {
      return;
    }
    this.#chunks.push(new Uint8Array(chunk));
    this.#sizeBytes += chunk.byteLength;
    this.#checksum = crc32(chunk, this.#checksum);
  }

  /** The bytes from an offset on; also those that are added meanwhile. */
  *from(offsetBytes: number): Generator<Uint8Array, void> {
    let skip = offsetBytes;
    for (const chunk of this.#chunks) {
      if (skip >= chunk.byteLength) {
        skip -= chunk.byteLength;
      } else {
        yield skip === 0 ? chunk : chunk.subarray(skip);
        skip = 0;
      }
    }
  }
}
