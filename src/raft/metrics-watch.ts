/** The metrics of a node as they change: openraft's watch channel. */
import type { RaftMetrics } from '../runtime/metrics.ts';
import type { Runtime } from '../runtime/runtime.ts';

/**
 * Yields the current metrics, then the latest ones after something may have changed; what a slow reader misses is
 * skipped. Ends after the metrics of the stopped node.
 */
export class MetricsWatch implements AsyncIterableIterator<RaftMetrics> {
  readonly #runtime: Runtime;
  readonly #stop: () => void;
  #isNews = true;
  #isDone = false;
  readonly #waiting: ((result: IteratorResult<RaftMetrics>) => void)[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#stop = runtime.onTurn(() => this.#onTurn());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<RaftMetrics>> {
    if (this.#isDone) return Promise.resolve({ done: true, value: undefined });
    if (this.#isNews) return Promise.resolve(this.#take());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<RaftMetrics>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #onTurn(): void {
    this.#isNews = true;
    const first = this.#waiting.shift();
    if (first !== undefined) first(this.#take());
  }

  #take(): IteratorResult<RaftMetrics> {
    this.#isNews = false;
    const value = this.#runtime.metrics();
    if (value.stopped !== null) this.#end();
    return { done: false, value };
  }

  #end(): void {
    this.#isDone = true;
    this.#stop();
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }
}
