/** How much a search may cost. */

/** What ran out. */
export type LimitReached = 'steps' | 'memory' | 'deadline';

export interface SearchLimits {
  /** Questions to the model. */
  readonly maxSteps: number;
  /** Remembered configurations and states. */
  readonly maxCacheEntries: number;
  readonly isOverdue: () => boolean;
}

export interface SearchCost {
  readonly steps: number;
  readonly cacheEntries: number;
}

/** Thrown out of a search that asked too much between two of its moves. */
export class LimitError extends Error {
  readonly limit: LimitReached;

  constructor(limit: LimitReached) {
    super(`the search reached the limit of ${limit}`);
    this.name = 'LimitError';
    this.limit = limit;
  }
}

/** What the cost goes beyond; `null` when all is within. */
export function limitReached({ steps, cacheEntries }: SearchCost, limits: SearchLimits): LimitReached | null {
  if (steps > limits.maxSteps) return 'steps';
  if (cacheEntries > limits.maxCacheEntries) return 'memory';
  return limits.isOverdue() ? 'deadline' : null;
}
