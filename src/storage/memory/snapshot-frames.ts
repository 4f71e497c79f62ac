/**
 * The bytes of a state snapshot: a header, then values in groups, each in a frame, cut into chunks without regard to
 * frames. A frame is its length (4 bytes, little endian) and that many bytes of MessagePack; a length of 0 ends the
 * stream, so that one which was cut short is recognised wherever the cut is.
 *
 * ```text
 *   [len][header] [len][group of values] [len][group of values] ... [0]
 * ```
 */
import type { Options } from 'msgpackr';
// Not the package's main entry: that reads text with a native addon where it is installed, and all nodes must agree.
import { Packr } from 'msgpackr/pack';
import { findFault } from '../../codec/plain-data.ts';
import { SnapshotError } from '../../errors.ts';
import { ByteQueue } from './byte-queue.ts';

/** Chunks are this long, except for the last one. */
const CHUNK_BYTES = 64 * 1024;

/** Groups grow to about this size: large enough for speed, small enough that the event loop gets its turn. */
const GROUP_BYTES = 16 * 1024;
const GROUP_VALUES_MAX = 64;

const LENGTH_BYTES = 4;
const FRAME_BYTES_MAX = 2 ** 32 - 1;

/** Maps, Sets, typed arrays, big integers, `undefined` and shared references inside a value come back as they were. */
const PACK_OPTIONS: Options = {
  useRecords: true,
  structuredClone: true,
  moreTypes: true,
  copyBuffers: true,
  useToJSON: false,
};

/**
 * Encodes values chunk by chunk. `onEncoded` is called when the last value is encoded, before the last chunks are
 * handed out: from then on the values may change.
 */
export async function* encodeSnapshot(
  header: unknown,
  values: Iterable<unknown> | AsyncIterable<unknown>,
  onEncoded: () => void,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new FrameEncoder(header);
  // Two loops, because `for await` over a plain iterable costs several turns of the microtask queue for each value.
  if (Symbol.asyncIterator in values) {
    for await (const value of values) {
      encoder.add(value);
      yield* encoder.takeFullChunks();
    }
  } else {
    for (const value of values) {
      encoder.add(value);
      if (encoder.hasFullChunk) {
        yield* encoder.takeFullChunks();
      }
    }
  }
  encoder.end();
  onEncoded();
  yield* encoder.takeFullChunks();
  yield encoder.takeRest();
}

/**
 * Decodes frames: the header first, then groups of values.
 * @throws SnapshotError when the bytes are damaged, cut short or too many
 */
export async function* decodeSnapshot(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void> {
  const decoder = new FrameDecoder();
  for await (const chunk of chunks) {
    decoder.push(chunk);
    yield* decoder.takeFrames();
  }
  decoder.checkEnded();
}

/** Collects values in groups, and frames in chunks. */
class FrameEncoder {
  // One for each stream: it remembers the keys of every kind of object it has met.
  readonly #packr = new Packr(PACK_OPTIONS);
  readonly #bytes = new ByteQueue();
  #group: unknown[] = [];
  #groupSize = 1;

  constructor(header: unknown) {
    this.#push(header);
  }

  get hasFullChunk(): boolean {
    return this.#bytes.lengthBytes >= CHUNK_BYTES;
  }

  /** @throws SnapshotError when the value would not come back as it is */
  add(value: unknown): void {
    const fault = findFault(value, { hasMap: false });
    if (fault !== null) {
      const place = fault.path.toReversed().join('');
      throw new SnapshotError(`the state can't be encoded: ${fault.reason}, in a part of it at '${place}'`);
    }
    this.#group.push(value);
    if (this.#group.length >= this.#groupSize) {
      this.#encodeGroup();
    }
  }

  end(): void {
    if (this.#group.length > 0) {
      this.#encodeGroup();
    }
    this.#bytes.push(new Uint8Array(LENGTH_BYTES));
  }

  *takeFullChunks(): Generator<Uint8Array, void> {
    while (this.hasFullChunk) {
      yield this.#bytes.take(CHUNK_BYTES);
    }
  }

  takeRest(): Uint8Array {
    return this.#bytes.take(this.#bytes.lengthBytes);
  }

  #encodeGroup(): void {
    const sizeBytes = this.#push(this.#group);
    const wanted = Math.floor((this.#group.length * GROUP_BYTES) / sizeBytes);
    this.#groupSize = Math.max(1, Math.min(wanted, this.#group.length * 2, GROUP_VALUES_MAX));
    this.#group = [];
  }

  #push(value: unknown): number {
    const frame = this.#packr.pack(value);
    if (frame.byteLength > FRAME_BYTES_MAX) {
      throw new RangeError(`a part of the state takes ${frame.byteLength} bytes, more than ${FRAME_BYTES_MAX}`);
    }
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, frame.byteLength, true);
    this.#bytes.push(length);
    this.#bytes.push(frame);
    return frame.byteLength;
  }
}

class FrameDecoder {
  readonly #packr = new Packr(PACK_OPTIONS);
  readonly #bytes = new ByteQueue();
  /** Of the frame that is being received; `null` between frames. */
  #frameBytes: number | null = null;
  #isEnded = false;

  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
  }

  *takeFrames(): Generator<unknown, void> {
    for (let frame = this.#takeFrame(); frame !== null; frame = this.#takeFrame()) {
      yield this.#decode(frame);
    }
  }

  checkEnded(): void {
    if (!this.#isEnded) {
      throw new SnapshotError('the snapshot is cut short');
    }
    if (this.#bytes.lengthBytes > 0) {
      throw new SnapshotError('the snapshot has bytes after its end');
    }
  }

  /** `null` when the next frame is not complete, or when there is none. */
  #takeFrame(): Uint8Array | null {
    if (this.#frameBytes === null && !this.#isEnded && this.#bytes.lengthBytes >= LENGTH_BYTES) {
      const length = this.#bytes.take(LENGTH_BYTES);
      this.#frameBytes = new DataView(length.buffer, length.byteOffset).getUint32(0, true);
      this.#isEnded = this.#frameBytes === 0;
    }
    if (this.#frameBytes === null || this.#isEnded || this.#bytes.lengthBytes < this.#frameBytes) {
      return null;
    }
    const frame = this.#bytes.take(this.#frameBytes);
    this.#frameBytes = null;
    return frame;
  }

  #decode(frame: Uint8Array): unknown {
    try {
      return this.#packr.unpack(frame);
    } catch (error) {
      throw new SnapshotError('the snapshot is damaged: a part of it is no MessagePack', error);
    }
  }
}
