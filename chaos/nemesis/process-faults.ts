/** Processes that are killed, paused and restarted. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { claimVictims, inOrder, release } from './victims.ts';
import type { Nemesis } from './world.ts';
import { names } from './world.ts';

/** Longer than an election; what takes longer is for the end of the run to complain about. */
const SERVES_MS = 10_000;

/** kill -9, all victims at once; they come back at once, too. */
export const kill: Nemesis = async (fault, { cluster }) => {
  const victims = await claimVictims(cluster, fault);
  if (victims.length === 0) return null;
  await Promise.all(victims.map((victim) => cluster.kill(victim)));
  return {
    what: `kill -9 ${names(victims)}`,
    end: () => endAll(victims, (victim) => cluster.start(victim)),
  };
};

/** SIGSTOP, and SIGCONT after longer than an election timeout: the node wakes up in a world that went on. */
export const pause: Nemesis = async (fault, { cluster }) => {
  const victims = await claimVictims(cluster, fault);
  if (victims.length === 0) return null;
  for (const victim of victims) cluster.pause(victim);
  return {
    what: `SIGSTOP ${names(victims)}`,
    end: () => endAll(victims, async (victim) => cluster.resume(victim)),
  };
};

/** Each node is shut down and started again, and serves before it is the next one's turn. */
export const restart: Nemesis = async (fault, { cluster, signal }) => {
  const members = await inOrder(cluster, fault, fault.strength < 0.5);
  const restarted: Member[] = [];
  for (const member of members) {
    if (member.isClaimed || !member.isUp || signal.aborted) continue;
    member.isClaimed = true;
    try {
      await restartOne(cluster, member);
      restarted.push(member);
    } finally {
      member.isClaimed = false;
    }
  }
  return restarted.length === 0 ? null : { what: `restart ${names(restarted)}`, end: async () => undefined };
};

async function restartOne(cluster: Cluster, member: Member): Promise<void> {
  try {
    await cluster.stop(member);
  } finally {
    await cluster.start(member);
  }
  // Under other faults it may not serve for long: the next one's turn comes then all the same.
  await cluster.ask(member, 'serve', { timeoutMs: SERVES_MS }, SERVES_MS + 1000).catch(() => undefined);
}

/** Ends all, also when some fail; gives the victims back. @throws the first failure */
export async function endAll(victims: readonly Member[], end: (victim: Member) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(victims.map(end));
  release(victims);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
