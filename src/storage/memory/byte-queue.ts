/** Bytes that arrive in pieces of one size and leave in pieces of another. */

/** First in, first out. Takes the pieces as they are, without a copy; they must not change. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** How much of the first piece is taken already. */
  #offset = 0;
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  push(piece: Uint8Array): void {
    if (piece.byteLength > 0) {
      this.#pieces.push(piece);
      this.#lengthBytes += piece.byteLength;
    }
  }

  /** The first `length` bytes, which must be there: a view when the first piece has more, a copy otherwise. */
  take(length: number): Uint8Array {
    if (length > this.#lengthBytes) {
      throw new RangeError(`only ${this.#lengthBytes} of ${length} bytes are there`);
    }
    const [first] = this.#pieces;
    this.#lengthBytes -= length;
    if (first !== undefined && first.byteLength - this.#offset > length) {
      const start = this.#offset;
      this.#offset += length;
      return first.subarray(start, this.#offset);
    }
    return this.#takeCopy(length);
  }

  #takeCopy(length: number): Uint8Array {
    const copy = new Uint8Array(length);
    let filled = 0;
    let used = 0;
    for (const piece of this.#pieces) {
      if (filled === length) {
        break;
      }
      const part = piece.subarray(this.#offset, this.#offset + length - filled);
      copy.set(part, filled);
      filled += part.byteLength;
      this.#offset += part.byteLength;
      if (this.#offset === piece.byteLength) {
        used += 1;
        this.#offset = 0;
      }
    }
    this.#pieces = this.#pieces.slice(used);
    return copy;
  }
}
