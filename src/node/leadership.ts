/** Who leads, as far as a node can tell. */
import type { NodeId } from '../core/ids.ts';
import { NotLeaderError } from '../errors.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** A leader and where it is. */
export interface LeaderInfo {
  readonly id: NodeId;
  readonly address: string;
}

/** Does this node lead, and has it heard from a quorum within an election timeout? An isolated leader does not. */
export function isLiveLeader(runtime: Runtime): boolean {
  const { clock, config } = runtime.parts;
  if (runtime.stopped !== null) return false;
  const nowMs = clock.nowMs();
  const contactMs = runtime.core.quorumContactMs(nowMs);
  return contactMs !== null && nowMs - contactMs < config.electionTimeoutMinMs;
}

export function leaderInfo(runtime: Runtime): LeaderInfo | null {
  if (runtime.stopped !== null) return null;
  const { leaderId, leaderNode } = runtime.leaderHint();
  return leaderId === null || leaderNode === null ? null : { id: leaderId, address: leaderNode.addr };
}

/** Does the core of this node count itself as leader? It knows best whether it may append. */
export function isCoreLeader(runtime: Runtime): boolean {
  return runtime.core.state.role.name === 'leader';
}

export function notLeaderError(runtime: Runtime): NotLeaderError {
  const { nodeId, leaderId, leaderNode } = runtime.leaderHint();
  return new NotLeaderError(nodeId, leaderId === nodeId ? null : leaderId, leaderId === nodeId ? null : leaderNode);
}
