/** The demo for a person: says where everything is, and follows the leadership. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../kv-client.ts';
import type { DemoCluster } from './cluster.ts';

const POLL_MS = 250;

/** Prints the nodes and three commands to copy. */
export async function introduce(cluster: DemoCluster, say: (line: string) => void): Promise<void> {
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
  say('\nThe nodes keep everything in memory: one that was killed does not come back under its old id.');
  say('Replace it: DELETE /members/ID and POST /members on the leader. Ctrl-C stops everything.\n');
}

/** Says who leads whenever that changes, until the signal. */
export async function watch(cluster: DemoCluster, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  let shown = '';
  while (!signal.aborted) {
    const line = describe(await cluster.statuses());
    if (line !== shown && !signal.aborted) say(`${new Date().toISOString().slice(11, 23)}  ${line}`);
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
