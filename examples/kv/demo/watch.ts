/** The demo for a person: says where everything is, and follows the leadership. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../kv-client.ts';
import type { DemoCluster } from './cluster.ts';

const POLL_MS = 250;

/** How long a killed node stays away. */
const ABSENCE_MS = 3000;

/** Prints the nodes and three commands to copy. */
export async function introduce(
  cluster: DemoCluster,
  directory: string | null,
  say: (line: string) => void,
): Promise<void> {
  const leader = await cluster.leader();
  const [follower = leader, other = leader] = cluster.nodes.filter(({ id }) => id !== leader.id);
  say('');
  for (const { id, client, pid } of cluster.nodes) {
    say(`  node ${id}  ${client.url}  pid ${pid}  ${id === leader.id ? 'leader' : 'follower'}`);
  }
  say('\nTry, in another terminal:\n');
  say(`  curl -X PUT ${follower.client.url}/kv/hello -d '"world"'     # write through a follower`);
  say(`  curl ${other.client.url}/kv/hello                          # read it elsewhere, linearizably`);
  say(`  kill -9 ${leader.pid}                                                   # kill the leader`);
  if (directory === null) {
    say('\nThe nodes keep everything in memory: one that was killed does not come back under its old id.');
    say('Replace it: DELETE /members/ID and POST /members on the leader. Ctrl-C stops everything.\n');
  } else {
    say(`\nA node that was killed comes back after ${ABSENCE_MS / 1000} seconds, with its data, and catches up.`);
    say(`The data is in ${directory}. Ctrl-C stops everything; to go on with the same data later:\n`);
    say(`  npm run demo -- --data ${directory}\n`);
  }
}

/** Starts nodes again that ended, a while later, until the signal. */
export async function revive(cluster: DemoCluster, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const ids = cluster.nodes.map(({ id }) => id);
  while (!signal.aborted) {
    const missing = ids.find((id) => cluster.nodes.every((node) => node.id !== id));
    await delay(missing === undefined ? POLL_MS : ABSENCE_MS, undefined, { signal }).catch(() => undefined);
    if (missing === undefined || signal.aborted) continue;
    const { pid } = await cluster.start(missing);
    say(`${clockTime()}  node ${missing} is back with its data, pid ${pid}`);
  }
}

/** Says who leads whenever that changes, until the signal. */
export async function watch(cluster: DemoCluster, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  let shown = '';
  while (!signal.aborted) {
    const line = describe(await cluster.statuses());
    if (line !== shown && !signal.aborted) say(`${clockTime()}  ${line}`);
    shown = line;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

function describe(statuses: readonly NodeStatus[]): string {
  const roles = statuses.map(({ id, role }) => `${id} ${role}`).join(', ');
  const leader = statuses.filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term)[0];
  if (leader === undefined) return `no leader (${roles})`;
  return `node ${leader.id} leads in term ${leader.term}, voters ${leader.voters.join(', ')} (${roles})`;
}

function clockTime(): string {
  return new Date().toISOString().slice(11, 23);
}
