/**
 * The bytes of a state snapshot: a header, then members of the state in groups, each in a frame, cut into chunks without
 * regard to frames. A frame is its length (4 bytes, little endian) and that many bytes of MessagePack; a length of 0
 * ends the stream, so that one which was cut short is recognised wherever the cut is.
 *
 * ```text
 *   [len][header] [len][group of members] [len][group of members] ... [0]
 * ```
 *
 * A member that is too large for one frame is opened: the groups between `open` and `close` are its members. What is
 * open may hold what is opened.
 *
 * ```text
 *   ... [len][group] [len][open] [len][group] ... [len][close] [len][group] ... [0]
 * ```
 */
import type { Options } from 'msgpackr';
// Not the package's main entry: that reads text with a native addon where it is installed, and all nodes must agree.
import { Packr } from 'msgpackr/pack';
import { findFault } from '../../codec/plain-data.ts';
import { SnapshotError } from '../../errors.ts';
import type { Timers } from '../../ports/clock.ts';
import { ByteQueue } from './byte-queue.ts';
import type { ContainerType } from './copied-container.ts';
import { nextTurn } from './state-turns.ts';

/** Chunks are this long, except for the last one. */
const CHUNK_BYTES = 64 * 1024;

/** A group is encoded when its members have so many units together, which takes about 0.1 ms. */
const GROUP_UNITS = 1000;

/** So many bytes are decoded in one piece, which takes a few milliseconds. */
const PIECE_BYTES = 64 * 1024;

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

/** Begins a container that is too large for one frame. */
export interface OpenMark {
  readonly open: ContainerType;
  /** Under which key it belongs in the container around it; `null` when that has none. */
  readonly key: readonly [unknown] | null;
}

/** Ends it. */
export interface CloseMark {
  readonly open: null;
}

const CLOSE_MARK: CloseMark = Object.freeze({ open: null });

/**
 * Decodes frames: the header first, then groups and marks. Yields to the event loop in between.
 * @throws SnapshotError when the bytes are damaged, cut short or too many
 */
export async function* decodeSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  timers: Timers,
): AsyncGenerator<unknown, void> {
  const decoder = new FrameDecoder();
  let pieceEndBytes = PIECE_BYTES;
  for await (const chunk of chunks) {
    decoder.push(chunk);
    for (const frame of decoder.takeFrames()) {
      yield frame;
      if (decoder.doneBytes >= pieceEndBytes) {
        pieceEndBytes = decoder.doneBytes + PIECE_BYTES;
        await nextTurn(timers);
      }
    }
  }
  decoder.checkEnded();
}

/** Collects members in groups, and frames in chunks. */
export class FrameEncoder {
  // One for each stream: it remembers the keys of every kind of object it has met.
  readonly #packr = new Packr(PACK_OPTIONS);
  readonly #bytes = new ByteQueue();
  #group: unknown[] = [];
  #groupUnits = 0;

  constructor(header: unknown) {
    this.#push(header);
  }

  get hasFullChunk(): boolean {
    return this.#bytes.lengthBytes >= CHUNK_BYTES;
  }

  /**
   * @param units How much work it is to encode the member.
   * @param depth How many containers are open around it.
   * @throws SnapshotError when the member would not come back as it is
   */
  add(member: unknown, units: number, depth: number): void {
    checkData(member, depth);
    this.#group.push(member);
    this.#groupUnits += units;
    if (this.#groupUnits >= GROUP_UNITS) {
      this.#encodeGroup();
    }
  }

  /** Until `close`, what is added are members of this container. */
  open(mark: OpenMark, depth: number): void {
    checkData(mark.key, depth);
    this.#encodeGroup();
    this.#push(mark);
  }

  close(): void {
    this.#encodeGroup();
    this.#push(CLOSE_MARK);
  }

  end(): void {
    this.#encodeGroup();
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
    if (this.#group.length > 0) {
      this.#push(this.#group);
      this.#group = [];
      this.#groupUnits = 0;
    }
  }

  #push(value: unknown): void {
    const frame = this.#packr.pack(value);
    if (frame.byteLength > FRAME_BYTES_MAX) {
      throw new RangeError(`a part of the state takes ${frame.byteLength} bytes, more than ${FRAME_BYTES_MAX}`);
    }
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, frame.byteLength, true);
    this.#bytes.push(length);
    this.#bytes.push(frame);
  }
}

function checkData(value: unknown, depth: number): void {
  const fault = findFault(value, { hasMap: false }, depth);
  if (fault !== null) {
    const place = fault.path.toReversed().join('');
    throw new SnapshotError(`the state can't be encoded: ${fault.reason}, in a part of it at '${place}'`);
  }
}

class FrameDecoder {
  readonly #packr = new Packr(PACK_OPTIONS);
  readonly #bytes = new ByteQueue();
  /** Of the frame that is being received; `null` between frames. */
  #frameBytes: number | null = null;
  #isEnded = false;
  #doneBytes = 0;

  /** Of the frames that were taken. */
  get doneBytes(): number {
    return this.#doneBytes;
  }

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
    this.#doneBytes += this.#frameBytes;
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
