/** Which operations are placed: bits, with a hash that is kept up to date. */

const WORD_BITS = 32;

export class PlacedSet {
  readonly #words: Uint32Array;
  #hash = 0;
  #count = 0;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / WORD_BITS));
  }

  get count(): number {
    return this.#count;
  }

  /** The same for equal sets, whatever the order of changes. */
  get hash(): number {
    return this.#hash;
  }

  add(index: number): void {
    this.#flip(index);
    this.#count += 1;
  }

  delete(index: number): void {
    this.#flip(index);
    this.#count -= 1;
  }

  /**
   * The words from `firstWord` to the last one with a bit in it, as a copy. `firstWord` must be one before which all
   * bits are set, so that the count tells where to stop.
   */
  wordsFrom(firstWord: number): Uint32Array {
    let missing = this.#count - firstWord * WORD_BITS;
    let end = firstWord;
    for (; missing > 0; end += 1) missing -= countBits(this.#words[end] ?? 0);
    return this.#words.slice(firstWord, end);
  }

  #flip(index: number): void {
    const word = index >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) ^ (1 << (index & 31));
    this.#hash ^= mix(index);
  }
}

/** The word of an operation's bit. */
export function wordOf(index: number): number {
  return index >>> 5;
}

/** Spreads a small integer over 32 bits: two rounds of multiply and shift, constants with well mixed bits. */
export function mix(value: number): number {
  let h = Math.imul(value + 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return (h ^ (h >>> 13)) | 0;
}

function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
