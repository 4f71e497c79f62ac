/** Reads snapshot files: what they are about, and their bytes, checked block by block. */
import { crcOf } from '../../codec/crc.ts';
import { hex } from '../../codec/sealed-bytes.ts';
import type { FileSystem, OpenFile } from '../../ports/file-system.ts';
import type { StoredSnapshot } from '../../ports/snapshot-store.ts';
import type { FileHeader } from './file-format.ts';
import {
  BLOCK_HEAD_BYTES,
  blockStart,
  blocksEnd,
  damageAt,
  decodeHeader,
  decodeTrailer,
  HEADER_FIXED_BYTES,
  headerLength,
  openBlock,
  TRAILER_BYTES,
} from './file-format.ts';

/** What a complete file says about itself. */
export interface SnapshotFile {
  readonly path: string;
  readonly header: FileHeader;
  readonly snapshot: StoredSnapshot;
}

/** A file with sound blocks up to `sizeBytes` of the snapshot. */
export interface BlockSource {
  readonly path: string;
  readonly file: OpenFile;
  readonly header: FileHeader;
  readonly sizeBytes: number;
}

/**
 * Checks header, trailer and size: all but the blocks.
 * @throws CorruptionError, or StorageError for a file that can't be read
 */
export async function openSnapshotFile(fileSystem: FileSystem, path: string): Promise<SnapshotFile> {
  const file = await fileSystem.openForReading(path);
  try {
    const header = await readHeader(file, path);
    const fileBytes = await file.sizeBytes();
    const at = Math.max(fileBytes - TRAILER_BYTES, header.bytes.byteLength);
    const { sizeBytes, checksum } = decodeTrailer(await file.read(at, TRAILER_BYTES), header, damageAt(path, at));
    const end = blocksEnd(header, sizeBytes);
    if (end !== at) throw damageAt(path, at)(`the trailer of ${sizeBytes} bytes should be at byte ${end}`);
    const { meta, codecId } = header;
    return { path, header, snapshot: { meta, codecId, sizeBytes, checksum } };
  } finally {
    await file.close();
  }
}

/** @throws CorruptionError, or StorageError when it can't be read */
export async function readHeader(file: OpenFile, path: string): Promise<FileHeader> {
  const length = headerLength(await file.read(0, HEADER_FIXED_BYTES), path);
  return decodeHeader(await file.read(0, length), path);
}

/**
 * The bytes of the snapshot from an offset on, in pieces that belong to the caller.
 * @throws CorruptionError naming the file and the byte where a damaged block begins
 */
export async function* readBlocks(source: BlockSource, fromOffset: number): AsyncGenerator<Uint8Array, void> {
  const { blockBytes } = source.header;
  let index = Math.floor(fromOffset / blockBytes);
  let skip = fromOffset - index * blockBytes;
  for (; index * blockBytes + skip < source.sizeBytes; index += 1) {
    const payload = await readBlock(source, index);
    yield skip === 0 ? payload : payload.subarray(skip);
    skip = 0;
  }
}

/**
 * All bytes of a complete snapshot, with the checksum over them.
 * @throws CorruptionError as `readBlocks`
 */
export async function* readChecked(
  source: BlockSource,
  { checksum }: StoredSnapshot,
): AsyncGenerator<Uint8Array, void> {
  let crc = 0;
  for await (const payload of readBlocks(source, 0)) {
    crc = crcOf([payload], crc);
    yield payload;
  }
  if (crc === checksum) return;
  const end = blocksEnd(source.header, source.sizeBytes);
  throw damageAt(source.path, end)(`the checksum of all bytes is ${hex(crc)} instead of ${hex(checksum)}`);
}

async function readBlock({ path, file, header, sizeBytes }: BlockSource, index: number): Promise<Uint8Array> {
  const at = blockStart(header, index);
  const offset = index * header.blockBytes;
  const length = Math.min(header.blockBytes, sizeBytes - offset);
  const damage = damageAt(path, at);
  const payload = openBlock(await file.read(at, BLOCK_HEAD_BYTES + length), header, offset, damage);
  if (payload.byteLength !== length) throw damage(`a block of ${payload.byteLength} instead of ${length} bytes`);
  return payload;
}
