/** A closed-loop load generator: so many callers, each of which waits for its answer before it asks again. */
import { Latencies } from './latencies.ts';

/** When a run ends: after so many operations, or when so much time has passed. */
export type RunLength = { readonly operations: number } | { readonly durationMs: number };

export interface LoadOptions {
  /** Callers at a time. */
  readonly inFlight: number;
  readonly length: RunLength;
}

/** What one run showed. */
export interface LoadResult {
  readonly operations: number;
  readonly seconds: number;
  /** User and system time of this process, garbage collection included, in microseconds. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs `operation` until the run is long enough; the first failure ends it and is thrown. */
export async function runLoad(operation: () => Promise<unknown>, options: LoadOptions): Promise<LoadResult> {
  const { inFlight, length } = options;
  const latencies = new Latencies();
  let left = 'operations' in length ? length.operations : Number.POSITIVE_INFINITY;
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const endMs = 'durationMs' in length ? startMs + length.durationMs : Number.POSITIVE_INFINITY;
  const caller = async (): Promise<void> => {
    let nowMs = performance.now();
    while (left > 0 && nowMs < endMs) {
      left -= 1;
      const sentMs = nowMs;
      await operation();
      nowMs = performance.now();
      latencies.record(nowMs - sentMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: inFlight }, caller));
  } finally {
    left = 0;
  }
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { operations: latencies.count, seconds, cpuUs: user + system, ...latencies.percentiles() };
}
