/** What a running leader makes of a change of the membership: before, while and after it is decided. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodeId } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import { learnerIds } from '../../../src/core/membership/membership.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, effectsOf, membershipOf, nodesOf, onlyEffect } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

const configsOf = (node: SoloCore | TestNode): readonly (readonly NodeId[])[] =>
  node.core.state.membership.effective.membership.configs;

describe('a change that can not be right', () => {
  for (const { name, change, refusal } of [
    {
      name: 'M-04 a voter that is no member',
      change: { type: 'replace-all-voters', ids: [1, 2] },
      refusal: { code: 'learner-not-found', nodeId: 2 },
    },
    {
      name: 'M-11 without the last voter',
      change: { type: 'remove-voters', ids: [1] },
      refusal: { code: 'empty-membership' },
    },
    {
      name: 'M-11 no voters at all',
      change: { type: 'replace-all-voters', ids: [] },
      refusal: { code: 'empty-membership' },
    },
  ] satisfies { name: string; change: MembershipChange; refusal: object }[]) {
    test(`${name}: appends nothing, and is refused the second time as well`, () => {
      const leader = new CoreCluster({ voters: [1] }).elect(1);
      const { lastLogId } = leader;
      for (const id of [1, 2]) {
        assert.deepEqual(leader.change(id, change), [{ type: 'membership-refused', id, refusal }]);
      }
      assert.deepEqual(leader.lastLogId, lastLogId);
      leader.propose('x');
      assert.deepEqual(leader.appliedTexts, ['x']);
    });
  }

  test('M-29 a learner is removed, and replicated to no longer; a voter is not', () => {
    const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
    const leader = cluster.elect(1);
    leader.change(1, { type: 'remove-nodes', ids: [3] });
    cluster.advance(2 * ELECTION_MAX_MS);
    const { result } = onlyEffect(leader.history, 'membership-changed');
    assert.deepEqual([...result.membership.nodes.keys()], [1, 2]);
    leader.propose('x');
    leader.step({ type: 'heartbeat' });
    assert.deepEqual([...new Set(leader.takeOutbox().map(({ to }) => to))], [2]);

    const { lastLogId } = leader;
    const refusal = { code: 'learner-not-found', nodeId: 2 } as const;
    const effects = leader.change(2, { type: 'remove-nodes', ids: [2] });
    assert.deepEqual(effects, [{ type: 'membership-refused', id: 2, refusal }]);
    assert.deepEqual(leader.lastLogId, lastLogId);
  });
});

describe('a change that is not decided yet', () => {
  test('M-05 is not answered when its joint config is committed, only when the last one is', () => {
    const leader = new SoloCore({ voters: [1], learners: [2] });
    leader.becomeSettledLeader();
    leader.step({ type: 'change-membership', id: 1, change: { type: 'add-voter-ids', ids: [2] }, retain: false });
    assert.deepEqual(configsOf(leader), [[1], [1, 2]]);
    const joint = leader.acknowledge(2);
    assert.deepEqual(configsOf(leader), [[1, 2]]);
    assert.equal(leader.core.state.commitIndex, leader.core.state.log.lastIndex - 1);
    assert.deepEqual(effectsOf(joint, 'membership-changed'), []);
    const { result } = onlyEffect(leader.acknowledge(2), 'membership-changed');
    assert.deepEqual([result.logId, result.membership.configs], [logId(1, 3), [[1, 2]]]);
  });

  test('M-12 is finished when the new voters are back, though the leader had to step down meanwhile', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2, 3] });
    const leader = cluster.elect(1);
    cluster.deliver();
    for (const id of [2, 3]) cluster.isolate(id);
    leader.change(1, { type: 'add-voter-ids', ids: [2, 3] });
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.notEqual(leader.role, 'leader');
    cluster.heal();
    cluster.advance(2 * ELECTION_MAX_MS);
    for (const id of cluster.ids) {
      const { committed, effective } = cluster.node(id).core.state.membership;
      assert.equal(committed, effective);
      assert.deepEqual(committed.membership.configs, [[1, 2, 3]]);
    }
  });

  test('M-35 is never used as decided with too few of the old voters, and finished when they are back', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3, 4] });
    const leader = cluster.elect(1);
    cluster.partition([1, 4], [2], [3]);
    leader.change(1, { type: 'remove-voters', ids: [4] });
    cluster.advance(10 * ELECTION_MAX_MS);
    for (const id of cluster.ids) {
      const node = cluster.node(id);
      assert.deepEqual(node.core.state.membership.committed.logId, NO_LOG_ID);
      for (const { membership } of effectsOf(node.history, 'membership-effective')) {
        assert.equal(membership.membership.configs.length, 2, 'the joint config is as far as it gets');
      }
    }
    cluster.heal();
    cluster.advance(2 * ELECTION_MAX_MS);
    for (const id of [1, 2, 3]) assert.deepEqual(configsOf(cluster.node(id)), [[1, 2, 3]]);
  });
});

test('M-17 a removed follower gets no entry after the one that removed it, even while it is still being told', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.change(1, { type: 'remove-voters', ids: [3] });
  cluster.deliver();
  const { result } = onlyEffect(leader.history, 'membership-changed');
  leader.propose('x');
  cluster.deliver();
  assert.deepEqual(cluster.node(2).appliedTexts, ['x']);
  assert.deepEqual(cluster.node(3).lastLogId, result.logId);
});

describe('M-24 a change while another one is not committed', () => {
  const changes: MembershipChange[] = [
    { type: 'add-voter-ids', ids: [3] },
    { type: 'add-voters', nodes: nodesOf([4]) },
    { type: 'remove-voters', ids: [2] },
    { type: 'replace-all-voters', ids: [1] },
    { type: 'add-nodes', nodes: nodesOf([4]) },
    { type: 'set-nodes', nodes: nodesOf([2]) },
    { type: 'remove-nodes', ids: [3] },
    { type: 'replace-all-nodes', nodes: nodesOf([1, 2]) },
    { type: 'batch', changes: [] },
  ];

  /** Committed is the config at 2:2; the leader of term 3 appended another at 3:4. */
  function ownChange(): SoloCore {
    const stored = { logId: logId(2, 2), membership: membershipOf([1, 2]) };
    const leader = new SoloCore({ logTerms: [1, 2], membership: stored, committed: 2 });
    leader.becomeSettledLeader();
    leader.step({
      type: 'change-membership',
      id: 1,
      change: { type: 'add-nodes', nodes: nodesOf([3]) },
      retain: false,
    });
    return leader;
  }

  /** As before, but this one leads term 4. */
  function inheritedChange(): SoloCore {
    const leader = new SoloCore({
      logTerms: [1, 2, 3, 3],
      membership: { logId: logId(2, 2), membership: membershipOf([1, 2]) },
      logMemberships: [{ logId: logId(3, 4), membership: membershipOf([1, 2], [3]) }],
      committed: 3,
    });
    leader.becomeLeader();
    return leader;
  }

  for (const { name, make } of [
    { name: 'of its own', make: ownChange },
    { name: 'that it inherited', make: inheritedChange },
  ]) {
    test(`M-24 ${name} is refused, whatever it is, and both configs are named`, () => {
      const leader = make();
      const { lastIndex } = leader.core.state.log;
      for (const change of changes) {
        const effects = leader.step({ type: 'change-membership', id: 9, change, retain: false });
        const refusal = { code: 'change-in-progress', committed: logId(2, 2), pending: logId(3, 4) } as const;
        assert.deepEqual(effects, [{ type: 'membership-refused', id: 9, refusal }], change.type);
      }
      assert.equal(leader.core.state.log.lastIndex, lastIndex);
    });

    test(`M-24 ${name} is taken as soon as that one is committed`, () => {
      const leader = make();
      leader.acknowledge(2);
      const change: MembershipChange = { type: 'add-nodes', nodes: nodesOf([4]) };
      const effects = leader.step({ type: 'change-membership', id: 9, change, retain: false });
      assert.deepEqual(effectsOf(effects, 'membership-refused'), []);
      assert.deepEqual(learnerIds(onlyEffect(effects, 'membership-effective').membership.membership), [3, 4]);
    });
  }
});

describe('a leader in a joint config', () => {
  /** Leads {1,2}, and has appended the joint config with {1,2,3}. */
  function jointLeader(): SoloCore {
    const leader = new SoloCore({ voters: [1, 2], learners: [3] });
    leader.becomeSettledLeader();
    leader.step({ type: 'change-membership', id: 1, change: { type: 'add-voter-ids', ids: [3] }, retain: false });
    assert.equal(configsOf(leader).length, 2);
    return leader;
  }

  for (const { name, change } of [
    { name: 'enters no other one', change: { type: 'remove-voters', ids: [2] } },
    { name: 'takes no simple change either', change: { type: 'add-nodes', nodes: nodesOf([4]) } },
  ] satisfies { name: string; change: MembershipChange }[]) {
    test(`G-04 ${name}`, () => {
      const leader = jointLeader();
      const { effective } = leader.core.state.membership;
      const effects = leader.step({ type: 'change-membership', id: 2, change, retain: false });
      assert.equal(onlyEffect(effects, 'membership-refused').refusal.code, 'change-in-progress');
      assert.equal(leader.core.state.membership.effective, effective);
    });
  }

  test('G-04 leaves it once, by itself, and then has nothing to leave', () => {
    const leader = jointLeader();
    leader.acknowledge(2);
    assert.deepEqual(configsOf(leader), [[1, 2, 3]]);
    const { lastIndex } = leader.core.state.log;
    const effects = [...leader.acknowledge(2), ...leader.acknowledge(3)];
    assert.equal(onlyEffect(effects, 'membership-changed').id, 1);
    assert.equal(leader.core.state.log.lastIndex, lastIndex);
  });

  test('G-11 that demotes itself hands over when that is decided, and learns from then on', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2] });
    const leader = cluster.elect(1);
    const changes: MembershipChange[] = [
      { type: 'add-voter-ids', ids: [2] },
      { type: 'remove-voters', ids: [1] },
    ];
    leader.change(1, { type: 'batch', changes }, true);
    cluster.advance(ELECTION_MAX_MS);
    assert.equal(onlyEffect(leader.history, 'membership-changed').id, 1);
    assert.deepEqual(
      [cluster.leader?.id, leader.role, learnerIds(leader.core.state.membership.committed.membership)],
      [2, 'learner', [1]],
    );
    cluster.leader?.propose('x');
    cluster.deliver();
    assert.deepEqual(leader.appliedTexts, ['x']);
  });
});
