/** Where the simulated nodes are: each on a machine of its own, named after its id. */
import type { NodeId } from '../../../core/ids.ts';

export function addressOf(nodeId: NodeId): string {
  return `n${nodeId}:1`;
}

/** `null` for an address where no machine can be. */
export function machineAt(addr: string): NodeId | null {
  const id = Number(/^n(\d+):1$/.exec(addr)?.[1]);
  return Number.isSafeInteger(id) ? id : null;
}
