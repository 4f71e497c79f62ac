import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import { isJoint, isVoter } from '../../../src/core/membership/membership.ts';
import { checkMembership, leaveJoint, planChange } from '../../../src/core/membership/plan.ts';
import { isQuorum } from '../../../src/core/quorum/joint.ts';
import { subsets } from '../quorum/naive-quorum.ts';
import { membership, nodesOf, roles } from './memberships.ts';

const allIds = [1, 2, 3, 4, 5, 6];
const ids = fc.subarray(allIds);
const nodes = ids.map((some) => nodesOf(...some));

const single: fc.Arbitrary<MembershipChange> = fc.oneof(
  fc.record({
    type: fc.constantFrom('add-voter-ids' as const, 'remove-voters' as const, 'replace-all-voters' as const),
    ids,
  }),
  fc.record({ type: fc.constant('remove-nodes' as const), ids }),
  fc.record({ type: fc.constantFrom('add-voters' as const, 'add-nodes' as const, 'set-nodes' as const), nodes }),
  fc.record({ type: fc.constant('replace-all-nodes' as const), nodes }),
);

const batch: fc.Arbitrary<MembershipChange> = fc.record({
  type: fc.constant('batch' as const),
  changes: fc.array(single, { maxLength: 4 }),
});

const uniform: fc.Arbitrary<Membership> = fc
  .tuple(fc.subarray(allIds, { minLength: 1 }), ids)
  .map(([voters, learners]) => membership([voters], learners));

/** The next membership: of the change, or after leaving a joint config; the same one when the change is refused. */
function next(current: Membership, step: { change: MembershipChange; retain: boolean; leave: boolean }): Membership {
  if (step.leave && isJoint(current)) {
    return leaveJoint(current);
  }
  const plan = planChange(current, step.change, step.retain);
  return plan.ok ? plan.membership : current;
}

const steps = fc.array(fc.record({ change: fc.oneof(single, batch), retain: fc.boolean(), leave: fc.boolean() }), {
  maxLength: 8,
});

/** Voters and members that a single change ends with, or `null` when it is refused: plain set arithmetic. */
function expected(
  current: Membership,
  change: MembershipChange,
  retain: boolean,
): { voters: number[]; learners: number[] } | null {
  const { voters } = roles(current);
  const members = [...current.nodes.keys()];
  let goal = voters;
  switch (change.type) {
    case 'add-voter-ids':
      goal = union(voters, change.ids);
      break;
    case 'add-voters':
      goal = union(voters, [...change.nodes.keys()]);
      break;
    case 'remove-voters':
      goal = without(voters, change.ids);
      break;
    case 'replace-all-voters':
      goal = union(change.ids, []);
      break;
    default:
      break;
  }
  const before = change.type === 'replace-all-nodes' ? [] : members;
  const added = 'nodes' in change ? union(before, [...change.nodes.keys()]) : before;
  const removed = change.type === 'remove-nodes' ? change.ids : [];
  const after = without(without(added, removed), retain ? [] : without(voters, goal));
  if (goal.length === 0 || without(goal, after).length > 0 || without(removed, members).length > 0) {
    return null;
  }
  return { voters: goal, learners: without(after, goal) };
}

function union(some: readonly number[], more: readonly number[]): number[] {
  return [...new Set([...some, ...more])].sort((a, b) => a - b);
}

/** Those of `some` that are not in `others`, ascending. */
function without(some: readonly number[], others: readonly number[]): number[] {
  return union(some, []).filter((id) => !others.includes(id));
}

describe('changes of the membership', () => {
  test('every single change ends where set arithmetic says, and is refused only if it leads nowhere', () => {
    fc.assert(
      fc.property(uniform, single, fc.boolean(), (current, change, retain) => {
        const plan = planChange(current, change, retain);
        const end = plan.ok ? plan.membership : null;
        const result = end === null ? null : roles(isJoint(end) ? leaveJoint(end) : end);
        assert.deepEqual(result, expected(current, change, retain));
      }),
      { numRuns: 500 },
    );
  });

  test('any quorum before a step meets any quorum after it (§6)', () => {
    fc.assert(
      fc.property(uniform, steps, (start, all) => {
        let current = start;
        for (const step of all) {
          const following = next(current, step);
          for (const nodesOfOne of subsets(allIds)) {
            const holdsNow = isQuorum(current.configs, (id) => nodesOfOne.includes(id));
            const othersHoldThen = isQuorum(following.configs, (id) => !nodesOfOne.includes(id));
            assert.equal(holdsNow && othersHoldThen, false);
          }
          current = following;
        }
      }),
      { numRuns: 100 },
    );
  });

  test('every membership on the way is valid, and every voter stays a member until it has left', () => {
    fc.assert(
      fc.property(uniform, steps, (start, all) => {
        let current = start;
        for (const step of all) {
          current = next(current, step);
          assert.equal(checkMembership(current), null);
          assert.ok(current.configs.length <= 2);
          assert.ok(isJoint(current) || !current.retainRemoved);
          const { voters, learners } = roles(current);
          assert.deepEqual(union(voters, learners), union([...current.nodes.keys()], []));
        }
      }),
    );
  });

  test('leaving takes away votes of the old half only, and members only without retain', () => {
    fc.assert(
      fc.property(uniform, fc.oneof(single, batch), fc.boolean(), (start, change, retain) => {
        const joint = next(start, { change, retain, leave: false });
        fc.pre(isJoint(joint));
        const left = leaveJoint(joint);
        assert.deepEqual(left.configs, [joint.configs[1]]);
        for (const id of joint.nodes.keys()) {
          const loses = isVoter(joint, id) && !isVoter(left, id);
          assert.equal(left.nodes.has(id), !loses || joint.retainRemoved);
        }
      }),
    );
  });

  test('never modifies what it is given', () => {
    fc.assert(
      fc.property(uniform, fc.oneof(single, batch), fc.boolean(), (current, change, retain) => {
        const before = fc.stringify({ current, change });
        next(current, { change, retain, leave: false });
        assert.equal(fc.stringify({ current, change }), before);
      }),
    );
  });
});
