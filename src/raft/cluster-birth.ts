/** The first step of a cluster: its identity, and its first membership. */
import type { NodeId } from '../core/ids.ts';
import { isNodeId } from '../core/ids.ts';
import type { BasicNode, StoredMembership } from '../core/membership/membership.ts';
import { AlreadyInitializedError } from '../errors.ts';
import type { CallOptions as PendingOptions } from '../runtime/pending-calls.ts';
import { refusalError } from '../runtime/refusal-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { NodeInfo } from './node-info.ts';
import { addressProblem, basicNode } from './node-info.ts';

/** Between the instance id of the store in which a cluster id was made and its random part. */
const SEPARATOR = '/';

/**
 * Does this node belong to a cluster? A cluster id without anything else is one that it adopted from its leader; but
 * one that was made in this very store stems from an `initialize` that a crash cut short, and which may be repeated.
 */
export function isInitialized(runtime: Runtime): boolean {
  const { log, hardState } = runtime.core.state;
  if (log.lastIndex > 0 || hardState.term > 0) return true;
  const { clusterId, instanceId } = runtime.identity.local;
  return clusterId !== null && !clusterId.startsWith(instanceId + SEPARATOR);
}

/**
 * Forms a cluster. Everything is checked before the cluster gets its id, and that is durable before the first entry is
 * written: no node is ever part of a cluster that it could not name.
 */
export async function initialize(
  runtime: Runtime,
  nodes: ReadonlyMap<NodeId, NodeInfo>,
  options: PendingOptions,
): Promise<StoredMembership> {
  const { nodeId, random } = runtime.parts;
  const { instanceId, clusterId } = runtime.identity.local;
  if (isInitialized(runtime)) {
    const { log, hardState } = runtime.core.state;
    throw new AlreadyInitializedError(nodeId, log.lastLogId(), hardState.term);
  }
  const members = checkMembers(nodeId, instanceId, nodes);
  options.signal?.throwIfAborted();
  if (clusterId === null) await runtime.identity.join(`${instanceId}${SEPARATOR}${random.uniqueId()}`);
  runtime.assertRunning();
  return await runtime.changes.initialize(members, options);
}

function checkMembers(
  ownId: NodeId,
  instanceId: string,
  nodes: ReadonlyMap<NodeId, NodeInfo>,
): ReadonlyMap<NodeId, BasicNode> {
  const members = new Map<NodeId, BasicNode>();
  for (const [nodeId, info] of nodes) {
    const problem = addressProblem(info.addr);
    if (!isNodeId(nodeId)) throw invalidNode(nodeId, 'the id is not a positive safe integer');
    if (problem !== null) throw invalidNode(nodeId, `the address ${problem}`);
    members.set(nodeId, basicNode(nodeId === ownId ? { ...info, instanceId } : info));
  }
  if (members.has(ownId)) return members;
  const membership = { configs: [[...members.keys()]], nodes: members, retainRemoved: false };
  throw refusalError({ code: 'not-in-members', nodeId: ownId, membership }, ownId);
}

function invalidNode(nodeId: NodeId, reason: string): Error {
  return refusalError({ code: 'invalid-node', nodeId, reason }, nodeId);
}
