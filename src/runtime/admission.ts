/** Decides whether a message is meant for this node. */
import type { NodeId } from '../core/ids.ts';
import type { Membership } from '../core/membership/membership.ts';
import { PeerRefusedError } from '../errors.ts';
import type { Envelope, LocalIdentity } from '../ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../ports/network.ts';

/**
 * A wrong address, a recycled one, a wiped or a copied store: each would let a node take part in a cluster that counts
 * on something else. A node without a cluster belongs to whoever means its very store.
 * @throws PeerRefusedError
 */
export function checkEnvelope(envelope: Envelope, local: LocalIdentity, membership: Membership): void {
  checkVersion(envelope);
  const { nodeId, instanceId, clusterId } = local;
  if (envelope.to !== nodeId) {
    throw new PeerRefusedError(
      'node',
      `this is node ${nodeId}, not node ${envelope.to}: correct the address of node ${envelope.to}`,
    );
  }
  if (envelope.toInstanceId !== null && envelope.toInstanceId !== instanceId) {
    throw new PeerRefusedError('instance', wrongInstance(nodeId, envelope.toInstanceId, instanceId));
  }
  if (clusterId !== null && envelope.clusterId !== null && envelope.clusterId !== clusterId) {
    throw new PeerRefusedError(
      'cluster',
      `node ${nodeId} belongs to cluster ${clusterId}, not to ${envelope.clusterId}`,
    );
  }
  if (clusterId !== null && envelope.clusterId === null) throw stranger(envelope, local, membership);
}

function checkVersion({ from, protocolMin, protocolMax }: Envelope): void {
  if (protocolMin <= PROTOCOL_MAX && protocolMax >= PROTOCOL_MIN) return;
  throw new PeerRefusedError(
    'version',
    `protocol version mismatch: node ${from} speaks ${protocolMin}-${protocolMax}, this node ${PROTOCOL_MIN}-${PROTOCOL_MAX}`,
  );
}

/**
 * A store without a cluster: a new one, or that of a member that lost its data.
 *
 * Of a sender that belongs to the cluster nothing is asked. Its store may differ from the one this node knows because it
 * was removed and added again, and who was away meanwhile can only learn that from such a leader. Nobody counts for more
 * than he is by asking: votes and acknowledgements are answers, and every question names the store it is for.
 */
function stranger(
  { from, fromInstanceId }: Envelope,
  { nodeId, clusterId }: LocalIdentity,
  { nodes }: Membership,
): Error {
  const known = nodes.get(from)?.instanceId ?? null;
  if (known !== null && known !== fromInstanceId) {
    return new PeerRefusedError('instance', wrongInstance(from, known, fromInstanceId));
  }
  return new PeerRefusedError('cluster', `node ${from} belongs to no cluster yet, node ${nodeId} to ${clusterId}`);
}

function wrongInstance(nodeId: NodeId, expected: string, actual: string): string {
  return (
    `node ${nodeId} was added with store ${expected}, but runs with store ${actual}: its data was lost or exchanged. ` +
    `Remove node ${nodeId} from the cluster and add it as new, or give it its own data back`
  );
}
