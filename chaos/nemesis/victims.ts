/** Who is hit: chosen by the plan's order, the leader first where it is meant, and nobody twice at a time. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import type { PlannedFault } from './fault.ts';

export interface VictimChoice {
  /** How many nodes; fewer where others are being hit. */
  readonly count: number;
  readonly isLeaderFirst: boolean;
}

/** How many nodes the variant means, of so many. */
export function victimChoice({ variant, strength }: PlannedFault, nodes: number): VictimChoice {
  const minority = Math.max(1, Math.floor((nodes - 1) / 2));
  switch (variant) {
    case 'leader':
      return { count: 1, isLeaderFirst: true };
    case 'minority':
      return { count: minority, isLeaderFirst: strength < 0.5 };
    case 'majority':
      return { count: Math.floor(nodes / 2) + 1, isLeaderFirst: strength < 0.5 };
    case 'all':
      return { count: nodes, isLeaderFirst: false };
    default:
      return { count: 1, isLeaderFirst: false };
  }
}

/** All members, as the plan orders them; the leader first if it is meant and there is one. */
export async function inOrder(
  cluster: Cluster,
  { order }: PlannedFault,
  isLeaderFirst: boolean,
): Promise<readonly Member[]> {
  const members = order.flatMap((place) => cluster.members[place] ?? []);
  const leader = isLeaderFirst ? (await cluster.leader())?.member : undefined;
  return leader === undefined ? members : [leader, ...members.filter((member) => member !== leader)];
}

/** Claims members whose process runs; until it gives them back, nobody else starts or stops them. */
export async function claimVictims(cluster: Cluster, fault: PlannedFault): Promise<readonly Member[]> {
  const { count, isLeaderFirst } = victimChoice(fault, cluster.members.length);
  const candidates = await inOrder(cluster, fault, isLeaderFirst);
  const victims = candidates.filter((member) => member.isUp && !member.isClaimed).slice(0, count);
  for (const victim of victims) victim.isClaimed = true;
  return victims;
}

export function release(members: readonly Member[]): void {
  for (const member of members) member.isClaimed = false;
}
