/** Members as users write them. */
import type { NodeId } from '../core/ids.ts';
import { isNodeId } from '../core/ids.ts';
import type { BasicNode, JsonValue } from '../core/membership/membership.ts';

/** Where a member lives; what is left out is filled in. */
export interface NodeInfo {
  /** `host:port` of the node's Raft endpoint. */
  readonly addr: string;
  /** Made when the member's store was created, as its handshake tells. Default `null`: not known. */
  readonly instanceId?: string | null | undefined;
  /** The application's own data about the node. Default `null`. */
  readonly metadata?: JsonValue | undefined;
}

export function basicNode({ addr, instanceId, metadata }: NodeInfo): BasicNode {
  return Object.freeze({ addr, instanceId: instanceId ?? null, metadata: metadata ?? null });
}

/** Why an address can't be one; `null` when it can. */
export function addressProblem(address: unknown): string | null {
  if (typeof address !== 'string' || address === '') return 'must be a text that is not empty, such as 127.0.0.1:9000';
  return /\s/.test(address) ? 'must not contain white space' : null;
}

/** @throws RangeError or TypeError */
export function checkNode(nodeId: NodeId, address: string): void {
  if (!isNodeId(nodeId)) throw new RangeError(`node id ${String(nodeId)} is not a positive safe integer`);
  const problem = addressProblem(address);
  if (problem !== null) throw new TypeError(`the address of node ${nodeId} ${problem}`);
}
