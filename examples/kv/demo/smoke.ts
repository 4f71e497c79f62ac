/** The demo without a person: writes, a leader killed in the middle, a replacement, and a check of every key. */
import type { DemoCluster, DemoNode } from './cluster.ts';
import { retrying } from './cluster.ts';

const KEYS_BEFORE = 1000;
const KEYS_AFTER = 1000;
const WRITERS = 16;

/** Runs it; the result lists what differed from what was acknowledged, nothing when all is well. */
export async function smoke(cluster: DemoCluster, say: (line: string) => void): Promise<readonly string[]> {
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
  const differences = await Promise.all(cluster.nodes.map((node) => compare(node, written)));
  return differences.flat();
}

interface Writes {
  readonly count: number;
  readonly prefix: string;
  readonly nodes: () => readonly DemoNode[];
  readonly written: Map<string, string>;
}

/** Every key is written until it is acknowledged. Returns the longest time without an acknowledgement. */
async function writeKeys({ count, prefix, nodes, written }: Writes): Promise<number> {
  let next = 0;
  let lastMs = performance.now();
  let gapMs = 0;
  const write = async (): Promise<void> => {
    while (next < count) {
      const key = `${prefix}-${next}`;
      next += 1;
      const value = `value of ${key}`;
      await retrying(nodes, ({ client }) => client.set(key, value));
      written.set(key, value);
      const nowMs = performance.now();
      gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return gapMs;
}

async function compare(node: DemoNode, written: ReadonlyMap<string, string>): Promise<string[]> {
  const entries = await retrying(
    () => [node],
    ({ client }) => client.list(),
  );
  const found = new Map(entries.map(({ key, value }) => [key, value]));
  const differences: string[] = [];
  for (const [key, value] of written) {
    if (found.get(key) !== value)
      differences.push(`node ${node.id}: ${key} is ${JSON.stringify(found.get(key))}, not "${value}"`);
  }
  for (const key of found.keys()) if (!written.has(key)) differences.push(`node ${node.id}: ${key} was never written`);
  return differences;
}
