/** A snapshot file that is being written. */
import { crcOf } from '../../codec/crc.ts';
import type { FileSystem, OpenFile } from '../../ports/file-system.ts';
import type { StoredSnapshot } from '../../ports/snapshot-store.ts';
import type { FileHeader } from './file-format.ts';
import {
  BLOCK_HEAD_BYTES,
  blockStart,
  blocksEnd,
  damageAt,
  encodeTrailer,
  isDamage,
  openBlock,
  sealBlock,
} from './file-format.ts';
import type { BlockSource } from './snapshot-file.ts';

/** So much is left to the page cache at most: a log on the same disk must not wait for gigabytes at the end. */
const SYNC_EVERY_BYTES: number = 32 * 1024 * 1024;

export interface UnfinishedPlace {
  readonly path: string;
  readonly sequence: number;
  readonly header: FileHeader;
}

/** Collects bytes to blocks, and writes each when it is full. One call at a time; useless after one that failed. */
export class UnfinishedSnapshot {
  readonly place: UnfinishedPlace;
  readonly file: OpenFile;
  readonly #fileSystem: FileSystem;
  /** Head and payload of the block that is being filled. */
  readonly #block: Uint8Array;
  #offsetBytes = 0;
  #checksum = 0;
  #unsyncedBytes = 0;

  private constructor(fileSystem: FileSystem, place: UnfinishedPlace, file: OpenFile) {
    this.#fileSystem = fileSystem;
    this.place = place;
    this.file = file;
    this.#block = new Uint8Array(BLOCK_HEAD_BYTES + place.header.blockBytes);
  }

  static async create(fileSystem: FileSystem, place: UnfinishedPlace): Promise<UnfinishedSnapshot> {
    const unfinished = new UnfinishedSnapshot(fileSystem, place, await fileSystem.openForWriting(place.path));
    try {
      await unfinished.file.truncate(0);
      await unfinished.file.write(0, place.header.bytes);
      return unfinished;
    } catch (error) {
      await unfinished.discard();
      throw error;
    }
  }

  /** Goes on with a file of an earlier run: what is sound of it is kept, up to the first block that is not. */
  static async resume(fileSystem: FileSystem, place: UnfinishedPlace): Promise<UnfinishedSnapshot> {
    const unfinished = new UnfinishedSnapshot(fileSystem, place, await fileSystem.openForWriting(place.path));
    try {
      await unfinished.#recover();
      return unfinished;
    } catch (error) {
      await unfinished.discard();
      throw error;
    }
  }

  get offsetBytes(): number {
    return this.#offsetBytes;
  }

  /** CRC-32 over the bytes so far. */
  get checksum(): number {
    return this.#checksum;
  }

  /** What can be read: valid after `flush`. */
  get source(): BlockSource {
    return { path: this.place.path, file: this.file, header: this.place.header, sizeBytes: this.#offsetBytes };
  }

  /** Copies the bytes. */
  async append(chunk: Uint8Array): Promise<void> {
    let start = 0;
    while (start < chunk.byteLength) {
      const piece = chunk.subarray(start, start + this.place.header.blockBytes - this.#fill);
      this.#block.set(piece, BLOCK_HEAD_BYTES + this.#fill);
      this.#checksum = crcOf([piece], this.#checksum);
      this.#offsetBytes += piece.byteLength;
      start += piece.byteLength;
      if (this.#fill === 0) await this.#writeBlock(this.place.header.blockBytes);
    }
  }

  /** Writes what is still collected; the block is written again when it grows. */
  async flush(): Promise<void> {
    if (this.#fill > 0) await this.#writeBlock(this.#fill);
  }

  /** Completes the file and makes its content durable. */
  async finish(): Promise<StoredSnapshot> {
    const { header } = this.place;
    const end = { sizeBytes: this.#offsetBytes, checksum: this.#checksum };
    await this.flush();
    await this.file.write(blocksEnd(header, end.sizeBytes), encodeTrailer(end, header));
    await this.file.sync();
    return { meta: header.meta, codecId: header.codecId, ...end };
  }

  /** Closes and removes the file as far as possible: when this fails, the next open of the store removes it. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await this.#fileSystem.remove(this.place.path).catch(() => {});
  }

  /** Payload bytes of the block that is not full. */
  get #fill(): number {
    return this.#offsetBytes % this.place.header.blockBytes;
  }

  async #writeBlock(length: number): Promise<void> {
    const { header } = this.place;
    const offset = this.#offsetBytes - length;
    const block = this.#block.subarray(0, BLOCK_HEAD_BYTES + length);
    sealBlock(block, header, offset);
    await this.file.write(blockStart(header, offset / header.blockBytes), block);
    this.#unsyncedBytes += block.byteLength;
    if (this.#unsyncedBytes < SYNC_EVERY_BYTES) return;
    await this.file.sync();
    this.#unsyncedBytes = 0;
  }

  async #recover(): Promise<void> {
    const { header } = this.place;
    while (this.#fill === 0) {
      const at = blockStart(header, this.#offsetBytes / header.blockBytes);
      const bytes = await this.file.read(at, BLOCK_HEAD_BYTES + header.blockBytes);
      const payload = this.#soundPayload(bytes, at);
      if (payload === null) break;
      this.#block.set(payload, BLOCK_HEAD_BYTES);
      this.#checksum = crcOf([payload], this.#checksum);
      this.#offsetBytes += payload.byteLength;
    }
    // A trailer from a publication that was interrupted must go: the next block takes its place only in part.
    const end = blocksEnd(header, this.#offsetBytes);
    if ((await this.file.sizeBytes()) > end) await this.file.truncate(end);
  }

  #soundPayload(bytes: Uint8Array, at: number): Uint8Array | null {
    try {
      return openBlock(bytes, this.place.header, this.#offsetBytes, damageAt(this.place.path, at));
    } catch (error) {
      if (isDamage(error)) return null;
      throw error;
    }
  }
}
