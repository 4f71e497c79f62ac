/** The durations of the operations of one run. */
import { percentile } from './statistics.ts';

const INITIAL_CAPACITY = 1 << 18;

/** Keeps every duration, in memory that is there before the run starts: recording one costs a store. */
export class Latencies {
  #durationsMs = new Float64Array(INITIAL_CAPACITY);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  record(durationMs: number): void {
    if (this.#count === this.#durationsMs.length) this.#grow();
    this.#durationsMs[this.#count] = durationMs;
    this.#count += 1;
  }

  /** The median and the 99th percentile, in ms. Sorts: not while a run is under way. */
  percentiles(): { readonly p50Ms: number; readonly p99Ms: number } {
    const sorted = this.#durationsMs.slice(0, this.#count).sort();
    return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
  }

  #grow(): void {
    const larger = new Float64Array(this.#durationsMs.length * 2);
    larger.set(this.#durationsMs);
    this.#durationsMs = larger;
  }
}
