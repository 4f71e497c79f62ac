/** Makes a failing schedule small: delta debugging (ddmin) over its items. */
import type { FaultItem } from '../schedule/fault-item.ts';
import { runSeed } from './run-seed.ts';
import type { SimOptions, SimResult } from './sim-options.ts';

export interface ShrinkOptions {
  readonly options: SimOptions;
  /** The run that failed. */
  readonly failed: SimResult;
  /** Told after each run. */
  readonly onRun?: (run: { readonly runs: number; readonly items: number }) => void;
  /** Give up making it smaller after so many runs. Default 500. */
  readonly maxRuns?: number;
}

export interface Shrunk {
  readonly result: SimResult;
  readonly runs: number;
}

/** Resolves with the last run that failed in the same way: no single item of its schedule can be left out. */
export async function shrink(shrinkOptions: ShrinkOptions): Promise<Shrunk> {
  return await new Shrinking(shrinkOptions).run();
}

class Shrinking {
  readonly #options: ShrinkOptions;
  #best: SimResult;
  #runs = 0;

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#best = options.failed;
  }

  async run(): Promise<Shrunk> {
    await this.#endEarly();
    let parts = 2;
    while (!this.#isSpent && this.#best.schedule.length > 0) {
      const before = this.#best.schedule.length;
      if (await this.#withoutOneOf(parts)) parts = Math.max(2, parts - 1);
      else if (parts >= before) break;
      else parts = Math.min(before, 2 * parts);
    }
    return { result: this.#best, runs: this.#runs };
  }

  get #isSpent(): boolean {
    return this.#runs >= (this.#options.maxRuns ?? 500);
  }

  /** What comes after the failure does not matter. Without it the healed phase comes sooner. */
  async #endEarly(): Promise<void> {
    const { schedule, atMs } = this.#best;
    await this.#try(schedule.filter((item) => item.atMs <= atMs));
  }

  /** Leaves out one part after the other, until that still fails. */
  async #withoutOneOf(parts: number): Promise<boolean> {
    const { schedule } = this.#best;
    const size = Math.ceil(schedule.length / parts);
    for (let start = 0; start < schedule.length && !this.#isSpent; start += size) {
      const rest = schedule.filter((_, position) => position < start || position >= start + size);
      if (await this.#try(rest)) return true;
    }
    return false;
  }

  async #try(schedule: readonly FaultItem[]): Promise<boolean> {
    if (schedule.length === this.#best.schedule.length) return false;
    const { options, onRun } = this.#options;
    this.#runs += 1;
    const result = await runSeed({ ...options, schedule, trace: undefined });
    const isSame = result.outcome === this.#best.outcome && result.property === this.#best.property;
    if (isSame) this.#best = result;
    onRun?.({ runs: this.#runs, items: this.#best.schedule.length });
    return isSame;
  }
}
