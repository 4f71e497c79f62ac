/** After the faults: everything is put right, and then the cluster has so much time until all of it serves again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, MemberStatus } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { addVoter } from '../nemesis/membership-faults.ts';

const POLL_MS = 100;
const SERVE_MS = 2000;

/** Processes that are down or stand still. The faults have ended, so this is for what they left behind. */
export async function putRight(cluster: Cluster): Promise<void> {
  await Promise.all(
    cluster.members.map(async (member) => {
      if (member.isPaused) cluster.resume(member);
      if (member.handle?.isRunning === true && member.stopped === null) return;
      await cluster.kill(member);
      await cluster.start(member);
    }),
  );
}

/**
 * Resolves when every node is a voter and serves a linearizable read, and nobody else is a member.
 * @throws Error saying what is missing when the time is over
 */
export async function waitUntilHealed(cluster: Cluster, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let missing = 'nothing was tried';
  while (performance.now() < deadlineMs) {
    missing = await whatIsMissing(cluster);
    if (missing === '') return;
    await delay(POLL_MS);
  }
  throw new Error(`${timeoutMs / 1000} s after the last fault the cluster is not whole: ${missing}`);
}

/** Does what an operator would, and says what is still missing; empty: nothing. */
async function whatIsMissing(cluster: Cluster): Promise<string> {
  try {
    const leader = await cluster.leader();
    if (leader === null) return `no node leads; ${await describeAll(cluster)}`;
    const repair = await repairMembership(cluster, leader);
    if (repair !== '') return repair;
    await Promise.all(cluster.members.map((member) => serves(cluster, member)));
    return '';
  } catch (error) {
    const what = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    return `${what}; ${await describeAll(cluster)}`;
  }
}

/** One step at a time. */
async function repairMembership(cluster: Cluster, leader: MemberStatus): Promise<string> {
  const ids = cluster.members.map(({ nodeId }) => nodeId);
  const stranger = leader.memberIds.find((id) => !ids.includes(id));
  if (stranger !== undefined) {
    await cluster.ask(leader.member, 'remove', { nodeId: stranger });
    return `node ${stranger} was still a member`;
  }
  const missing = cluster.members.find(({ nodeId }) => !leader.voterIds.includes(nodeId));
  if (missing === undefined) return '';
  await addVoter(cluster, missing);
  return `node ${missing.nodeId} was no voter`;
}

async function serves(cluster: Cluster, member: Member): Promise<void> {
  try {
    await cluster.ask(member, 'serve', { timeoutMs: SERVE_MS }, SERVE_MS + 1000);
  } catch (error) {
    throw new Error(`node ${member.nodeId} does not serve: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function describeAll(cluster: Cluster): Promise<string> {
  const statuses = await cluster.statuses();
  const states = statuses.map(
    ({ member, role, term, leaderId, appliedIndex, lastLogIndex }) =>
      `node ${member.nodeId} is ${role} in term ${term}, leader ${leaderId ?? 'unknown'}, applied ${appliedIndex} of ${lastLogIndex}`,
  );
  return states.join('; ');
}
