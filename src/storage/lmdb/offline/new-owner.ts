/** What makes a store the beginning of a new cluster. */
import type { LogId, NodeId } from '../../../core/ids.ts';
import { isNodeId } from '../../../core/ids.ts';
import type { BasicNode, JsonValue, Membership } from '../../../core/membership/membership.ts';
import { systemRandom } from '../../../system/system-ports.ts';

/** A cluster id says in which store it was made. */
export function newClusterId(instanceId: string): string {
  return `${instanceId}/${systemRandom.uniqueId()}`;
}

export interface OnlyVoter {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly instanceId: string;
  readonly metadata: JsonValue | null;
}

/** A cluster of one. */
export function membershipOf({ nodeId, address, instanceId, metadata }: OnlyVoter): Membership {
  const node: BasicNode = { addr: address, instanceId, metadata };
  return { configs: [[nodeId]], nodes: new Map([[nodeId, node]]), retainRemoved: false };
}

/** @throws RangeError, TypeError */
export function checkNode(nodeId: NodeId, address: string): void {
  if (!isNodeId(nodeId)) throw new RangeError(`node id ${String(nodeId)} is not a positive safe integer`);
  if (address === '' || /\s/.test(address)) {
    throw new TypeError(`the address of node ${nodeId} must be a text without white space, such as 127.0.0.1:9000`);
  }
}

/** Behind `last`, in a term that nobody used. */
export function nextLogId(last: LogId, term: number): LogId {
  return { term: Math.max(term, last.term) + 1, index: last.index + 1 };
}
