import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, ELECTION_MIN_MS, effectsOf, HEARTBEAT_MS, seededRandom } from '../../support/core-kit.ts';

describe('P-08 a node that was cut off', () => {
  const isolateFollower = (preVote: boolean): { cluster: CoreCluster; termBefore: number } => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: { preVote } });
    cluster.elect(1);
    const termBefore = cluster.node(2).term;
    cluster.isolate(2);
    cluster.advance(7 * ELECTION_MAX_MS);
    return { cluster, termBefore };
  };

  test('P-08 a) keeps its term with pre-vote, and follows the same leader when it is back', () => {
    const { cluster, termBefore } = isolateFollower(true);
    assert.equal(cluster.node(2).term, termBefore);
    assert.equal(cluster.node(2).role, 'pre-candidate');
    cluster.heal();
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.deepEqual([cluster.node(1).role, cluster.node(1).term], ['leader', termBefore]);
    assert.equal(cluster.node(2).core.state.leaderId, 1);
  });

  test('P-08 b) comes back with a higher term without pre-vote', () => {
    const { cluster, termBefore } = isolateFollower(false);
    assert.ok(cluster.node(2).term >= termBefore + 7);
    cluster.heal();
    cluster.advance(5 * ELECTION_MAX_MS);
    // It disturbs the leader, but the cluster gets over it.
    assert.ok((cluster.leader?.term ?? 0) > termBefore);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`P-08 c) was the leader: another one is elected in spite of pre-votes (seed ${seed})`, () => {
      const cluster = new CoreCluster({ voters: [1, 2, 3], seed });
      cluster.elect(1);
      cluster.isolate(1);
      cluster.advance(2 * ELECTION_MAX_MS);
      assert.ok(cluster.leader !== null && cluster.leader.id !== 1, 'no new leader within two election timeouts');
      assert.equal(cluster.leader.term, 2);
    });
  }
});

test('P-10 pre-votes are decided by the logs, and change no term', () => {
  const terms = (length: number): number[] => new Array<number>(length).fill(1);
  const hardState = { term: 1, votedFor: 1 };
  const cluster = new CoreCluster({
    voters: [1, 2, 3],
    nodes: {
      1: { logTerms: terms(12), hardState },
      2: { logTerms: terms(12), hardState },
      3: { logTerms: terms(11), hardState },
    },
  });
  cluster.skip(ELECTION_MIN_MS);
  cluster.node(3).campaign();
  cluster.deliverOnce();
  assert.deepEqual(
    [1, 2].map((id) => cluster.underWay('pre-vote-response', id, 3).map(({ granted }) => granted)),
    [[false], [false]],
  );
  cluster.deliver();
  assert.notEqual(cluster.node(3).role, 'leader');
  assert.deepEqual(
    cluster.ids.map((id) => cluster.node(id).term),
    [1, 1, 1],
  );

  cluster.node(2).campaign();
  cluster.deliverOnce();
  assert.deepEqual(
    [1, 3].map((id) => cluster.underWay('pre-vote-response', id, 2).map(({ granted }) => granted)),
    [[true], [true]],
  );
  cluster.deliver();
  assert.deepEqual([cluster.node(2).role, cluster.node(2).term], ['leader', 2]);
});

test('P-12 a pre-candidate behind a broken link does not depose the leader', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.cutBoth(1, 3);
  cluster.node(1).campaign();
  cluster.deliver();
  cluster.node(3).campaign();
  cluster.deliver();
  assert.equal(cluster.node(1).role, 'leader');

  cluster.heal();
  cluster.node(3).campaign();
  cluster.deliver();
  assert.deepEqual(
    cluster.ids.map((id) => {
      const { role, term, lastLogId } = cluster.node(id);
      return [role, term, lastLogId.index];
    }),
    [
      ['leader', 1, 1],
      ['follower', 1, 1],
      ['follower', 1, 0],
    ],
  );
});

test('P-13 inbound heartbeats keep a node from campaigning, also when nothing it sends gets through', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  const mute = cluster.node(2);
  const { hardState } = mute.core.state;
  const before = effectsOf(mute.history, 'role-changed').length;
  cluster.cut(2, 1);
  cluster.cut(2, 3);
  cluster.advance(2 * ELECTION_MAX_MS);
  assert.deepEqual(mute.core.state.hardState, hardState);
  assert.equal(mute.role, 'follower');
  assert.equal(effectsOf(mute.history, 'role-changed').length, before);
  assert.ok(cluster.clock.nowMs - mute.core.state.leaderContactMs <= HEARTBEAT_MS);
});

describe('P-17 a restart counts as contact with the leader', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`P-17 two of three restarted nodes wait before they elect a leader (seed ${seed})`, () => {
      const options = { electionTimeoutMinMs: 3000, electionTimeoutMaxMs: 4000, random: seededRandom(seed) };
      const cluster = new CoreCluster({ voters: [1, 2, 3], options });
      cluster.elect(1);
      cluster.deliver();
      for (const id of [1, 2, 3]) cluster.crash(id);
      for (const id of [2, 3]) cluster.restart(id);

      cluster.advance(1000);
      for (const id of [2, 3]) assert.equal(cluster.node(id).term, 1);
      // Not even a candidate that is in a hurry gets their votes.
      cluster.node(2).campaign();
      cluster.deliver();
      assert.equal(cluster.node(2).term, 1);

      cluster.advance(8000);
      assert.ok(cluster.leader !== null && cluster.leader.term === 2);
    });
  }
});
