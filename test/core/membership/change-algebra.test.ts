import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import { isLearner, isVoter, learnerIds, voterIds } from '../../../src/core/membership/membership.ts';
import { checkMembership, leaveJoint, nextConfigs, planChange } from '../../../src/core/membership/plan.ts';
import { changed, membership, node, nodesOf, planned, refusalOf, roles } from './memberships.ts';

const [c1, c2, c3] = [
  [1, 2, 3],
  [3, 4, 5],
  [7, 8, 9],
];

describe('nextConfigs', () => {
  test('G-01 each step towards a goal shares a voter set with the one before', () => {
    assert.deepEqual(nextConfigs([c1], c1), [c1]);
    assert.deepEqual(nextConfigs([c1], c2), [c1, c2]);
    assert.deepEqual(nextConfigs([c1, c2], c1), [c1]);
    assert.deepEqual(nextConfigs([c1, c2], c2), [c2]);
    assert.deepEqual(nextConfigs([c1, c2], c3), [c2, c3]);
  });

  test('takes voter sets as sets: order and repetition do not matter', () => {
    assert.deepEqual(nextConfigs([c1], [3, 1, 2, 1]), [c1]);
    assert.deepEqual(nextConfigs([c1], [5, 4, 3, 3]), [c1, c2]);
    assert.deepEqual(nextConfigs([[3, 2, 1], c2], c3), [c2, c3]);
  });
});

describe('entering and leaving joint configs', () => {
  test('G-04 refuses what has no meaning', () => {
    assert.throws(() => leaveJoint(membership([[1, 2]])), RangeError);
    assert.throws(() => leaveJoint(membership([])), RangeError);
    const add: MembershipChange = { type: 'add-voters', nodes: nodesOf(1) };
    assert.deepEqual(refusalOf(membership([]), add), { code: 'empty-membership' });
  });

  test('G-04 never has more than two voter sets: a change while joint goes on from the newer one', () => {
    const joint = planned(membership([[1]]), { type: 'add-voters', nodes: nodesOf(2) });
    for (const change of [
      { type: 'add-voters', nodes: nodesOf(3) },
      { type: 'remove-voters', ids: [1] },
    ] satisfies MembershipChange[]) {
      const { configs } = planned(joint, change);
      assert.equal(configs.length, 2);
      assert.deepEqual(configs[0], [1, 2]);
    }
  });

  test('G-04 a change to the voters there are needs no joint config and changes nothing', () => {
    const current = membership([[1, 2]], [3]);
    assert.deepEqual(planned(current, { type: 'batch', changes: [] }), current);
    assert.deepEqual(planned(current, { type: 'replace-all-voters', ids: [1, 2] }), current);
  });

  test('G-06 a demoted voter keeps its vote until the joint config is left, then it is a learner', () => {
    const swap: MembershipChange = {
      type: 'batch',
      changes: [
        { type: 'add-voters', nodes: nodesOf(2) },
        { type: 'remove-voters', ids: [1] },
      ],
    };
    const joint = planned(membership([[1]]), swap, true);
    assert.deepEqual(joint.configs, [[1], [2]]);
    assert.equal(isVoter(joint, 1), true);
    assert.equal(isLearner(joint, 1), false);
    const left = leaveJoint(joint);
    assert.deepEqual(left.configs, [[2]]);
    assert.deepEqual(roles(left), { voters: [2], learners: [1] });
  });

  test('G-11 one request adds a voter, demotes another and adds a learner', () => {
    const request: MembershipChange = {
      type: 'batch',
      changes: [
        { type: 'add-voters', nodes: nodesOf(2) },
        { type: 'remove-voters', ids: [1] },
        { type: 'add-nodes', nodes: nodesOf(3) },
      ],
    };
    const joint = planned(membership([[1]]), request, true);
    assert.deepEqual(joint.configs, [[1], [2]]);
    assert.deepEqual(learnerIds(joint), [3]);
    const left = leaveJoint(joint);
    assert.deepEqual(left.configs, [[2]]);
    assert.deepEqual(roles(left), { voters: [2], learners: [1, 3] });
  });
});

describe('single-step changes', () => {
  /** `v`: make it a voter. `l`: make it a learner. `r`: remove it. */
  function changeOf(current: Membership, step: string): MembershipChange {
    const id = Number(step.slice(1));
    switch (step[0]) {
      case 'v':
        return { type: 'add-voters', nodes: nodesOf(id) };
      case 'l':
        return {
          type: 'batch',
          changes: [
            { type: 'remove-voters', ids: [id] },
            { type: 'add-nodes', nodes: nodesOf(id) },
          ],
        };
      default:
        return isLearner(current, id) ? { type: 'remove-nodes', ids: [id] } : { type: 'remove-voters', ids: [id] };
    }
  }

  function history(start: Membership, steps: readonly string[]): string[] {
    let current = start;
    return steps.map((step) => {
      const changes = step.split(' ').map((one) => changeOf(current, one));
      current = changed(current, { type: 'batch', changes });
      const learners = learnerIds(current).map((id) => `+l${id}`);
      return `{${voterIds(current)}}${learners.join('')}`;
    });
  }

  test('G-07 are idempotent', () => {
    const steps = ['v1', 'v1', 'v2', 'l1', 'l1', 'r1', 'r1', 'v3', 'r3', 'r3', 'r4'];
    assert.deepEqual(history(membership([[1]]), steps), [
      '{1}',
      '{1}',
      '{1,2}',
      '{2}+l1',
      '{2}+l1',
      '{2}',
      '{2}',
      '{2,3}',
      '{2}',
      '{2}',
      '{2}',
    ]);
  });

  test('G-07 promote and demote, also both at once', () => {
    const steps = ['l1 v1', 'l2', 'v2 l2', 'v2'];
    assert.deepEqual(history(membership([[1, 2, 3]]), steps), ['{1,2,3}', '{1,3}+l2', '{1,3}+l2', '{1,2,3}']);
  });
});

describe('checkMembership', () => {
  test('G-09 refuses a membership without voters', () => {
    const empty = { code: 'empty-membership' };
    assert.deepEqual(checkMembership(membership([])), empty);
    assert.deepEqual(checkMembership(membership([[]])), empty);
    assert.deepEqual(checkMembership(membership([], [1, 2])), empty);
    assert.deepEqual(checkMembership(membership([[1], []])), empty);
  });

  test('G-09 accepts a voter and a learner', () => {
    assert.equal(checkMembership(membership([[1]], [2])), null);
    assert.equal(checkMembership(membership([[1], [2, 3]], [4])), null);
  });

  test('G-09 refuses an id twice in a voter set; a change merges it', () => {
    const refusal = checkMembership(membership([[1, 2, 1]]));
    assert.equal(refusal?.code, 'invalid-node');
    const next = planned(membership([[1]], [2]), { type: 'replace-all-voters', ids: [2, 1, 2] });
    assert.deepEqual(next.configs, [[1], [1, 2]]);
  });

  test('G-09 refuses a voter that is no member or has no address', () => {
    const unknown = { ...membership([[1, 2]]), nodes: nodesOf(1) };
    assert.deepEqual(checkMembership(unknown), { code: 'learner-not-found', nodeId: 2 });
    const unknownInOldHalf = { ...membership([[1, 2], [1]]), nodes: nodesOf(1) };
    assert.deepEqual(checkMembership(unknownInOldHalf), { code: 'learner-not-found', nodeId: 2 });
    const nameless = { ...membership([[1, 2]]), nodes: new Map([...nodesOf(1), [2, node('')] as const]) };
    assert.equal(checkMembership(nameless)?.code, 'invalid-node');
  });

  test('refuses ids that are none, of voters and of learners', () => {
    assert.equal(checkMembership(membership([[0]]))?.code, 'invalid-node');
    assert.equal(checkMembership(membership([[1]], [1.5]))?.code, 'invalid-node');
  });

  test('refuses a third voter set', () => {
    assert.equal(checkMembership(membership([c1, c2, c3]))?.code, 'invalid-node');
  });
});

describe('voters and learners of a membership', () => {
  const joint = membership([c1, [5, 6, 7]], [3, 4, 5]);

  test('G-12 no node is both', () => {
    assert.deepEqual(roles(joint), { voters: [1, 2, 3, 5, 6, 7], learners: [4] });
    const all = [1, 2, 3, 4, 5, 6, 7, 8];
    assert.deepEqual(
      all.filter((id) => isVoter(joint, id)),
      [1, 2, 3, 5, 6, 7],
    );
    assert.deepEqual(
      all.filter((id) => isLearner(joint, id)),
      [4],
    );
  });

  test('G-12 adding a voter or a learner as a learner changes nothing', () => {
    const plan = planChange(
      joint,
      { type: 'add-nodes', nodes: new Map([...nodesOf(4), [1, node('other')] as const]) },
      false,
    );
    assert.deepEqual(plan, { ok: true, membership: joint });
  });
});
