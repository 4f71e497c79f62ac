/** The quantities that one can wait for: openraft's `Metric`. */
import type { LogId, LogIndex, NodeId, Term } from '../core/ids.ts';
import { compareLogIds } from '../core/ids.ts';
import type { RaftMetrics } from '../runtime/metrics.ts';

/** A term and the vote given in it. */
export interface Vote {
  readonly term: Term;
  /** `null`: none was given. Less than any. */
  readonly votedFor: NodeId | null;
}

/** A quantity and the value it is compared with. */
export type Metric =
  | { readonly type: 'term'; readonly value: Term }
  | { readonly type: 'vote'; readonly value: Vote }
  | { readonly type: 'last-log-index'; readonly value: LogIndex }
  | { readonly type: 'applied'; readonly value: LogId }
  | { readonly type: 'applied-index'; readonly value: LogIndex }
  | { readonly type: 'snapshot'; readonly value: LogId }
  | { readonly type: 'purged'; readonly value: LogId };

/** Negative when the node is not there yet, 0 when it is, positive when it is beyond. */
export function compareMetric(metrics: RaftMetrics, metric: Metric): number {
  switch (metric.type) {
    case 'term':
      return metrics.currentTerm - metric.value;
    case 'vote':
      return compareVotes({ term: metrics.currentTerm, votedFor: metrics.votedFor }, metric.value);
    case 'last-log-index':
      return metrics.lastLogIndex - metric.value;
    case 'applied':
      return compareLogIds(metrics.lastApplied, metric.value);
    case 'applied-index':
      return metrics.lastApplied.index - metric.value;
    case 'snapshot':
      return compareLogIds(metrics.snapshot, metric.value);
    case 'purged':
      return compareLogIds(metrics.purged, metric.value);
  }
}

/** `term 3`, `applied 3:17`: for messages. */
export function describeMetric({ type, value }: Metric): string {
  if (typeof value === 'number') return `${type} ${value}`;
  return 'index' in value ? `${type} ${value.term}:${value.index}` : `${type} ${value.term}:${String(value.votedFor)}`;
}

function compareVotes(a: Vote, b: Vote): number {
  return a.term === b.term ? (a.votedFor ?? 0) - (b.votedFor ?? 0) : a.term - b.term;
}
