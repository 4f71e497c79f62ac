/**
 * The algebra of configuration changes: which membership comes next. Pure planning; whether a change may start now is
 * for the leader to decide.
 *
 * ```text
 *   uniform [old] --planChange--> joint [old, new] --leaveJoint--> uniform [new]
 *   uniform [old] --planChange, same voters--> uniform [old] with other nodes
 * ```
 */
import type { NodeId } from '../ids.ts';
import type { MembershipRefusal } from '../refusal.ts';
import type { MembershipChange } from './change.ts';
import { checkChange, checkIds, checkNodes, missingMember } from './check.ts';
import type { Goal } from './goal.ts';
import { applyChange, goalOf, sortedIds } from './goal.ts';
import type { BasicNode, Membership } from './membership.ts';
import { isJoint, voterIds } from './membership.ts';

export type MembershipPlan =
  | { readonly ok: true; readonly membership: Membership }
  | { readonly ok: false; readonly refusal: MembershipRefusal };

/**
 * The membership to append for this change. `retain`: voters that leave stay as learners, unless the change says
 * otherwise of a node by name. Neither argument is modified; ids come out sorted and once.
 */
export function planChange(current: Membership, change: MembershipChange, retain: boolean): MembershipPlan {
  if (voterIds(current).length === 0) {
    return refused({ code: 'empty-membership' });
  }
  const goal = goalOf(current);
  const refusal = checkChange(change) ?? applyChange({ current, goal, retain }, change);
  if (refusal !== null) {
    return refused(refusal);
  }
  return goal.voters.length === 0 ? refused({ code: 'empty-membership' }) : planGoal(current, goal, retain);
}

/**
 * The uniform membership that ends a joint one. Voters of the old set alone are removed, or stay as learners with
 * `retainRemoved`. Throws a `RangeError` when there is no joint config to leave.
 */
export function leaveJoint(current: Membership): Membership {
  const voters = current.configs.at(-1);
  if (!isJoint(current) || voters === undefined) {
    throw new RangeError('the membership is not joint');
  }
  const leaving = new Set(leavingVoters(current.configs));
  const nodes = [...current.nodes].filter(([id]) => current.retainRemoved || !leaving.has(id));
  return membershipOf([voters], nodes, false);
}

/**
 * The next voter sets on the way to `goal`. Each step shares a voter set with the one before, so that any quorum of
 * one meets any quorum of the other (§6).
 */
export function nextConfigs(configs: readonly (readonly NodeId[])[], goal: readonly NodeId[]): readonly NodeId[][] {
  const target = sortedIds(goal);
  const last = configs.at(-1);
  if (last === undefined || configs.some((config) => isSameSet(config, target))) {
    return [target];
  }
  return [sortedIds(last), target];
}

/** Why a membership can't be used, or `null`. For memberships that come from outside: users, peers, disks. */
export function checkMembership(membership: Membership): MembershipRefusal | null {
  const { configs, nodes } = membership;
  if (configs.length === 0 || configs.some((config) => config.length === 0)) {
    return { code: 'empty-membership' };
  }
  for (const [position, config] of configs.entries()) {
    const seen = new Set<NodeId>();
    for (const nodeId of config) {
      if (position > 1) {
        return { code: 'invalid-node', nodeId, reason: 'is in a third voter set; there can be at most two' };
      }
      if (seen.has(nodeId)) {
        return { code: 'invalid-node', nodeId, reason: 'is in a voter set twice' };
      }
      seen.add(nodeId);
    }
  }
  const voters = configs.flat();
  return checkIds(voters) ?? checkNodes(nodes) ?? missingMember(voters, nodes);
}

function planGoal(current: Membership, goal: Goal, retain: boolean): MembershipPlan {
  const configs = goal.changesVoters ? nextConfigs(current.configs, goal.voters) : current.configs;
  const nodes = [...goal.nodes].filter(([id]) => !goal.removed.has(id) || configs.flat().includes(id));
  if (configs.length === 1) {
    return { ok: true, membership: membershipOf(configs, nodes, false) };
  }
  if (!goal.changesVoters) {
    return { ok: true, membership: membershipOf(configs, nodes, current.retainRemoved) };
  }
  const leaving = leavingVoters(configs);
  const kept = leaving.filter((id) => !goal.removed.has(id));
  const [nodeId] = kept;
  if (nodeId !== undefined && kept.length < leaving.length) {
    // A joint config remembers one answer for all that leave it, across crashes and changes of the leader.
    const reason = 'would stay while another leaving voter is removed; use two changes';
    return refused({ code: 'invalid-node', nodeId, reason });
  }
  const retainRemoved = leaving.length === 0 ? retain : nodeId !== undefined;
  return { ok: true, membership: membershipOf(configs, nodes, retainRemoved) };
}

/** Voters of a joint config that are not in its last voter set. */
function leavingVoters(configs: readonly (readonly NodeId[])[]): NodeId[] {
  const staying = new Set(configs.at(-1));
  return sortedIds(configs.flat()).filter((id) => !staying.has(id));
}

function refused(refusal: MembershipRefusal): MembershipPlan {
  return { ok: false, refusal };
}

function membershipOf(
  configs: readonly (readonly NodeId[])[],
  nodes: readonly (readonly [NodeId, BasicNode])[],
  retainRemoved: boolean,
): Membership {
  return Object.freeze({
    configs: Object.freeze(configs.map((config) => Object.freeze(sortedIds(config)))),
    nodes: new Map(nodes.toSorted(([a], [b]) => a - b)),
    retainRemoved,
  });
}

function isSameSet(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
