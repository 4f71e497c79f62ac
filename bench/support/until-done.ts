/** A client that does not give up: how long a cluster could not be written to. */
import { setTimeout } from 'node:timers/promises';
import type { ConsensusNode } from 'zlayer-consensus';
import type { KvRequest, KvResponse } from './key-value.ts';

/** How long one attempt may take; a write that got stuck at a lost leader is given up after it. */
const ATTEMPT_MS = 200;

/** Between two attempts: the resolution of what is measured. */
const PAUSE_MS = 1;

/** Longer than any election takes. */
const GIVE_UP_MS = 30_000;

/**
 * Proposes through a node until a proposal is acknowledged.
 * @throws the last failure, after half a minute
 */
export async function proposeUntilDone(
  node: ConsensusNode<KvRequest, KvResponse>,
  nextRequest: () => KvRequest,
): Promise<void> {
  const giveUpAtMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      await node.propose(nextRequest(), { timeoutMs: ATTEMPT_MS });
      return;
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
    }
    await setTimeout(PAUSE_MS);
  }
}
