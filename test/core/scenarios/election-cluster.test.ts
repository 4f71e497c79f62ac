import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, ELECTION_MIN_MS, effectsOf, entryOf, membershipOf } from '../../support/core-kit.ts';

describe('E-07 the newer last term wins over the longer log', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`E-07 only the node with the newer log can become leader (seed ${seed})`, () => {
      const voters = membershipOf([1, 2]);
      const hardState = { term: 10, votedFor: 1 };
      const first = membershipEntry(logId(0, 1), 0, voters);
      const cluster = new CoreCluster({
        voters: [],
        seed,
        nodes: {
          1: { hardState, entries: [first, membershipEntry(logId(2, 2), 0, voters)] },
          2: { hardState, entries: [first, membershipEntry(logId(1, 2), 0, voters), entryOf(1, 3)] },
        },
      });
      cluster.advance(2 * ELECTION_MAX_MS);
      assert.equal(cluster.node(1).role, 'leader');
      const roles = effectsOf(cluster.node(2).history, 'role-changed').map(({ role }) => role);
      assert.ok(!roles.includes('leader'));
      const { term } = cluster.node(1);
      assert.deepEqual(cluster.node(1).logTerms, [0, 2, term]);
      assert.deepEqual(cluster.node(2).entries, cluster.node(1).entries);
      assert.equal(cluster.node(2).commitIndex, 3);
    });
  }
});

test('E-14 a candidate that was cut off concedes to the leader that was elected meanwhile', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], options: { preVote: false } });
  cluster.isolate(1);
  cluster.node(1).campaign();
  cluster.deliver();
  assert.deepEqual([cluster.node(1).role, cluster.node(1).term], ['candidate', 1]);
  cluster.node(3).campaign();
  cluster.deliver();
  assert.deepEqual([cluster.node(3).role, cluster.node(3).term], ['leader', 1]);

  cluster.heal();
  cluster.node(3).propose('x');
  cluster.advance(300);
  assert.deepEqual([cluster.node(1).role, cluster.node(1).term], ['follower', 1]);
  for (const node of cluster.nodes.values()) {
    assert.deepEqual(node.logTerms, [1, 1]);
    assert.equal(node.commitIndex, 2);
    assert.deepEqual(node.appliedTexts, ['x']);
  }
});

test('E-15 a) the only voter becomes leader at once, and sends nothing', () => {
  const cluster = new CoreCluster({ voters: [1] });
  cluster.node(1).campaign();
  assert.equal(cluster.node(1).role, 'leader');
  assert.equal(cluster.node(1).commitIndex, 1);
  assert.deepEqual(cluster.node(1).outbox, []);
});

test('E-15 b) leaders come and go: each campaigner wins, in terms 1, 2 and 3', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  for (const id of [1, 2, 3]) {
    cluster.elect(id);
    const roles = cluster.ids.map((other) => [cluster.node(other).role, cluster.node(other).term]);
    const expected = cluster.ids.map((other) => [other === id ? 'leader' : 'follower', id]);
    assert.deepEqual(roles, expected);
  }
});

test('E-19 an election on a leader is ignored', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  assert.deepEqual(leader.campaign(), []);
  cluster.advance(500);
  assert.deepEqual([leader.role, leader.term], ['leader', 1]);
  for (const id of [2, 3]) assert.equal(cluster.node(id).core.state.leaderId, 1);
  leader.propose('x');
  cluster.deliver();
  for (const node of cluster.nodes.values()) assert.deepEqual(node.appliedTexts, ['x']);
});

test('E-20 a follower seizes leadership once the lease of the isolated leader is over', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3, 4, 5] });
  const off = { type: 'switch', tick: true, heartbeat: true, elect: false } as const;
  for (const node of cluster.nodes.values()) node.step(off);
  cluster.elect(1);
  cluster.isolate(1);

  cluster.node(2).campaign();
  cluster.deliver();
  assert.notEqual(cluster.node(2).role, 'leader');

  cluster.advance(ELECTION_MAX_MS + 1);
  cluster.node(2).campaign();
  cluster.deliver();
  assert.deepEqual([cluster.node(2).role, cluster.node(2).term], ['leader', 2]);
  for (const id of [2, 3, 4, 5]) {
    assert.deepEqual(cluster.node(id).logTerms, [1, 2]);
    assert.equal(cluster.node(id).appliedIndex, 2);
  }

  cluster.heal();
  cluster.advance(ELECTION_MIN_MS);
  assert.equal(cluster.node(1).core.state.leaderId, 2);
  assert.deepEqual(cluster.node(1).logTerms, [1, 2]);
  assert.equal(cluster.node(1).appliedIndex, 2);
  assert.deepEqual([cluster.node(2).role, cluster.node(2).term], ['leader', 2]);
});
