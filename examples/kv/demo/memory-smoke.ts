/** The demo in memory, without a person: writes, a leader killed in the middle, a replacement, a check of every key. */
import type { DemoCluster, DemoNode } from './cluster.ts';
import { retrying } from './cluster.ts';
import { differencesOn, writeKeys } from './writes.ts';

const KEYS_BEFORE = 1000;
const KEYS_AFTER = 1000;

/** Runs it; the result lists what differed from what was acknowledged, nothing when all is well. */
export async function memorySmoke(cluster: DemoCluster, say: (line: string) => void): Promise<readonly string[]> {
  const written = new Map<string, string>();
  const leader = await cluster.leader();
  const follower = cluster.nodes.find(({ id }) => id !== leader.id);
  if (follower === undefined) throw new Error('there is no follower');

  say(`writing ${KEYS_BEFORE} keys through node ${follower.id}, a follower`);
  await writeKeys({ count: KEYS_BEFORE, prefix: 'before', nodes: () => [follower], written });

  say(`kill -9 ${leader.pid}: node ${leader.id}, the leader, while the survivors take writes`);
  const survivors = (): readonly DemoNode[] => cluster.nodes.filter(({ id }) => id !== leader.id);
  const writing = writeKeys({ count: KEYS_AFTER, prefix: 'after', nodes: survivors, written });
  await cluster.kill(leader.id);
  const gapMs = await writing;
  const successor = await cluster.leader();
  say(`node ${successor.id} leads; the longest pause between two acknowledged writes was ${Math.round(gapMs)} ms`);

  say(`removing node ${leader.id}, adding a fresh node 4 in its place`);
  const replacement = await cluster.start(4);
  await retrying(
    () => [successor],
    ({ client }) => client.removeMember(leader.id),
  );
  await retrying(
    () => [successor],
    ({ client }) => client.addMember(replacement.id, replacement.address),
  );

  say(`reading all ${written.size} keys from every node, linearizably`);
  const differences = await Promise.all(cluster.nodes.map((node) => differencesOn(node, written)));
  return differences.flat();
}
