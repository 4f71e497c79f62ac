/** When the latest heartbeat rounds were sent: an answer to a round proves leadership at that time. */

const KEPT = 64;

export class Rounds {
  #current = 0;
  readonly #sentMs: number[] = new Array<number>(KEPT).fill(Number.NEGATIVE_INFINITY);

  get current(): number {
    return this.#current;
  }

  start(nowMs: number): number {
    this.#current += 1;
    this.#sentMs[this.#current % KEPT] = nowMs;
    return this.#current;
  }

  /** `-Infinity` for a round too old to be remembered, or never started. */
  sentMs(round: number): number {
    if (round <= this.#current - KEPT || round < 1 || round > this.#current) return Number.NEGATIVE_INFINITY;
    return this.#sentMs[round % KEPT] ?? Number.NEGATIVE_INFINITY;
  }
}
