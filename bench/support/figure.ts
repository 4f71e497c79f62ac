/** One line of the report, and the figures that are measured by putting load on something. */
import type { LoadResult } from './load.ts';

/** What a figure should reach on a machine with two cores. Missing it is reported, and fails nothing. */
export type Floor = { readonly atLeast: number } | { readonly atMost: number };

export interface Figure {
  /** What was measured, e.g. `propose 256 B, 64 in flight`; unique within its scenario. */
  readonly name: string;
  /** Of the values, e.g. `ops/s`. */
  readonly unit: string;
  /** One for each repeat. */
  readonly values: readonly number[];
  /** One for each repeat, microseconds of all processes that took part; empty when it was not measured. */
  readonly cpuUsPerOperation: readonly number[];
  /** One for each repeat; empty when it was not measured. */
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
  readonly floor: Floor | null;
}

/** A figure that has values only. */
export function plainFigure(name: string, unit: string, values: readonly number[], floor: Floor | null = null): Figure {
  return { name, unit, values, cpuUsPerOperation: [], p50Ms: [], p99Ms: [], floor };
}

/** The throughput of runs, with what an operation cost and how long it took. */
export function loadFigure(name: string, runs: readonly LoadResult[], floor: Floor | null = null): Figure {
  return {
    name,
    unit: 'ops/s',
    values: runs.map(({ operations, seconds }) => operations / seconds),
    cpuUsPerOperation: runs.map(({ operations, cpuUs }) => cpuUs / operations),
    p50Ms: runs.map(({ p50Ms }) => p50Ms),
    p99Ms: runs.map(({ p99Ms }) => p99Ms),
    floor,
  };
}
