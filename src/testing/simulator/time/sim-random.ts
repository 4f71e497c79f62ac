/** Randomness from a seed, split by purpose: who draws more of one kind does not shift what the others draw. */
import type { Random } from '../../../ports/random.ts';

const TWO_TO_32 = 4_294_967_296;

/** The generator sfc32: fast, small, and good enough to choose faults with. */
export class SimRandom implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** The same text gives the same numbers. */
  constructor(seed: string) {
    this.#seed = seed;
    const word = wordsOf(seed);
    this.#a = word();
    this.#b = word();
    this.#c = word();
    this.#counter = word();
    for (let round = 0; round < 12; round += 1) this.#word();
  }

  /** One of its own for a purpose. Depends on the seed and the purpose, not on what was drawn so far. */
  fork(purpose: string | number): SimRandom {
    return new SimRandom(`${this.#seed}/${purpose}`);
  }

  next(): number {
    return this.#word() / TWO_TO_32;
  }

  uniqueId(): string {
    const words = [this.#word(), this.#word(), this.#word(), this.#word()];
    return words.map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  /** An integer in `[0, limit)`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** In `[min, max)`, in steps of 1/1024, so that times are short in a trace. */
  between(min: number, max: number): number {
    return Math.floor((min + this.next() * (max - min)) * 1024) / 1024;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('there is nothing to pick from');
    return item;
  }

  /** Some of the items, in their order. */
  subset<Item>(items: readonly Item[], probability: number): Item[] {
    return items.filter(() => this.chance(probability));
  }

  shuffle<Item>(items: readonly Item[]): Item[] {
    const left = [...items];
    const shuffled: Item[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.below(left.length), 1));
    return shuffled;
  }

  #word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** 32-bit words that depend on every character of a text. */
function wordsOf(text: string): () => number {
  let hash = 1_779_033_703 ^ text.length;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 3_432_918_353);
    hash = (hash << 13) | (hash >>> 19);
  }
  return () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
    hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909);
    hash ^= hash >>> 16;
    return hash >>> 0;
  };
}
