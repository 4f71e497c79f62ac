/** Identifiers of nodes, terms and log positions. Everything else in the core is spoken in these. */

/** Identifies a node for its whole life. A positive safe integer, chosen by the user. */
export type NodeId = number;

/** A logical clock of leaderships (§5.1). Starts at 0 and never decreases. */
export type Term = number;

/** A position in the log. The first entry has index 1; 0 means "nothing". */
export type LogIndex = number;

/** Names one log entry: two entries with the same LogId are the same entry (log matching, §5.3). */
export interface LogId {
  readonly term: Term;
  readonly index: LogIndex;
}

/** The LogId before the first entry. */
export const NO_LOG_ID: LogId = Object.freeze({ term: 0, index: 0 });

/** Makes a LogId with the one shape all LogIds share. */
export function logId(term: Term, index: LogIndex): LogId {
  return { term, index };
}

/** Orders LogIds as §5.4.1 does: the later term first, then the longer log. */
export function compareLogIds(a: LogId, b: LogId): number {
  return a.term === b.term ? a.index - b.index : a.term - b.term;
}

export function isSameLogId(a: LogId, b: LogId): boolean {
  return a.index === b.index && a.term === b.term;
}

/** Is `value` usable as a node id: a positive safe integer? */
export function isNodeId(value: unknown): value is NodeId {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Is `value` usable as a term or index: a safe integer that is not negative? */
export function isCounter(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
