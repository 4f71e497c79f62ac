/** The demo without a person: writes, while one node after the other and then all at once are killed and come back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DemoCluster } from './cluster.ts';
import { differencesOn, writeKeys } from './writes.ts';

const KEYS = 10_000;
/** After so many acknowledged writes the next node is killed. */
const KILL_AT = [1000, 3500, 6000];
/** So many are acknowledged while it is away. */
const AWAY_FOR = 1000;
/** Then all are killed, in the middle of the rest. */
const KILL_ALL_AT = 9000;
const POLL_MS = 5;

/** Runs it; the result lists what differed from what was acknowledged, nothing when all is well. */
export async function smoke(cluster: DemoCluster, say: (line: string) => void): Promise<readonly string[]> {
  const written = new Map<string, string>();
  const { id: first } = await cluster.leader();
  const others = cluster.nodes.map(({ id }) => id).filter((id) => id !== first);

  say(`writing ${KEYS} keys, 16 at a time, through all nodes in turn`);
  const writing = writeKeys({ count: KEYS, prefix: 'key', nodes: () => cluster.nodes, written });
  const killing = killInTurn(cluster, [first, ...others], written, say);
  const [gapMs] = await Promise.all([writing, killing]);
  say(`the longest pause between two acknowledged writes was ${Math.round(gapMs)} ms`);

  say(`reading all ${written.size} keys from every node, linearizably`);
  const differences = await Promise.all(cluster.nodes.map((node) => differencesOn(node, written)));
  return differences.flat();
}

async function killInTurn(
  cluster: DemoCluster,
  ids: readonly number[],
  written: ReadonlyMap<string, string>,
  say: (line: string) => void,
): Promise<void> {
  for (const [turn, count] of KILL_AT.entries()) {
    const id = ids[turn % ids.length] ?? 1;
    await untilWritten(written, count);
    await cluster.kill(id);
    say(`kill -9 node ${id} after ${written.size} acknowledged writes`);
    await untilWritten(written, count + AWAY_FOR);
    const { pid } = await cluster.start(id);
    say(`node ${id} is back with its data, pid ${pid}, after ${written.size}`);
  }
  await untilWritten(written, KILL_ALL_AT);
  await Promise.all(ids.map((id) => cluster.kill(id)));
  say(`kill -9 all three nodes at once after ${written.size}`);
  await Promise.all(ids.map((id) => cluster.start(id)));
  say('all three are back with their data');
}

async function untilWritten(written: ReadonlyMap<string, string>, count: number): Promise<void> {
  while (written.size < count) await delay(POLL_MS);
}
