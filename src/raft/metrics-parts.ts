/** Parts of the metrics: openraft's `RaftDataMetrics` and `RaftServerMetrics`. */
import type { RaftMetrics } from '../runtime/metrics.ts';

/** How far the data is. */
export type RaftDataMetrics = Pick<
  RaftMetrics,
  'lastLogIndex' | 'committed' | 'lastApplied' | 'snapshot' | 'purged' | 'millisSinceQuorumAck' | 'replication'
>;

/** Who the node is and whom it follows. */
export type RaftServerMetrics = Pick<
  RaftMetrics,
  'id' | 'currentTerm' | 'votedFor' | 'state' | 'currentLeader' | 'membership'
>;

export function dataMetrics(metrics: RaftMetrics): RaftDataMetrics {
  const { lastLogIndex, committed, lastApplied, snapshot, purged, millisSinceQuorumAck, replication } = metrics;
  return { lastLogIndex, committed, lastApplied, snapshot, purged, millisSinceQuorumAck, replication };
}

export function serverMetrics(metrics: RaftMetrics): RaftServerMetrics {
  const { id, currentTerm, votedFor, state, currentLeader, membership } = metrics;
  return { id, currentTerm, votedFor, state, currentLeader, membership };
}
