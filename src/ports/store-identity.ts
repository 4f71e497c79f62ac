/** Whose a store is: the same rules for every log store. */
import { IdentityError } from '../errors.ts';
import type { LogStoreOpenOptions, StoreIdentity } from './log-store.ts';

/** @throws IdentityError when the store is that of another node or of a cluster of another name */
export function checkOwner(identity: StoreIdentity, { nodeId, clusterName }: LogStoreOpenOptions, place: string): void {
  if (identity.nodeId !== nodeId) {
    throw new IdentityError(
      `${place} belongs to node ${identity.nodeId}, not to node ${nodeId}: give every node a place of its own`,
    );
  }
  if (identity.clusterName !== clusterName) {
    throw new IdentityError(
      `${place} is that of node ${nodeId} in cluster '${identity.clusterName}', not in '${clusterName}': correct 'clusterName' or the place`,
    );
  }
}

/**
 * A store changes its identity once: it adopts the id of its cluster.
 * @throws IdentityError for any other change
 */
export function checkAdoption(current: StoreIdentity, next: StoreIdentity): void {
  const isSame =
    next.nodeId === current.nodeId &&
    next.instanceId === current.instanceId &&
    next.clusterName === current.clusterName &&
    (current.clusterId === null || next.clusterId === current.clusterId);
  if (!isSame) {
    throw new IdentityError(
      `the store of node ${current.nodeId} (instance ${current.instanceId}, cluster ${current.clusterId}) can't become that of node ${next.nodeId} (instance ${next.instanceId}, cluster ${next.clusterId})`,
    );
  }
}
