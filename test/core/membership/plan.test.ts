import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import { EMPTY_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import { leaveJoint } from '../../../src/core/membership/plan.ts';
import { addresses, changed, membership, node, nodesOf, planned, refusalOf, roles } from './memberships.ts';

describe('planChange', () => {
  test('M-04 refuses a voter that is not a member, again and again', () => {
    const current = membership([[1]]);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const notFound = { code: 'learner-not-found', nodeId: 2 };
      assert.deepEqual(refusalOf(current, { type: 'replace-all-voters', ids: [1, 2] }), notFound);
      assert.deepEqual(refusalOf(current, { type: 'add-voter-ids', ids: [2] }), notFound);
    }
    assert.deepEqual(roles(current), { voters: [1], learners: [] });
  });

  test('M-11 refuses to leave the cluster without voters', () => {
    const current = membership([[1]], [2]);
    const empty = { code: 'empty-membership' };
    assert.deepEqual(refusalOf(current, { type: 'remove-voters', ids: [1] }), empty);
    assert.deepEqual(refusalOf(current, { type: 'replace-all-voters', ids: [] }), empty);
    const batch: MembershipChange = { type: 'batch', changes: [{ type: 'remove-voters', ids: [1] }] };
    assert.deepEqual(refusalOf(current, batch, true), empty);
  });

  test('M-29 removes a learner, but not a voter', () => {
    const current = membership([[1, 2]], [3]);
    const next = planned(current, { type: 'remove-nodes', ids: [3] });
    assert.deepEqual(next.configs, [[1, 2]]);
    assert.deepEqual(roles(next), { voters: [1, 2], learners: [] });
    assert.deepEqual(refusalOf(next, { type: 'remove-nodes', ids: [2] }), { code: 'learner-not-found', nodeId: 2 });
    assert.deepEqual(refusalOf(next, { type: 'remove-nodes', ids: [3] }), { code: 'learner-not-found', nodeId: 3 });
  });

  test('M-29 removes none of several nodes when one of them is a voter', () => {
    const current = membership([[1, 2]], [3]);
    assert.deepEqual(refusalOf(current, { type: 'remove-nodes', ids: [3, 2] }), {
      code: 'learner-not-found',
      nodeId: 2,
    });
    assert.deepEqual(roles(current), { voters: [1, 2], learners: [3] });
  });

  test('M-30 adding nodes keeps known addresses, setting them overwrites, and neither moves the voters', () => {
    let current = membership([[1], [2]]);
    current = planned(current, { type: 'add-nodes', nodes: new Map([[1, node('other')]]) });
    assert.deepEqual(addresses(current), { 1: 'n1', 2: 'n2' });
    current = planned(current, { type: 'add-nodes', nodes: nodesOf(3) });
    assert.deepEqual(addresses(current), { 1: 'n1', 2: 'n2', 3: 'n3' });
    const nodes = new Map([
      [3, node('n30')],
      [2, node('n20')],
    ]);
    current = planned(current, { type: 'set-nodes', nodes });
    assert.deepEqual(addresses(current), { 1: 'n1', 2: 'n20', 3: 'n30' });
    assert.deepEqual(current.configs, [[1], [2]]);
  });

  test('add-voters adds who is unknown, promotes who is a learner, and keeps every known address', () => {
    const nodes = new Map([...nodesOf(4, 3), [2, node('other')] as const]);
    const next = planned(membership([[1]], [2]), { type: 'add-voters', nodes });
    assert.deepEqual(next.configs, [[1], [1, 2, 3, 4]]);
    assert.deepEqual(addresses(next), { 1: 'n1', 2: 'n2', 3: 'n3', 4: 'n4' });
  });

  test('add-voter-ids promotes learners', () => {
    const next = changed(membership([[1]], [2, 3]), { type: 'add-voter-ids', ids: [3] });
    assert.deepEqual(next.configs, [[1, 3]]);
    assert.deepEqual(roles(next), { voters: [1, 3], learners: [2] });
  });

  test('remove-voters keeps the nodes of leaving voters as long as they have a vote', () => {
    const joint = planned(membership([[1, 2, 3]]), { type: 'remove-voters', ids: [3] });
    assert.deepEqual(joint.configs, [
      [1, 2, 3],
      [1, 2],
    ]);
    assert.deepEqual(roles(joint), { voters: [1, 2, 3], learners: [] });
    assert.deepEqual(roles(leaveJoint(joint)), { voters: [1, 2], learners: [] });
  });

  test('retain turns leaving voters into learners', () => {
    const joint = planned(membership([[1, 2, 3]]), { type: 'replace-all-voters', ids: [1] }, true);
    assert.equal(joint.retainRemoved, true);
    const left = leaveJoint(joint);
    assert.equal(left.retainRemoved, false);
    assert.deepEqual(roles(left), { voters: [1], learners: [2, 3] });
  });

  test('without retain only voters go: learners stay', () => {
    const next = changed(membership([[1, 2]], [3, 4]), { type: 'replace-all-voters', ids: [1, 3] });
    assert.deepEqual(roles(next), { voters: [1, 3], learners: [4] });
  });

  test('a change to the same voters stays uniform', () => {
    const current = membership([[1, 2]], [3]);
    for (const change of [
      { type: 'replace-all-voters', ids: [2, 1, 1] },
      { type: 'add-voter-ids', ids: [2] },
      { type: 'add-voters', nodes: nodesOf(1) },
      { type: 'remove-voters', ids: [3, 9] },
      { type: 'batch', changes: [] },
    ] satisfies MembershipChange[]) {
      const next = planned(current, change);
      assert.deepEqual(next, current, change.type);
      assert.notEqual(next, current);
    }
  });

  test('replace-all-nodes needs all voters, drops the other members, and overwrites', () => {
    const current = membership([[1, 2]], [3]);
    assert.deepEqual(refusalOf(current, { type: 'replace-all-nodes', nodes: nodesOf(1, 3) }), {
      code: 'learner-not-found',
      nodeId: 2,
    });
    const nodes = new Map([...nodesOf(4, 1), [2, node('n20')] as const]);
    assert.deepEqual(addresses(planned(current, { type: 'replace-all-nodes', nodes })), { 1: 'n1', 2: 'n20', 4: 'n4' });
  });

  test('refuses ids and nodes that cannot be right, wherever they stand', () => {
    const current = membership([[1, 2]], [3]);
    for (const id of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      for (const change of [
        { type: 'add-voter-ids', ids: [id] },
        { type: 'remove-voters', ids: [id] },
        { type: 'replace-all-voters', ids: [1, id] },
        { type: 'remove-nodes', ids: [id] },
        { type: 'add-voters', nodes: nodesOf(id) },
        { type: 'add-nodes', nodes: nodesOf(id) },
        { type: 'set-nodes', nodes: nodesOf(id) },
        { type: 'replace-all-nodes', nodes: nodesOf(1, 2, id) },
        { type: 'batch', changes: [{ type: 'batch', changes: [{ type: 'add-nodes', nodes: nodesOf(id) }] }] },
      ] satisfies MembershipChange[]) {
        const refusal = refusalOf(current, change);
        assert.equal(refusal.code, 'invalid-node', change.type);
        assert.deepEqual('nodeId' in refusal && refusal.nodeId, id);
      }
    }
    for (const type of ['add-voters', 'add-nodes', 'set-nodes', 'replace-all-nodes'] as const) {
      const refusal = refusalOf(current, { type, nodes: new Map([...nodesOf(1, 2), [3, node('')] as const]) });
      assert.equal(refusal.code, 'invalid-node', type);
    }
  });

  test('refuses any change of a cluster that has no voters', () => {
    const add: MembershipChange = { type: 'add-voters', nodes: nodesOf(1) };
    assert.deepEqual(refusalOf(EMPTY_MEMBERSHIP, add), { code: 'empty-membership' });
    assert.deepEqual(refusalOf(membership([[]], [1]), add), { code: 'empty-membership' });
  });

  test('what it returns is sorted, frozen and shares nothing that can be changed', () => {
    const nodes = nodesOf(9, 3);
    const current = membership([[5, 1]]);
    const next = planned(current, { type: 'add-voters', nodes });
    assert.deepEqual(next.configs, [
      [1, 5],
      [1, 3, 5, 9],
    ]);
    assert.deepEqual([...next.nodes.keys()], [1, 3, 5, 9]);
    assert.ok(Object.isFrozen(next) && Object.isFrozen(next.configs) && next.configs.every(Object.isFrozen));
    assert.ok(Object.isFrozen(next.nodes.get(9)));
    assert.notEqual(next.nodes.get(9), nodes.get(9));
    assert.deepEqual(current.configs, [[5, 1]]);
  });
});

describe('a batch', () => {
  const batch = (...changes: MembershipChange[]): MembershipChange => ({ type: 'batch', changes });

  test('applies in order, and passes through one joint config', () => {
    const swap = batch({ type: 'add-voters', nodes: nodesOf(4) }, { type: 'remove-voters', ids: [1] });
    const joint = planned(membership([[1, 2, 3]]), swap);
    assert.deepEqual(joint.configs, [
      [1, 2, 3],
      [2, 3, 4],
    ]);
    assert.deepEqual(roles(leaveJoint(joint)), { voters: [2, 3, 4], learners: [] });
    const promoteFirst = batch({ type: 'add-voter-ids', ids: [4] }, { type: 'add-nodes', nodes: nodesOf(4) });
    assert.deepEqual(refusalOf(membership([[1]]), promoteFirst), { code: 'learner-not-found', nodeId: 4 });
  });

  test('may have no voters in between', () => {
    const swap = batch({ type: 'remove-voters', ids: [1] }, { type: 'add-voter-ids', ids: [2] });
    assert.deepEqual(roles(changed(membership([[1]], [2]), swap)), { voters: [2], learners: [] });
  });

  test('removes a voter as a member by name, even with retain', () => {
    const remove = batch({ type: 'remove-voters', ids: [3] }, { type: 'remove-nodes', ids: [3] });
    for (const retain of [true, false]) {
      const joint = planned(membership([[1, 2, 3]]), remove, retain);
      assert.equal(joint.retainRemoved, false);
      assert.deepEqual(roles(joint), { voters: [1, 2, 3], learners: [] });
      assert.deepEqual(roles(leaveJoint(joint)), { voters: [1, 2], learners: [] });
    }
  });

  test('keeps a voter as a learner by name, even without retain', () => {
    const demote = batch({ type: 'remove-voters', ids: [3] }, { type: 'add-nodes', nodes: nodesOf(3) });
    assert.deepEqual(roles(changed(membership([[1, 2, 3]]), demote)), { voters: [1, 2], learners: [3] });
    const andMore = batch(demote, { type: 'add-voters', nodes: nodesOf(4) });
    assert.deepEqual(roles(changed(membership([[1, 2, 3]]), andMore)), { voters: [1, 2, 4], learners: [3] });
  });

  test('keeps a voter as a learner at another address', () => {
    const nodes = new Map([[3, node('n30')]]);
    const demote = batch({ type: 'remove-voters', ids: [3] }, { type: 'set-nodes', nodes });
    const next = changed(membership([[1, 2, 3]]), demote);
    assert.deepEqual(addresses(next), { 1: 'n1', 2: 'n2', 3: 'n30' });
    assert.deepEqual(roles(next), { voters: [1, 2], learners: [3] });
  });

  test('forgets the removal of a node that it makes a voter again', () => {
    const change = batch(
      { type: 'remove-voters', ids: [3] },
      { type: 'remove-nodes', ids: [3] },
      { type: 'add-voter-ids', ids: [3] },
      { type: 'remove-voters', ids: [3] },
    );
    assert.deepEqual(roles(changed(membership([[1, 3]]), change, true)), { voters: [1], learners: [3] });
  });

  test('refuses to keep one leaving voter and to remove another', () => {
    const mixed = batch({ type: 'remove-voters', ids: [2, 3] }, { type: 'remove-nodes', ids: [3] });
    const refusal = refusalOf(membership([[1, 2, 3]]), mixed, true);
    assert.equal(refusal.code, 'invalid-node');
    assert.ok('nodeId' in refusal && refusal.nodeId === 2);
  });

  test('a learner that it promotes and demotes is a learner again', () => {
    const promote: MembershipChange = { type: 'add-voter-ids', ids: [2] };
    const next = planned(membership([[1]], [2]), batch(promote, { type: 'remove-voters', ids: [2] }));
    assert.deepEqual(roles(next), { voters: [1], learners: [2] });
  });

  test('replaces the nodes around a change of the voters', () => {
    const change = batch(
      { type: 'replace-all-voters', ids: [2] },
      { type: 'replace-all-nodes', nodes: new Map([[2, node('n20')]]) },
    );
    const joint = planned(membership([[1]], [2, 3]), change, true);
    assert.deepEqual(addresses(joint), { 1: 'n1', 2: 'n20' });
    assert.deepEqual(addresses(leaveJoint(joint)), { 2: 'n20' });
  });
});

describe('a change of a joint membership', () => {
  const joint = membership(
    [
      [1, 2],
      [2, 3],
    ],
    [4],
  );

  test('back to the old voters removes the new ones, or keeps them as learners', () => {
    const back: MembershipChange = { type: 'replace-all-voters', ids: [1, 2] };
    assert.deepEqual(planned(joint, back).configs, [[1, 2]]);
    assert.deepEqual(roles(planned(joint, back)), { voters: [1, 2], learners: [4] });
    assert.deepEqual(roles(planned(joint, back, true)), { voters: [1, 2], learners: [3, 4] });
  });

  test('on to a third voter set lets go of those who were only in the first', () => {
    const on: MembershipChange = { type: 'replace-all-voters', ids: [4] };
    const next = planned(joint, on);
    assert.deepEqual(next.configs, [[2, 3], [4]]);
    assert.deepEqual(roles(next), { voters: [2, 3, 4], learners: [] });
    assert.deepEqual(roles(planned(joint, on, true)), { voters: [2, 3, 4], learners: [1] });
  });

  test('of nodes alone does not move its configs, nor what becomes of leaving voters', () => {
    const retaining = { ...joint, retainRemoved: true };
    const next = planned(retaining, { type: 'add-nodes', nodes: nodesOf(5) });
    assert.deepEqual(next.configs, joint.configs);
    assert.equal(next.retainRemoved, true);
    assert.deepEqual(roles(next), { voters: [1, 2, 3], learners: [4, 5] });
  });

  test('cannot remove a node that still has a vote in the old half', () => {
    const notFound = { code: 'learner-not-found', nodeId: 1 };
    assert.deepEqual(refusalOf(joint, { type: 'remove-nodes', ids: [1] }), notFound);
    assert.deepEqual(refusalOf(joint, { type: 'replace-all-nodes', nodes: nodesOf(2, 3, 4) }), notFound);
  });
});
