/**
 * The bytes of a state on disk as a snapshot. The same state has the same bytes on every node.
 *
 * ```text
 *   snapshot = frame*              the header, rows, the end
 *   frame    = content bytes : u32 | CRC-32 of the content : u32 | content
 *   content  = 1 : u8 | bytes : u32 | applied state                    how far the state is: `applied-state-bytes`
 *            | 2 : u8 | row*                                           in ascending order of their keys
 *            | 3 : u8 | rows in all : u64                              nothing follows
 *   row      = key bytes : u32 | key | value bytes : u32 | value
 * ```
 *
 * Numbers are little-endian. Keys are those of `state-key`, values MessagePack as of `msgpackCodec`.
 */
import { ByteReader } from '../../../codec/byte-reader.ts';
import { ByteWriter, putU32 } from '../../../codec/byte-writer.ts';
import { crcOf } from '../../../codec/crc.ts';
import type { MakeError } from '../../../codec/make-error.ts';
import { hex } from '../../../codec/sealed-bytes.ts';
import { SnapshotError } from '../../../errors.ts';
import type { Row } from './merged-rows.ts';
import { ROW_KEY_BYTES_MAX } from './state-key.ts';
import { VALUE_BYTES_MAX } from './state-transaction.ts';

/** Names format and version. */
export const LMDB_STATE_CODEC_ID = 'zlayer-lmdb-state/1';

/** Rows are collected in a frame until they have this size. */
export const FRAME_BYTES: number = 64 * 1024;

const HEADER = 1;
const ROWS = 2;
const END = 3;

const FRAME_HEAD_BYTES = 8;
const ROW_HEAD_BYTES = 8;
/** A frame that is nearly full, and the longest row. */
const CONTENT_BYTES_MAX = FRAME_BYTES + ROW_HEAD_BYTES + ROW_KEY_BYTES_MAX + VALUE_BYTES_MAX;

export type SnapshotFrame =
  /** The bytes of `encodeAppliedState`. */
  | { readonly type: 'header'; readonly applied: Uint8Array }
  | { readonly type: 'rows'; readonly rows: readonly Row[] }
  | { readonly type: 'end'; readonly rowCount: number };

export const damagedSnapshot: MakeError = (problem, cause) =>
  new SnapshotError(`the snapshot is damaged: ${problem}`, cause);

/** What a row takes in a frame. */
export function frameBytesOf([key, value]: Row): number {
  return ROW_HEAD_BYTES + key.length + value.byteLength;
}

/** The bytes belong to the caller. */
export function encodeFrame(frame: SnapshotFrame): Uint8Array {
  const writer = new ByteWriter(FRAME_BYTES + 4096);
  writer.u32(0);
  writer.u32(0);
  switch (frame.type) {
    case 'header':
      writer.u8(HEADER);
      writer.bytes(frame.applied);
      break;
    case 'rows':
      writer.u8(ROWS);
      for (const [key, value] of frame.rows) {
        writer.bytes(Buffer.from(key, 'latin1'));
        writer.bytes(value);
      }
      break;
    case 'end':
      writer.u8(END);
      writer.counter(frame.rowCount);
      break;
  }
  const bytes = writer.finish();
  const content = bytes.subarray(FRAME_HEAD_BYTES);
  putU32(bytes, 0, content.byteLength);
  putU32(bytes, 4, crcOf([content]));
  return bytes;
}

/**
 * The frames, whatever pieces they come in.
 * @throws SnapshotError when the bytes are damaged or cut short
 */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SnapshotFrame, void> {
  const bytes = new PieceQueue();
  let head: FrameHead | null = null;
  for await (const chunk of chunks) {
    bytes.push(chunk);
    for (;;) {
      if (head === null) {
        if (bytes.length < FRAME_HEAD_BYTES) break;
        head = decodeHead(bytes.take(FRAME_HEAD_BYTES));
      }
      if (bytes.length < head.contentBytes) break;
      yield decodeContent(head, bytes.take(head.contentBytes));
      head = null;
    }
  }
  if (head !== null || bytes.length > 0) throw damagedSnapshot('it is cut short');
}

interface FrameHead {
  readonly contentBytes: number;
  readonly crc: number;
}

function decodeHead(bytes: Uint8Array): FrameHead {
  const reader = new ByteReader(bytes, damagedSnapshot);
  const contentBytes = reader.u32();
  if (contentBytes > CONTENT_BYTES_MAX) throw damagedSnapshot(`a frame of ${contentBytes} bytes`);
  return { contentBytes, crc: reader.u32() };
}

function decodeContent({ crc }: FrameHead, bytes: Uint8Array): SnapshotFrame {
  const found = crcOf([bytes]);
  if (found !== crc) throw damagedSnapshot(`the checksum of a frame is ${hex(found)} instead of ${hex(crc)}`);
  const reader = new ByteReader(bytes, damagedSnapshot);
  const frame = readFrame(reader);
  reader.end();
  return frame;
}

function readFrame(reader: ByteReader): SnapshotFrame {
  const type = reader.u8();
  switch (type) {
    case HEADER:
      return { type: 'header', applied: reader.bytes() };
    case ROWS:
      return { type: 'rows', rows: readRows(reader) };
    case END:
      return { type: 'end', rowCount: reader.counter() };
  }
  throw damagedSnapshot(`a frame of the unknown type ${type}`);
}

function readRows(reader: ByteReader): readonly Row[] {
  const rows: Row[] = [];
  while (reader.remaining > 0) {
    const key = reader.bytes();
    if (key.byteLength > ROW_KEY_BYTES_MAX) throw damagedSnapshot(`a key of ${key.byteLength} bytes`);
    rows.push([Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1'), reader.bytes()]);
  }
  return rows;
}

/** Bytes that come in pieces and are taken in others. */
class PieceQueue {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
  }

  /** The first bytes, of which there must be so many. A copy only where they are in several pieces. */
  take(length: number): Uint8Array {
    this.#length -= length;
    const taken: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const piece = this.#pieces.shift() ?? new Uint8Array(0);
      const part = piece.subarray(0, missing);
      if (part.byteLength < piece.byteLength) this.#pieces.unshift(piece.subarray(part.byteLength));
      missing -= part.byteLength;
      taken.push(part);
    }
    const [only] = taken;
    return taken.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(taken));
  }
}
