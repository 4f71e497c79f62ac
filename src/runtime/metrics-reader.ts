/** Takes a picture of a node. */
import type { NodeId } from '../core/ids.ts';
import { logId } from '../core/ids.ts';
import type { RaftCore } from '../core/raft.ts';
import type { ConsensusError } from '../errors.ts';
import type { LocalIdentity } from '../ports/network.ts';
import type { RaftMetrics, ReplicationStatus } from './metrics.ts';

export interface MetricsSources {
  readonly core: RaftCore;
  readonly nowMs: number;
  readonly identity: LocalIdentity;
  readonly stopped: ConsensusError | null;
  readonly appliedLogId: RaftMetrics['lastApplied'];
  readonly pendingProposals: number;
  readonly logCacheBytes: number;
  readonly isUnreachable: (peer: NodeId) => boolean;
}

export function readMetrics(sources: MetricsSources): RaftMetrics {
  const { core, nowMs, identity, stopped } = sources;
  const { state } = core;
  const contactMs = stopped === null ? core.quorumContactMs(nowMs) : null;
  return {
    stopped,
    id: state.nodeId,
    clusterId: identity.clusterId,
    instanceId: identity.instanceId,
    currentTerm: state.hardState.term,
    votedFor: state.hardState.votedFor,
    state: stopped === null ? state.role.name : 'shutdown',
    currentLeader: stopped === null ? state.leaderId : null,
    lastLogIndex: state.log.lastIndex,
    durableIndex: state.durableIndex,
    committed: logId(state.log.termAt(state.commitIndex) ?? state.log.purged.term, state.commitIndex),
    lastApplied: sources.appliedLogId,
    snapshot: state.snapshot,
    purged: state.log.purged,
    membership: state.membership.effective,
    committedMembership: state.membership.committed,
    millisSinceQuorumAck: contactMs === null ? null : Math.max(0, nowMs - contactMs),
    replication: stopped === null ? readReplication(sources) : null,
    pendingProposals: sources.pendingProposals,
    logCacheBytes: sources.logCacheBytes,
  };
}

function readReplication({
  core,
  nowMs,
  isUnreachable,
}: MetricsSources): ReadonlyMap<NodeId, ReplicationStatus> | null {
  const { role } = core.state;
  if (role.name !== 'leader') return null;
  const peers = new Map<NodeId, ReplicationStatus>();
  for (const [peer, { matchIndex, state, contactMs, removedAt }] of role.leader.progress) {
    if (removedAt !== null) continue;
    peers.set(peer, { matchIndex, state, contactAgeMs: nowMs - contactMs, isReachable: !isUnreachable(peer) });
  }
  return peers;
}
