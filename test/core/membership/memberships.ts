/** Memberships written short, for the tests of the change algebra. */
import assert from 'node:assert/strict';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import type { BasicNode, Membership } from '../../../src/core/membership/membership.ts';
import { isJoint, learnerIds, voterIds } from '../../../src/core/membership/membership.ts';
import { leaveJoint, planChange } from '../../../src/core/membership/plan.ts';
import type { MembershipRefusal } from '../../../src/core/refusal.ts';

export function node(addr: string): BasicNode {
  return { addr, instanceId: null, metadata: null };
}

/** Nodes with an address made of their id. */
export function nodesOf(...ids: number[]): Map<number, BasicNode> {
  return new Map(ids.map((id) => [id, node(`n${id}`)]));
}

/** These voter sets, their members and these learners. */
export function membership(configs: readonly number[][], learners: readonly number[] = []): Membership {
  return { configs, nodes: nodesOf(...configs.flat(), ...learners), retainRemoved: false };
}

/** Where the change leads first; fails when it is refused. */
export function planned(current: Membership, change: MembershipChange, retain = false): Membership {
  const plan = planChange(current, change, retain);
  assert.ok(plan.ok, `refused: ${JSON.stringify(plan)}`);
  return plan.membership;
}

/** Why the change is refused; fails when it is not. */
export function refusalOf(current: Membership, change: MembershipChange, retain = false): MembershipRefusal {
  const plan = planChange(current, change, retain);
  assert.ok(!plan.ok, 'not refused');
  return plan.refusal;
}

/** Where the change leads in the end, past a joint config. */
export function changed(current: Membership, change: MembershipChange, retain = false): Membership {
  const next = planned(current, change, retain);
  return isJoint(next) ? leaveJoint(next) : next;
}

/** Voters and learners, to compare in one go. */
export function roles(of: Membership): { voters: number[]; learners: number[] } {
  return { voters: voterIds(of), learners: learnerIds(of) };
}

/** The address of every member. */
export function addresses(of: Membership): Record<string, string> {
  return Object.fromEntries([...of.nodes].map(([id, { addr }]) => [id, addr]));
}
