/** "Cluster membership changes". */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../src/core/entry.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendRequest,
  at,
  ELECTION_MAX_MS,
  ELECTION_MIN_MS,
  effectsOf,
  makeCore,
  membershipOf,
  onlyEffect,
  roleOf,
  voteRequest,
  voteResponse,
} from '../support/core-kit.ts';
import { TestNode } from '../support/core-node.ts';

const votersOf = (node: TestNode): readonly (readonly number[])[] =>
  node.core.state.membership.effective.membership.configs;

/** Five nodes that all know the joint config {1,2,3} and {3,4,5}. */
function jointCluster(): CoreCluster {
  const joint = membershipOf([
    [1, 2, 3],
    [3, 4, 5],
  ]);
  const stored = { membership: { logId: NO_LOG_ID, membership: joint } };
  return new CoreCluster({ voters: [], nodes: { 1: stored, 2: stored, 3: stored, 4: stored, 5: stored } });
}

test('§6 a change goes through a joint config to the new one, which the leader appends by itself', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4, 5] });
  const leader = cluster.elect(1);
  leader.change(7, { type: 'replace-all-voters', ids: [3, 4, 5] });
  assert.deepEqual(votersOf(leader), [
    [1, 2, 3],
    [3, 4, 5],
  ]);
  cluster.deliver();
  assert.deepEqual(votersOf(leader), [[3, 4, 5]]);
  const changed = onlyEffect(leader.history, 'membership-changed');
  assert.deepEqual([changed.id, changed.result.logId], [7, logId(1, 3)]);
});

test('§6 a server uses the latest config in its log, committed or not', () => {
  const node = new TestNode({ id: 3, voters: [1, 2, 3] });
  const entry = membershipEntry(
    logId(1, 1),
    0,
    membershipOf([
      [1, 2, 3],
      [3, 4, 5],
    ]),
  );
  node.receive(1, appendRequest(1, { entries: [entry], commitIndex: 0 }));
  assert.equal(node.commitIndex, 0);
  assert.deepEqual(votersOf(node), entry.membership?.configs);
});

test('§6 and the one before it again, when that entry is removed', () => {
  const node = new TestNode({ id: 3, voters: [1, 2, 3] });
  const entry = membershipEntry(
    logId(1, 1),
    0,
    membershipOf([
      [1, 2, 3],
      [3, 4, 5],
    ]),
  );
  node.receive(1, appendRequest(1, { entries: [entry] }));
  node.receive(2, appendRequest(2, { entries: [membershipEntry(logId(2, 1), 0, membershipOf([1, 2, 3, 4]))] }));
  assert.deepEqual(votersOf(node), [[1, 2, 3, 4]]);
});

describe('§6 agreement needs a majority of the old and of the new config', () => {
  /** Joint {1,2,3} and {3,4,5}; node 3 was elected by all, but its entries reached nobody yet. */
  const jointLeader = (): CoreCluster => {
    const cluster = jointCluster();
    cluster.filter = ({ cargo }) => !(cargo.type === 'message' && cargo.message.type === 'append-request');
    cluster.elect(3);
    cluster.filter = () => true;
    for (const id of [1, 2, 4, 5]) cluster.isolate(id);
    return cluster;
  };

  for (const { reachable, isCommitted } of [
    { reachable: [1, 2], isCommitted: false },
    { reachable: [4, 5], isCommitted: false },
    { reachable: [1], isCommitted: false },
    { reachable: [1, 4], isCommitted: true },
  ]) {
    test(`§6 node 3 and [${reachable}] ${isCommitted ? 'commit' : 'do not commit'} an entry`, () => {
      const cluster = jointLeader();
      const leader = cluster.node(3);
      for (const id of reachable) cluster.heal(id);
      leader.propose('x');
      cluster.advance(500);
      assert.equal(leader.commitIndex > 0, isCommitted);
    });
  }

  for (const { granting, role } of [
    { granting: [1, 2], role: 'candidate' },
    { granting: [4, 5], role: 'candidate' },
    { granting: [1, 4], role: 'leader' },
  ]) {
    test(`§6 node 3 with the votes of [${granting}] is ${role}`, () => {
      const core = makeCore(
        {
          voters: [
            [1, 2, 3],
            [3, 4, 5],
          ],
        },
        { nodeId: 3, preVote: false },
      );
      core.step({ type: 'elect' }, at(0));
      core.step({ type: 'persisted', seq: 1 }, at(0));
      for (const from of granting) {
        core.step({ type: 'message', from, message: voteResponse(1, true), token: 0 }, at(0));
      }
      assert.equal(roleOf(core), role);
    });
  }
});

test('§6 a server of either config may lead', () => {
  for (const nodeId of [1, 5]) {
    const cluster = jointCluster();
    cluster.node(nodeId).campaign();
    cluster.deliver();
    const [, , leader] = effectsOf(cluster.node(nodeId).history, 'role-changed');
    assert.deepEqual(leader, { type: 'role-changed', role: 'leader', term: 1, leaderId: nodeId });
  }
});

test('§6 a new leader finishes the change that its predecessor began', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4, 5] });
  const first = cluster.elect(1);
  first.change(1, { type: 'replace-all-voters', ids: [3, 4, 5] });
  cluster.deliverOnce();
  cluster.crash(1);
  cluster.deliver();
  assert.deepEqual(votersOf(cluster.node(3)), [
    [1, 2, 3],
    [3, 4, 5],
  ]);
  cluster.elect(3);
  cluster.deliver();
  for (const id of [3, 4, 5]) assert.deepEqual(votersOf(cluster.node(id)), [[3, 4, 5]]);
});

test('§6 new servers join without a vote, until they have caught up', () => {
  const cluster = new CoreCluster({ voters: [1], nodes: { 2: { voters: [] } } });
  const leader = cluster.elect(1);
  leader.propose('a', 'b');
  leader.change(1, { type: 'add-nodes', nodes: membershipOf([], [2]).nodes });
  // Committed by the only voter, whatever the learner does.
  assert.equal(onlyEffect(leader.history, 'membership-changed').id, 1);
  assert.equal(leader.commitIndex, 4);
  cluster.advance(500);
  assert.deepEqual(cluster.node(2).appliedTexts, ['a', 'b']);
  assert.equal(cluster.node(2).role, 'learner');
});

test('§6 a leader that is not in the new config manages it without counting itself, then steps down', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.change(1, { type: 'remove-voters', ids: [1] });
  cluster.deliverOnce();
  cluster.deliverOnce();
  assert.deepEqual(votersOf(leader), [[2, 3]]);
  assert.equal(leader.commitIndex, 2);
  // One acknowledgement and the leader's own disk would be two of three, but are one of two.
  cluster.isolate(3);
  cluster.deliver();
  assert.deepEqual([leader.commitIndex, leader.role], [2, 'leader']);
  cluster.heal();
  cluster.advance(500);
  assert.deepEqual([leader.commitIndex, leader.role], [3, 'learner']);
  assert.ok(cluster.leader?.id === 2 || cluster.leader?.id === 3);
});

test('§6 one change at a time: another one is refused meanwhile', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4] });
  const leader = cluster.elect(1);
  leader.change(1, { type: 'add-voter-ids', ids: [4] });
  leader.change(2, { type: 'remove-voters', ids: [2] });
  const refused = onlyEffect(leader.history, 'membership-refused');
  assert.deepEqual([refused.id, refused.refusal.code], [2, 'change-in-progress']);
});

test('§6 removed servers can not disrupt: votes are refused while a leader is heard of', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  for (let requests = 1; requests <= 100; requests += 1) {
    cluster.advance(ELECTION_MIN_MS / 10);
    for (const id of [1, 2, 3]) cluster.node(id).receive(9, voteRequest(100 + requests, logId(99, 99)));
  }
  assert.deepEqual([leader.role, leader.term], ['leader', 1]);
  for (const id of [1, 2, 3]) assert.equal(cluster.node(id).term, 1);
});

test('§6 removed servers learn of it, and are passive from then on', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3, 4] });
  cluster.elect(1).change(1, { type: 'remove-voters', ids: [4] });
  cluster.advance(10 * ELECTION_MAX_MS);
  const removed = cluster.node(4);
  assert.equal(removed.role, 'learner');
  assert.equal(removed.term, 1);
  assert.ok(effectsOf(removed.history, 'role-changed').every(({ role }) => role !== 'pre-candidate'));
  assert.deepEqual([cluster.leader?.id, cluster.leader?.term], [1, 1]);
  // And the leader leaves them alone.
  cluster.leader?.propose('x');
  cluster.leader?.step({ type: 'heartbeat' });
  assert.deepEqual(
    cluster.leader?.takeOutbox().map(({ to }) => to),
    [2, 3, 2, 3],
  );
});

test('§6 an answer from before a removal says nothing about the server that was added again', () => {
  const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
  const leader = cluster.elect(1);
  const nodes = membershipOf([], [3]).nodes;
  cluster.hold(3, 1);
  leader.propose('a');
  cluster.deliver();
  const [late] = cluster.underWay('append-response', 3, 1);
  assert.equal(late?.matchIndex, 2);
  cluster.drop(({ from }) => from === 3);
  leader.change(1, { type: 'remove-nodes', ids: [3] });
  cluster.advance(ELECTION_MAX_MS);
  leader.change(2, { type: 'add-nodes', nodes });
  if (late !== undefined) leader.receive(3, late);
  assert.ok(leader.core.state.role.name === 'leader');
  assert.equal(leader.core.state.role.leader.progress.get(3)?.matchIndex, 0);
});
