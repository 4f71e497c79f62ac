/** Reads what `ByteWriter` wrote, and trusts nothing: every length and every value is checked before it is used. */
import type { LogId, NodeId } from '../core/ids.ts';
import { isNodeId, logId } from '../core/ids.ts';
import type { MakeError } from './make-error.ts';

const TWO_TO_32 = 0x1_0000_0000;

/** The upper half of 2^53 - 1. */
const HIGH_MAX = 0x1f_ffff;

/** Throws what `makeError` makes, and nothing else, whatever the bytes are. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #makeError: MakeError;
  #offset = 0;

  constructor(bytes: Uint8Array, makeError: MakeError) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#makeError = makeError;
  }

  /** Bytes that were not read yet. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  counter(): number {
    const at = this.#skip(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > HIGH_MAX) {
      throw this.problem(`the integer at ${at} is beyond 2^53 - 1`);
    }
    return high * TWO_TO_32 + this.#view.getUint32(at, true);
  }

  nodeId(): NodeId {
    const id = this.counter();
    if (!isNodeId(id)) {
      throw this.problem(`${id} is not a node id`);
    }
    return id;
  }

  logId(): LogId {
    const term = this.counter();
    return logId(term, this.counter());
  }

  duration(): number {
    const value = this.#view.getFloat64(this.#skip(8), true);
    if (!(Number.isFinite(value) && value >= 0) || Object.is(value, -0)) {
      throw this.problem(`${value} is not a duration`);
    }
    return value;
  }

  boolean(): boolean {
    const value = this.u8();
    if (value > 1) {
      throw this.problem(`${value} is neither true nor false`);
    }
    return value === 1;
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.u32();
    return this.raw(length);
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const at = this.#skip(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      throw this.problem('text that is not UTF-8', error);
    }
  }

  optional<T>(read: () => T): T | null {
    return this.boolean() ? read() : null;
  }

  /** How many elements follow, each of at least `elementBytesMin`: more than can be there are refused at once. */
  count(elementBytesMin: number): number {
    const count = this.u32();
    if (count * elementBytesMin > this.remaining) {
      throw this.problem(`${count} elements announced, but only ${this.remaining} bytes follow`);
    }
    return count;
  }

  /** Everything must have been read. */
  end(): void {
    if (this.remaining > 0) {
      throw this.problem(`${this.remaining} bytes too many`);
    }
  }

  /** The error for a value that was read well but can't be right. */
  problem(what: string, cause?: unknown): Error {
    return this.#makeError(what, cause);
  }

  #skip(count: number): number {
    const at = this.#offset;
    if (count > this.remaining) {
      throw this.problem(`${count} bytes needed at ${at}, but only ${this.remaining} are left`);
    }
    this.#offset = at + count;
    return at;
  }
}
