/** Which config counts: on leaders, candidates and followers, while it is committed and while it is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import { learnerIds } from '../../../src/core/membership/membership.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  ELECTION_MAX_MS,
  effectsOf,
  entryOf,
  membershipOf,
  nodesOf,
  onlyEffect,
  roleOf,
  voteResponse,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

const configsOf = (node: SoloCore | TestNode): readonly (readonly NodeId[])[] =>
  node.core.state.membership.effective.membership.configs;

describe('a follower', () => {
  test('M-19 uses a config as soon as it is appended, and the one before when it is truncated', () => {
    const node = new TestNode({ id: 7 });
    const memberships = () => effectsOf(node.history, 'membership-effective').at(-1);
    node.receive(
      1,
      appendRequest(1, {
        entries: [
          entryOf(0, 1),
          entryOf(1, 2),
          membershipEntry(logId(1, 3), 0, membershipOf([1, 2])),
          entryOf(1, 4),
          membershipEntry(logId(1, 5), 0, membershipOf([1, 2, 3, 4])),
          entryOf(1, 6),
        ],
        commitIndex: 1,
      }),
    );
    assert.deepEqual(configsOf(node), [[1, 2, 3, 4]]);
    assert.equal(memberships()?.isCommitted, false);
    node.receive(2, appendRequest(2, { prevLogId: logId(1, 3), entries: [entryOf(2, 4)], commitIndex: 1 }));
    assert.deepEqual(configsOf(node), [[1, 2]]);
    assert.deepEqual(memberships()?.membership.logId, logId(1, 3));
    assert.deepEqual(node.logTerms, [0, 1, 1, 2]);
  });

  test('M-38 that was never initialised refuses any change, knows no leader, and stays passive', () => {
    const node = new TestNode();
    for (const change of [
      { type: 'add-voters', nodes: nodesOf([1, 2]) },
      { type: 'add-nodes', nodes: nodesOf([2]) },
      { type: 'replace-all-voters', ids: [1] },
    ] satisfies MembershipChange[]) {
      const refusal = { code: 'not-leader', leaderId: null, leaderNode: null } as const;
      assert.deepEqual(node.change(1, change), [{ type: 'membership-refused', id: 1, refusal }]);
    }
    assert.deepEqual([node.role, node.term, node.disk.writes], ['learner', 0, 0]);
    assert.equal(node.core.deadlineMs, Number.POSITIVE_INFINITY);
  });
});

describe('a candidate of a joint config', () => {
  for (const { granting, role } of [
    { granting: [1], role: 'candidate' },
    { granting: [1, 2], role: 'candidate' },
    { granting: [4, 5], role: 'candidate' },
    { granting: [1, 4], role: 'leader' },
    { granting: [1, 2, 4], role: 'leader' },
  ]) {
    test(`M-36 node 3 of {1,2,3} and {3,4,5} with the votes of {${granting}} is ${role}`, () => {
      const joint = [
        [1, 2, 3],
        [3, 4, 5],
      ];
      const node = new SoloCore({ voters: joint }, { nodeId: 3, preVote: false });
      node.step({ type: 'elect' });
      for (const from of granting) node.receive(from, voteResponse(1, true));
      assert.equal(roleOf(node.core), role);
    });
  }
});

describe('a quorum', () => {
  test('M-25 is not made larger by a learner that is out of reach', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2] });
    cluster.isolate(2);
    const leader = cluster.elect(1);
    leader.propose('x');
    assert.deepEqual(leader.appliedTexts, ['x']);
  });

  test('M-25 is not reached with a learner', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4] });
    const leader = cluster.elect(1);
    const { commitIndex } = leader;
    for (const id of [2, 3]) cluster.isolate(id);
    leader.propose('x');
    cluster.advance(ELECTION_MAX_MS / 2);
    assert.deepEqual(cluster.node(4).lastLogId, leader.lastLogId);
    assert.equal(leader.commitIndex, commitIndex);
    assert.deepEqual(leader.appliedTexts, []);
  });
});

describe('a leader with a config that is not committed', () => {
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

  /** Committed is the config at 2:2; the leader of term 3 appended its own at 3:4. */
  function changingLeader(): SoloCore {
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

  /** As before, but an earlier leader appended the config at 3:4; this one leads term 4. */
  function inheritingLeader(): SoloCore {
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
    { name: 'of its own', make: changingLeader },
    { name: 'that it inherited', make: inheritingLeader },
  ]) {
    test(`M-24 ${name} refuses every change, and names both configs`, () => {
      const leader = make();
      const { lastIndex } = leader.core.state.log;
      for (const change of changes) {
        const effects = leader.step({ type: 'change-membership', id: 9, change, retain: false });
        const refusal = { code: 'change-in-progress', committed: logId(2, 2), pending: logId(3, 4) } as const;
        assert.deepEqual(effects, [{ type: 'membership-refused', id: 9, refusal }], change.type);
      }
      assert.equal(leader.core.state.log.lastIndex, lastIndex);
    });

    test(`M-24 ${name} takes the next change as soon as it is committed`, () => {
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
    assert.deepEqual(configsOf(leader), [
      [1, 2],
      [1, 2, 3],
    ]);
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

  test('G-06 keeps what it knows of a voter that it demotes', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] });
    leader.becomeSettledLeader();
    const progress = leader.progressOf(2);
    const { matchIndex, session } = progress;
    leader.step({ type: 'change-membership', id: 1, change: { type: 'remove-voters', ids: [2] }, retain: true });
    assert.deepEqual(configsOf(leader), [
      [1, 2, 3],
      [1, 3],
    ]);
    leader.acknowledge(3);
    leader.acknowledge(3);
    assert.deepEqual(configsOf(leader), [[1, 3]]);
    assert.deepEqual(learnerIds(leader.core.state.membership.committed.membership), [2]);
    assert.equal(leader.progressOf(2), progress);
    assert.deepEqual([progress.matchIndex, progress.session, progress.state], [matchIndex, session, 'replicate']);
  });
});

test('G-11 one request adds a voter, demotes the leader and adds a learner, by way of one joint config', () => {
  const cluster = new CoreCluster({ voters: [1], nodes: { 2: { voters: [] }, 3: { voters: [] } } });
  const leader = cluster.elect(1);
  const change: MembershipChange = {
    type: 'batch',
    changes: [
      { type: 'add-voters', nodes: nodesOf([2]) },
      { type: 'remove-voters', ids: [1] },
      { type: 'add-nodes', nodes: nodesOf([3]) },
    ],
  };
  leader.change(1, change, true);
  const joint = leader.core.state.membership.effective.membership;
  assert.deepEqual([joint.configs, learnerIds(joint)], [[[1], [2]], [3]]);
  cluster.advance(ELECTION_MAX_MS);
  assert.equal(onlyEffect(leader.history, 'membership-changed').id, 1);
  assert.equal(cluster.leader?.id, 2);
  for (const id of cluster.ids) {
    const { membership } = cluster.node(id).core.state.membership.committed;
    assert.deepEqual([membership.configs, learnerIds(membership)], [[[2]], [1, 3]], `node ${id}`);
  }
  assert.deepEqual([cluster.node(1).role, cluster.node(3).role], ['learner', 'learner']);
});
