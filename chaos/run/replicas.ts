/** Whether all nodes have applied the same and hold the same. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import type { ReplicaReport } from '../report/result.ts';

const POLL_MS = 100;

/**
 * Waits until all nodes have applied equally much, and says what each holds then. Nobody may write meanwhile.
 * @throws Error when they don't get there in time
 */
export async function compareReplicas(cluster: Cluster, timeoutMs: number): Promise<readonly ReplicaReport[]> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const replicas = await Promise.all(
      cluster.members.map(async (member) => {
        const { appliedIndex, digest, keys } = await cluster.ask(member, 'digest', null);
        return { nodeId: member.nodeId, appliedIndex, digest, keys: keys.length };
      }),
    );
    if (new Set(replicas.map(({ appliedIndex }) => appliedIndex)).size === 1) return replicas;
    if (performance.now() > deadlineMs) {
      const indexes = replicas.map(({ nodeId, appliedIndex }) => `node ${nodeId}: ${appliedIndex}`).join(', ');
      throw new Error(`the nodes did not apply the same within ${timeoutMs} ms: ${indexes}`);
    }
    await delay(POLL_MS);
  }
}

/** For people; empty when all is well. */
export function describeDifferences(replicas: readonly ReplicaReport[]): readonly string[] {
  if (new Set(replicas.map(({ digest }) => digest)).size <= 1) return [];
  const states = replicas.map(({ nodeId, digest, keys }) => `node ${nodeId} has ${keys} keys, digest ${digest}`);
  return [`the nodes applied the same entries and hold different states: ${states.join('; ')}`];
}
