/** Members that are replaced, demoted and promoted; leadership that is handed over. */
import { rm } from 'node:fs/promises';
import type { Cluster, MemberStatus } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { CommandError } from '../support/channel.ts';
import type { PlannedFault } from './fault.ts';
import { inOrder } from './victims.ts';
import type { Nemesis, OngoingFault } from './world.ts';
import { names } from './world.ts';

const LEADER_MS = 5000;

export const membership: Nemesis = async (fault, { cluster }) => {
  if (fault.variant === 'transfer') return await transfer(cluster, fault);
  const members = await inOrder(cluster, fault, fault.variant === 'replace-leader' || fault.strength < 0.3);
  const victim = members.find((member) => member.isUp && !member.isClaimed);
  if (victim === undefined) return null;
  victim.isClaimed = true;
  try {
    return fault.variant === 'demote' ? await demote(cluster, victim) : await replace(cluster, victim);
  } catch (error) {
    victim.isClaimed = false;
    throw error;
  }
};

async function transfer(cluster: Cluster, fault: PlannedFault): Promise<OngoingFault | null> {
  const leader = await cluster.leader();
  if (leader === null) return null;
  const [target] = (await inOrder(cluster, fault, false)).filter((member) => member !== leader.member);
  const nodeId = fault.strength < 0.3 || target === undefined ? null : target.nodeId;
  const outcome = await outcomeOf(() => cluster.ask(leader.member, 'transfer', { nodeId }));
  return {
    what: `transfer from node ${leader.member.nodeId} to ${nodeId ?? 'any'}: ${outcome}`,
    end: async () => undefined,
  };
}

/** A learner for a while. If it can't be promoted at the end of the fault, the end of the run sees to it. */
async function demote(cluster: Cluster, victim: Member): Promise<OngoingFault> {
  const { nodeId } = victim;
  const outcome = await outcomeOf(async () => {
    const leader = await cluster.waitForLeader(LEADER_MS);
    const nodeIds = leader.voterIds.filter((id) => id !== nodeId);
    await cluster.ask(leader.member, 'change-voters', { nodeIds });
  });
  return {
    what: `demote ${names([victim])}: ${outcome}`,
    async end() {
      try {
        await outcomeOf(() => addVoter(cluster, victim));
      } finally {
        victim.isClaimed = false;
      }
    },
  };
}

/** Removed; and then a node with another id and an empty directory at its place. */
async function replace(cluster: Cluster, victim: Member): Promise<OngoingFault> {
  const outcome = await outcomeOf(async () => {
    const leader = await cluster.waitForLeader(LEADER_MS);
    await cluster.ask(leader.member, 'remove', { nodeId: victim.nodeId });
  });
  const what = `remove ${names([victim])}: ${outcome}`;
  const wasRemoved = outcome === 'done' || (await isRemoved(cluster, victim.nodeId));
  // It may still be one, or become none later: its data must stay.
  if (!wasRemoved) {
    const end = async (): Promise<void> => {
      victim.isClaimed = false;
    };
    return { what, end };
  }
  await cluster.kill(victim);
  await rm(cluster.directoryOf(victim), { recursive: true, force: true });
  victim.nodeId = victim.nextNodeId();
  await cluster.start(victim);
  return {
    what: `${what}, then node ${victim.nodeId} in its place`,
    async end() {
      try {
        await outcomeOf(() => addVoter(cluster, victim));
      } finally {
        victim.isClaimed = false;
      }
    },
  };
}

export async function addVoter(cluster: Cluster, member: Member): Promise<void> {
  const leader = await cluster.waitForLeader(LEADER_MS);
  await cluster.ask(leader.member, 'add-voter', { nodeId: member.nodeId, address: cluster.addressOf(member) });
}

/** Whether a leader that reaches a quorum says so: its committed membership then lacks the node for good. */
async function isRemoved(cluster: Cluster, nodeId: number): Promise<boolean> {
  const leader = await cluster.leader();
  if (leader === null) return false;
  try {
    await cluster.ask(leader.member, 'serve', { timeoutMs: LEADER_MS });
    const status: Omit<MemberStatus, 'member'> = await cluster.ask(leader.member, 'status', null);
    return status.role === 'leader' && !status.memberIds.includes(nodeId);
  } catch {
    return false;
  }
}

/** Changes may fail while other things happen: that is for the log, and not the end of the run. */
async function outcomeOf(change: () => Promise<unknown>): Promise<string> {
  try {
    await change();
    return 'done';
  } catch (error) {
    if (error instanceof CommandError) return error.code === '' ? error.message.split('\n', 1).join() : error.code;
    return error instanceof Error ? error.message : String(error);
  }
}
