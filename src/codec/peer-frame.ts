/**
 * The unit of the byte stream between two peers:
 *
 * ```text
 *    0  magic : u8 | frame version : u8 | type : u8 | flags : u8 (0)
 *    4  id : u32        tells streams and requests of one connection apart
 *    8  body bytes : u32
 *   12  CRC-32 of the twelve bytes before and of the body : u32
 *   16  body
 * ```
 */
import { ProtocolError } from '../errors.ts';
import { putU32 } from './byte-writer.ts';
import { crcOf } from './crc.ts';
import { hex } from './sealed-bytes.ts';

/** Who sends what is up to the network adapter. A number is never reused. */
export const FRAME_TYPES = {
  hello: 1,
  'hello-ack': 2,
  message: 3,
  'message-reply': 4,
  request: 5,
  response: 6,
  'snapshot-begin': 7,
  'snapshot-accept': 8,
  'snapshot-chunk': 9,
  'snapshot-chunk-ack': 10,
  'snapshot-end': 11,
  'snapshot-result': 12,
  error: 13,
  goodbye: 14,
} as const;

export type FrameType = keyof typeof FRAME_TYPES;

export interface Frame {
  readonly type: FrameType;
  readonly id: number;
  /** A view of received bytes: whoever keeps it keeps them. */
  readonly body: Uint8Array;
}

export interface OutgoingFrame {
  readonly type: FrameType;
  /** An unsigned 32-bit integer. */
  readonly id: number;
  /** The body's chunks, in order. */
  readonly body: readonly Uint8Array[];
}

export const FRAME_HEADER_BYTES = 16;

const FRAME_MAGIC = 0x5a;
const FRAME_VERSION = 1;
const CRC_AT = 12;
const U32_MAX = 0xffff_ffff;

/** Leading chunks up to this size travel in one piece with the header: a copy costs less than one more write. */
const JOINED_BYTES_MAX = 1024;

/** What is reserved for an announced frame before its bytes are there. */
const RESERVED_BYTES_MAX = 1024 * 1024;

const typesByNumber: ReadonlyMap<number, FrameType> = new Map(
  Object.entries(FRAME_TYPES).map(([type, number]) => [number, type as FrameType]),
);

/** The chunks to write, in order. Large chunks of the body are among them as they are, and must not change any more. */
export function encodeFrame({ type, id, body }: OutgoingFrame): Uint8Array[] {
  const bodyBytes = body.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (!Number.isInteger(id) || id < 0 || id > U32_MAX || bodyBytes > U32_MAX) {
    throw new RangeError(`a frame with id ${id} and a body of ${bodyBytes} bytes`);
  }
  const { joinedChunks, joinedBytes } = countJoined(body);
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES + joinedBytes);
  head[0] = FRAME_MAGIC;
  head[1] = FRAME_VERSION;
  head[2] = FRAME_TYPES[type];
  head[3] = 0;
  putU32(head, 4, id);
  putU32(head, 8, bodyBytes);
  let offset = FRAME_HEADER_BYTES;
  for (const chunk of body.slice(0, joinedChunks)) {
    head.set(chunk, offset);
    offset += chunk.byteLength;
  }
  const rest = body.slice(joinedChunks);
  putU32(head, CRC_AT, crcOf([head.subarray(0, CRC_AT), head.subarray(FRAME_HEADER_BYTES), ...rest]));
  return [head, ...rest];
}

function countJoined(body: readonly Uint8Array[]): { joinedChunks: number; joinedBytes: number } {
  let joinedChunks = 0;
  let joinedBytes = 0;
  for (const chunk of body) {
    if (joinedBytes + chunk.byteLength > JOINED_BYTES_MAX) {
      break;
    }
    joinedChunks += 1;
    joinedBytes += chunk.byteLength;
  }
  return { joinedChunks, joinedBytes };
}

/** Makes frames of a stream of bytes, however these are cut into chunks. One per connection. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  /** The beginning of a frame whose end is not here yet; empty between frames. */
  #partial: Buffer = Buffer.alloc(0);
  #partialBytes = 0;
  #failure: Error | null = null;

  /** `maxFrameBytes` counts header and body; a longer frame is refused as soon as it is announced. */
  constructor({ maxFrameBytes }: { readonly maxFrameBytes: number }) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next bytes and returns the frames that they complete. The reader may keep views of the chunk and return
   * them as bodies: it must not change any more.
   * @throws ProtocolError when the stream is damaged or a frame too long. It can't be read any further: later calls
   * throw the same, and the connection should be closed.
   */
  push(chunk: Uint8Array): Frame[] {
    if (this.#failure !== null) {
      throw this.#failure;
    }
    try {
      return this.#read(chunk);
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  #read(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let offset = 0;
    if (this.#partialBytes > 0) {
      offset = this.#fillPartial(chunk, frames);
    }
    while (offset < chunk.byteLength) {
      const left = chunk.byteLength - offset;
      const size = left < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : this.#frameBytes(chunk, offset);
      if (left < size) {
        this.#keep(chunk.subarray(offset), size);
        break;
      }
      frames.push(readFrame(chunk, offset, size));
      offset += size;
    }
    return frames;
  }

  /** Completes the partial frame as far as the chunk goes; returns where the next frame begins. */
  #fillPartial(chunk: Uint8Array, frames: Frame[]): number {
    let offset = 0;
    if (this.#partialBytes < FRAME_HEADER_BYTES) {
      offset = Math.min(FRAME_HEADER_BYTES - this.#partialBytes, chunk.byteLength);
      this.#keep(chunk.subarray(0, offset), FRAME_HEADER_BYTES);
      if (this.#partialBytes < FRAME_HEADER_BYTES) {
        return offset;
      }
    }
    const size = this.#frameBytes(this.#partial, 0);
    const taken = Math.min(size - this.#partialBytes, chunk.byteLength - offset);
    this.#keep(chunk.subarray(offset, offset + taken), size);
    if (this.#partialBytes === size) {
      frames.push(readFrame(this.#partial, 0, size));
      this.#partial = Buffer.alloc(0);
      this.#partialBytes = 0;
    }
    return offset + taken;
  }

  /** Adds bytes to the partial frame, which will have `size` bytes. Each byte is copied a bounded number of times. */
  #keep(bytes: Uint8Array, size: number): void {
    const needed = this.#partialBytes + bytes.byteLength;
    if (needed > this.#partial.byteLength) {
      const reserved = Math.min(size, Math.max(2 * needed, RESERVED_BYTES_MAX));
      const grown = Buffer.allocUnsafeSlow(reserved);
      this.#partial.copy(grown, 0, 0, this.#partialBytes);
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#partialBytes);
    this.#partialBytes = needed;
  }

  /** The length of the frame that begins at `at`, whose header is there. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const [magic, version, type, flags] = bytes.subarray(at, at + 4);
    if (magic !== FRAME_MAGIC) {
      throw new ProtocolError(`not a frame: it begins with ${magic}`);
    }
    if (version !== FRAME_VERSION) {
      throw new ProtocolError(`a frame of version ${version}, but this release reads only version ${FRAME_VERSION}`);
    }
    if (type === undefined || !typesByNumber.has(type) || flags !== 0) {
      throw new ProtocolError(`a frame of unknown type ${type} or with unknown flags ${flags}`);
    }
    const size = FRAME_HEADER_BYTES + readU32(bytes, at + 8);
    if (size > this.#maxFrameBytes) {
      throw new ProtocolError(`a frame of ${size} bytes, but at most ${this.#maxFrameBytes} are allowed`);
    }
    return size;
  }
}

function readFrame(bytes: Uint8Array, at: number, size: number): Frame {
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + at + FRAME_HEADER_BYTES, size - FRAME_HEADER_BYTES);
  const expectedCrc = readU32(bytes, at + CRC_AT);
  const crc = crcOf([bytes.subarray(at, at + CRC_AT), body]);
  const type = typesByNumber.get(bytes[at + 2] ?? 0);
  if (crc !== expectedCrc || type === undefined) {
    throw new ProtocolError(`a damaged frame: the checksum is ${hex(crc)} instead of ${hex(expectedCrc)}`);
  }
  return { type, id: readU32(bytes, at + 4), body };
}

function readU32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
