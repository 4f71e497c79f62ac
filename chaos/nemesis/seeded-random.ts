/** Random numbers that a seed decides, for schedules and operations. Not for secrets. */

/** A small generator of 32 bits (splitmix32): equal seeds give equal numbers on every machine. */
export class SeededRandom {
  #state: number;

  /** `stream` makes independent sequences of one seed. */
  constructor(seed: number, stream: string) {
    let hash = seed >>> 0;
    for (const character of stream) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    this.#state = hash;
  }

  /** From 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** @throws RangeError when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T {
    const index = this.between(0, choices.length - 1);
    if (choices.length === 0) throw new RangeError('there is nothing to choose from');
    // The index is within the array, which is not empty.
    return choices[index] as T;
  }

  isChance(probability: number): boolean {
    return this.next() < probability;
  }

  shuffle<T>(items: readonly T[]): readonly T[] {
    const left = [...items];
    const shuffled: T[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.between(0, left.length - 1), 1));
    return shuffled;
  }
}
