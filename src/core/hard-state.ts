/** What must be on disk before a node speaks of it (§5, figure 2). */
import type { NodeId, Term } from './ids.ts';

/** One atomic record: a term without its vote would let a node vote twice. */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
}

export const INITIAL_HARD_STATE: HardState = Object.freeze({ term: 0, votedFor: null });
