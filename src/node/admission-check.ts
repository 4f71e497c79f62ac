/** Asks who answers at an address, before it becomes part of the cluster. */
import type { NodeId } from '../core/ids.ts';
import { PeerRefusedError, UnreachableError } from '../errors.ts';
import type { LocalIdentity } from '../ports/network.ts';
import type { CallBudget } from '../raft/call-options.ts';
import { deadlineSignal } from '../runtime/deadline-signal.ts';
import type { Runtime } from '../runtime/runtime.ts';

/**
 * Resolves with the node that answers, if it may become member `nodeId`. Nothing is written anywhere.
 * @throws UnreachableError when nobody answers
 * @throws PeerRefusedError for another node, a member of another cluster, or a store other than the one that is known
 */
export async function checkAdmission(
  runtime: Runtime,
  candidate: { readonly nodeId: NodeId; readonly address: string },
  budget: CallBudget,
): Promise<LocalIdentity> {
  const identity = await shakeHands(runtime, candidate.address, budget);
  const { nodeId, address } = candidate;
  const own = runtime.identity.local;
  if (identity.nodeId !== nodeId) {
    const message = `node ${identity.nodeId} answers at ${address}, not node ${nodeId}: correct the id or the address`;
    throw new PeerRefusedError('node', message);
  }
  if (identity.clusterName !== own.clusterName) {
    const message = `node ${nodeId} at ${address} is of cluster name '${identity.clusterName}', this node of '${own.clusterName}': correct clusterName`;
    throw new PeerRefusedError('cluster', message);
  }
  if (identity.clusterId !== null && identity.clusterId !== own.clusterId) {
    const message = `node ${nodeId} at ${address} belongs to cluster ${identity.clusterId} already, not to ${String(own.clusterId)}: start it with an empty store`;
    throw new PeerRefusedError('cluster', message);
  }
  checkInstance(runtime, identity);
  return identity;
}

/** A known member must still have the store that it was added with: with another one it forgot its votes and its log. */
function checkInstance(runtime: Runtime, { nodeId, instanceId }: LocalIdentity): void {
  const known = runtime.core.state.membership.effective.membership.nodes.get(nodeId)?.instanceId ?? null;
  if (known === null || known === instanceId) return;
  const message =
    `node ${nodeId} is a member with store ${known}, but runs with store ${instanceId}: its data was lost or exchanged. ` +
    `Give it its own data back, or call removeMember(${nodeId}) and add it as new`;
  throw new PeerRefusedError('instance', message);
}

async function shakeHands(runtime: Runtime, address: string, budget: CallBudget): Promise<LocalIdentity> {
  const { network, timers, config } = runtime.parts;
  const timeoutMs = Math.max(1, Math.min(config.rpcTimeoutMs, budget.leftMs));
  const { signal, release } = deadlineSignal(timers, { signal: budget.signal, timeoutMs });
  try {
    return await network.handshake(address, { signal });
  } catch (error) {
    runtime.assertRunning();
    budget.signal?.throwIfAborted();
    if (signal.aborted) throw new UnreachableError(address, `nobody answered within ${Math.ceil(timeoutMs)} ms`, error);
    throw error;
  } finally {
    release();
  }
}
