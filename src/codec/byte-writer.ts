/** Writes integers, strings and bytes one after the other, little-endian, into a buffer that grows. */
import type { LogId, NodeId } from '../core/ids.ts';
import { isCounter, isNodeId } from '../core/ids.ts';

const TWO_TO_32 = 0x1_0000_0000;

/** A value that does not fit its field is a `RangeError`: it is a fault of the caller, never written as something else. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  /** `capacity` is a guess; a good one saves copies. */
  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    requireUint(value, 0xff);
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    requireUint(value, 0xffff);
    const at = this.#take(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  u32(value: number): void {
    requireUint(value, 0xffff_ffff);
    const at = this.#take(4);
    putU32(this.#bytes, at, value);
  }

  /** A safe integer that is not negative, as u64. */
  counter(value: number): void {
    const at = this.#take(8);
    putCounter(this.#bytes, at, value);
  }

  nodeId(id: NodeId): void {
    if (!isNodeId(id)) {
      throw new RangeError(`${id} is not a node id, a positive safe integer`);
    }
    this.counter(id);
  }

  logId({ term, index }: LogId): void {
    this.counter(term);
    this.counter(index);
  }

  /** A finite number that is not negative. */
  duration(value: number): void {
    if (!(Number.isFinite(value) && value >= 0)) {
      throw new RangeError(`${value} is not a duration`);
    }
    const at = this.#take(8);
    // Adding 0 takes the sign off a negative zero: equal values have equal bytes.
    this.#bytes.writeDoubleLE(value + 0, at);
  }

  boolean(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** Copies the bytes, behind their length. */
  bytes(value: Uint8Array): void {
    this.u32(value.byteLength);
    const at = this.#take(value.byteLength);
    this.#bytes.set(value, at);
  }

  string(value: string): void {
    if (!value.isWellFormed()) {
      throw new RangeError(`${JSON.stringify(value)} holds half of a surrogate pair, which UTF-8 can't represent`);
    }
    const length = Buffer.byteLength(value);
    this.u32(length);
    const at = this.#take(length);
    this.#bytes.write(value, at);
  }

  /** A mark, and the value if there is one. */
  optional<T>(value: T | null, write: (value: T) => void): void {
    this.boolean(value !== null);
    if (value !== null) {
      write(value);
    }
  }

  /** What was written, without a copy; the writer must not be used any more. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#length);
  }

  #take(count: number): number {
    const at = this.#length;
    const length = at + count;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = length;
    return at;
  }
}

/** Writes the lower 32 bits of an integer. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Writes a safe integer that is not negative, as u64. */
export function putCounter(bytes: Uint8Array, at: number, value: number): void {
  if (!isCounter(value)) {
    throw new RangeError(`${value} is not a safe integer of 0 or more`);
  }
  putU32(bytes, at, value);
  putU32(bytes, at + 4, Math.floor(value / TWO_TO_32));
}

function requireUint(value: number, max: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) {
    throw new RangeError(`${value} is not an integer between 0 and ${max}`);
  }
}
