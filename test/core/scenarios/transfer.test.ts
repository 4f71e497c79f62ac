/** Leadership transfer: who may be the target, and what happens meanwhile and when it fails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodeId } from '../../../src/core/ids.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { basicNode, ELECTION_MAX_MS, effectsOf, HEARTBEAT_MS, nodesOf, onlyEffect } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';

function transfer(node: TestNode, to: NodeId | null, id = 1) {
  return node.step({ type: 'transfer', id, to });
}

describe('the target of a transfer', () => {
  test('T-03 is the leader itself: done, and nothing else happens', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    assert.deepEqual(transfer(leader, 1), [{ type: 'transfer-done', id: 1 }]);
    assert.deepEqual([leader.role, leader.term], ['leader', 1]);
    assert.equal(leader.propose('x').refusal, null);
  });

  for (const { name, to } of [
    { name: 'unknown', to: 9 },
    { name: 'a learner', to: 4 },
  ]) {
    test(`T-03 is ${name}: refused, and the leader leads on`, () => {
      const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4] });
      const leader = cluster.elect(1);
      const refusal = { code: 'not-a-voter', to } as const;
      assert.deepEqual(transfer(leader, to), [{ type: 'transfer-refused', id: 1, refusal }]);
      leader.propose('x');
      cluster.deliver();
      assert.deepEqual([leader.role, leader.appliedTexts], ['leader', ['x']]);
    });
  }

  test('T-03 is up to the leader, who is the only voter: refused', () => {
    const leader = new CoreCluster({ voters: [1], learners: [2] }).elect(1);
    const refusal = { code: 'no-target' } as const;
    assert.deepEqual(transfer(leader, null), [{ type: 'transfer-refused', id: 1, refusal }]);
    assert.equal(leader.propose('x').refusal, null);
  });

  test('T-03 is asked of a follower: refused, with the leader to ask instead', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    cluster.elect(1);
    const refusal = { code: 'not-leader', leaderId: 1, leaderNode: basicNode(1) } as const;
    assert.deepEqual(transfer(cluster.node(2), 3), [{ type: 'transfer-refused', id: 1, refusal }]);
  });
});

describe('a transfer to a target that is out of reach', () => {
  /** Node 2 lacks an entry when `isBehind`, so that it can't even be asked; else the request to it is lost. */
  function transferring(isBehind: boolean): { cluster: CoreCluster; leader: TestNode } {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    if (isBehind) leader.propose('missed');
    cluster.deliver();
    transfer(leader, 2, 7);
    cluster.deliver();
    return { cluster, leader };
  }

  for (const { name, isBehind } of [
    { name: 'that is behind', isBehind: true },
    { name: 'that loses the request', isBehind: false },
  ]) {
    test(`T-04 ${name} refuses proposals and changes meanwhile`, () => {
      const { cluster, leader } = transferring(isBehind);
      const { lastLogId } = leader;
      const refusal = { code: 'transfer-in-progress', to: 2 } as const;
      assert.deepEqual(leader.propose('x').refusal, refusal);
      const changed = leader.change(8, { type: 'add-nodes', nodes: nodesOf([4]) });
      assert.deepEqual(changed, [{ type: 'membership-refused', id: 8, refusal }]);
      assert.deepEqual(transfer(leader, 3, 9), [{ type: 'transfer-refused', id: 9, refusal }]);
      cluster.advance(HEARTBEAT_MS);
      assert.deepEqual([leader.lastLogId, leader.role], [lastLogId, 'leader']);
    });

    test(`T-04 ${name} is given up after an election timeout, and the leader takes proposals again`, () => {
      const { cluster, leader } = transferring(isBehind);
      cluster.advance(ELECTION_MAX_MS - 1);
      assert.deepEqual(effectsOf(leader.history, 'transfer-refused'), []);
      cluster.advance(1);
      const { id, refusal } = onlyEffect(leader.history, 'transfer-refused');
      assert.deepEqual([id, refusal], [7, { code: 'transfer-timed-out', to: 2 }]);
      assert.deepEqual([leader.role, leader.term], ['leader', 1]);
      assert.equal(leader.propose('after').refusal, null);
      leader.change(8, { type: 'add-nodes', nodes: nodesOf([4]) });
      cluster.deliver();
      assert.equal(cluster.node(3).appliedTexts.at(-1), 'after');
      assert.equal(onlyEffect(leader.history, 'membership-changed').id, 8);
    });
  }

  test('T-04 a request that arrives after all still elects the target', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.hold(1, 2);
    transfer(leader, 2, 7);
    cluster.skip(ELECTION_MAX_MS);
    leader.tick();
    assert.equal(onlyEffect(leader.history, 'transfer-refused').refusal.code, 'transfer-timed-out');
    cluster.release(1, 2);
    cluster.deliver();
    assert.deepEqual([cluster.leader?.id, cluster.leader?.term, leader.role], [2, 2, 'follower']);
  });
});

test('T-08 the voters elect the target at once, although they have just promised not to', () => {
  const options = { electionTimeoutMinMs: 10_000, electionTimeoutMaxMs: 20_000, leaseReads: true };
  const cluster = new CoreCluster({ voters: [1, 2, 3], options });
  const leader = cluster.elect(1);
  cluster.advance(HEARTBEAT_MS);
  const { nowMs } = cluster.clock;
  assert.ok(leader.core.leaseUntilMs() > nowMs);
  // The request reaches the target, and nothing else of the leader reaches anybody.
  cluster.cut(1, 3);
  transfer(leader, 2);
  assert.equal(leader.core.leaseUntilMs(), Number.NEGATIVE_INFINITY);
  cluster.deliver();
  assert.deepEqual([cluster.leader?.id, cluster.clock.nowMs], [2, nowMs]);
  assert.equal(onlyEffect(leader.history, 'transfer-done').id, 1);
});
