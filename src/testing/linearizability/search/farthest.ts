/** How far a search has come, and what it failed at there. */
import type { Watched } from './lookahead.ts';

/** Readers of so many values are reported. */
const MISSING_MAX = 3;

export class Farthest {
  /** Event number of the return that was not passed. */
  #frontier = -1;
  #required = 0;
  #trail: readonly number[] = [];
  /** Values that were missing right after there, and how often. */
  #missing = new Map<Watched, number>();
  #missingFrontier = -1;

  get frontier(): number {
    return this.#frontier;
  }

  /** Required operations that were placed. */
  get required(): number {
    return this.#required;
  }

  get trail(): readonly number[] {
    return this.#trail;
  }

  /** Nothing more fits after the trail: is it the one that comes farthest, or as far with less? */
  note(frontier: number, required: number, trail: readonly number[]): void {
    if (frontier < this.#frontier || (frontier === this.#frontier && required < this.#required)) return;
    const isLonger = frontier > this.#frontier || required > this.#required;
    if (!isLonger && trail.length >= this.#trail.length) return;
    this.#frontier = frontier;
    this.#required = required;
    this.#trail = [...trail];
  }

  /** A value is missing one step after a configuration with this frontier. */
  noteMissing(frontier: number, watched: Watched): void {
    if (frontier < this.#missingFrontier) return;
    if (frontier > this.#missingFrontier) {
      this.#missingFrontier = frontier;
      this.#missing = new Map();
    }
    this.#missing.set(watched, (this.#missing.get(watched) ?? 0) + 1);
  }

  /** Values that were missing at the last frontier, the most frequent first. */
  missing(): readonly Watched[] {
    const byCount = [...this.#missing].toSorted(([, a], [, b]) => b - a);
    return byCount.slice(0, MISSING_MAX).map(([watched]) => watched);
  }
}
