/** Calls of a node by somebody who is not a client: an operator, or the simulator itself. */
import { ConsensusError } from '../../../errors.ts';
import type { KvNode, SimNode } from './sim-node.ts';

export type NodeAnswer<T> =
  | { readonly isOk: true; readonly value: T }
  /** The code of the error; `CRASHED` when the process ended first, `DOWN` when there was none. */
  | { readonly isOk: false; readonly code: string; readonly message: string };

/** Runs within the node's process. Never rejects. */
export function callNode<T>(node: SimNode, call: (kvNode: KvNode) => Promise<T>): Promise<NodeAnswer<T>> {
  const { process } = node;
  if (process === null || !node.isUp) return Promise.resolve({ isOk: false, code: 'DOWN', message: 'it does not run' });
  return new Promise((resolve) => {
    const stopWatching = node.onEnd(() => resolve({ isOk: false, code: 'CRASHED', message: 'its process ended' }));
    process.io(() => {
      const kvNode = node.node;
      if (kvNode === null) return;
      attempt(() => call(kvNode)).then(
        (value) => {
          stopWatching();
          resolve({ isOk: true, value });
        },
        (error: unknown) => {
          stopWatching();
          const message = error instanceof Error ? error.message : String(error);
          resolve({ isOk: false, code: ConsensusError.is(error) ? error.code : 'UNEXPECTED', message });
        },
      );
    });
  });
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}
