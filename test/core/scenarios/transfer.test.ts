/** Leadership transfer, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, effectsOf, HEARTBEAT_MS, nodesOf } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

type Outcome = Extract<Effect, { type: 'transfer-done' | 'transfer-refused' }>;

function outcomesOf(effects: readonly Effect[]): Outcome[] {
  return [...effectsOf(effects, 'transfer-done'), ...effectsOf(effects, 'transfer-refused')];
}

function transfer(node: TestNode, id: number, to: NodeId | null): Outcome[] {
  return outcomesOf(node.step({ type: 'transfer', id, to }));
}

describe('T-01 a transfer', () => {
  test('takes about one round trip, and works both ways', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const first = cluster.elect(1);
    const { nowMs } = cluster.clock;
    transfer(first, 1, 2);
    cluster.deliver();
    assert.equal(cluster.leader?.id, 2);
    assert.equal(cluster.node(2).term, first.term);
    assert.equal(cluster.clock.nowMs, nowMs, 'no timeout passed');
    assert.deepEqual(outcomesOf(first.history), [{ type: 'transfer-done', id: 1 }]);
    cluster.node(2).propose('x');
    cluster.deliver();
    transfer(cluster.node(2), 2, 1);
    cluster.deliver();
    assert.equal(cluster.leader?.id, 1);
    assert.equal(cluster.node(2).role, 'follower');
  });
});

describe('T-02 the target', () => {
  test('is brought up to date first', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    leader.propose('x');
    cluster.deliver();
    cluster.heal();
    transfer(leader, 1, 3);
    cluster.advance(500);
    assert.equal(cluster.leader?.id, 3);
    assert.deepEqual(cluster.node(3).appliedTexts, ['x']);
  });

  test('gets a snapshot first when the log does not reach back', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    leader.propose('x');
    cluster.deliver();
    leader.buildSnapshot();
    cluster.heal();
    transfer(leader, 1, 3);
    cluster.advance(500);
    assert.equal(effectsOf(cluster.node(3).history, 'install-snapshot').length, 1);
    assert.equal(cluster.leader?.id, 3);
    assert.deepEqual(cluster.node(3).appliedTexts, ['x']);
  });

  test('is the voter that holds most of the log, when the leader may choose', () => {
    const node = new SoloCore({ voters: [1, 2, 3, 4], learners: [5] });
    node.becomeSettledLeader();
    node.propose('x');
    for (const peer of [3, 5]) node.acknowledge(peer);
    const effects = node.step({ type: 'transfer', id: 1, to: null });
    assert.deepEqual(
      effectsOf(effects, 'send').map(({ to, message }) => [to, message.type]),
      [[3, 'timeout-now']],
    );
  });
});

describe('T-03 a transfer is', () => {
  test('done at once when the target leads already', () => {
    const leader = new CoreCluster({ voters: [1, 2, 3] }).elect(1);
    assert.deepEqual(transfer(leader, 1, 1), [{ type: 'transfer-done', id: 1 }]);
    assert.equal(leader.role, 'leader');
    assert.equal(leader.propose('x').accepted, 1);
  });

  test('refused to who is no voter', () => {
    const leader = new CoreCluster({ voters: [1, 2, 3], learners: [5] }).elect(1);
    for (const to of [4, 5]) {
      assert.deepEqual(transfer(leader, to, to), [
        { type: 'transfer-refused', id: to, refusal: { code: 'not-a-voter', to } },
      ]);
    }
    assert.equal(leader.role, 'leader');
    assert.equal(leader.propose('x').accepted, 1);
  });

  test('refused by a follower, and without anybody to choose', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    cluster.elect(1);
    const [refused] = transfer(cluster.node(2), 1, 3);
    assert.equal(refused?.type === 'transfer-refused' && refused.refusal.code, 'not-leader');
    const alone = new CoreCluster({ voters: [1] }).elect(1);
    const [without] = transfer(alone, 1, null);
    assert.equal(without?.type === 'transfer-refused' && without.refusal.code, 'no-target');
  });
});

describe('T-04 while a transfer is under way', () => {
  test('a target that can not be reached ends it at once', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    leader.propose('before');
    transfer(leader, 1, 2);
    const effects = leader.step({ type: 'peer-unreachable', peer: 2 });
    assert.deepEqual(effectsOf(effects, 'transfer-refused'), [
      { type: 'transfer-refused', id: 1, refusal: { code: 'transfer-timed-out', to: 2 } },
    ]);
    assert.equal(leader.role, 'leader');
    assert.equal(leader.propose('after').accepted, 1);
  });

  test('nothing is accepted; when it fails the leader goes on', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    leader.propose('before');
    transfer(leader, 1, 2);
    const inProgress = { code: 'transfer-in-progress', to: 2 };
    assert.deepEqual(leader.propose('meanwhile').refusal, inProgress);
    const [refusedChange] = effectsOf(
      leader.change(2, { type: 'add-nodes', nodes: nodesOf([4]) }),
      'membership-refused',
    );
    assert.deepEqual(refusedChange?.refusal, inProgress);
    const [second] = transfer(leader, 3, 3);
    assert.deepEqual(second?.type === 'transfer-refused' && second.refusal, inProgress);

    cluster.advance(ELECTION_MAX_MS + HEARTBEAT_MS);
    assert.deepEqual(
      outcomesOf(leader.history).filter(({ id }) => id === 1),
      [{ type: 'transfer-refused', id: 1, refusal: { code: 'transfer-timed-out', to: 2 } }],
    );
    assert.equal(leader.role, 'leader');
    assert.equal(leader.propose('after').accepted, 1);
    cluster.deliver();
    assert.deepEqual(cluster.node(3).appliedTexts, ['before', 'after']);
  });

  test('and the request is lost, it is given up after an election timeout, not before', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    transfer(leader, 1, 2);
    assert.equal(cluster.underWay('timeout-now', 1, 2).length, 1);
    cluster.advance(ELECTION_MAX_MS - 1);
    assert.deepEqual(outcomesOf(leader.history), []);
    assert.equal(leader.propose('meanwhile').refusal?.code, 'transfer-in-progress');
    cluster.advance(1);
    const refusal = { code: 'transfer-timed-out', to: 2 } as const;
    assert.deepEqual(outcomesOf(leader.history), [{ type: 'transfer-refused', id: 1, refusal }]);
    assert.equal(leader.propose('after').accepted, 1);
    assert.deepEqual([leader.role, leader.term], ['leader', 1]);
  });

  test('and the request arrives too late, the target is elected all the same', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.hold(1, 2);
    transfer(leader, 1, 2);
    cluster.skip(ELECTION_MAX_MS);
    leader.tick();
    const refusal = { code: 'transfer-timed-out', to: 2 } as const;
    assert.deepEqual(outcomesOf(leader.history), [{ type: 'transfer-refused', id: 1, refusal }]);
    cluster.release(1, 2);
    cluster.deliver();
    assert.equal(cluster.leader?.id, 2);
    assert.equal(leader.role, 'follower');
  });

  test('the take-over request is sent once, and after it no lease is given', () => {
    const node = new SoloCore({ voters: [1, 2, 3] }, { leaseReads: true });
    node.becomeSettledLeader();
    node.beat(2);
    assert.ok(node.core.leaseUntilMs() > 0);
    const first = node.step({ type: 'transfer', id: 1, to: 2 });
    const later = node.acknowledge(3);
    const sent = effectsOf([...first, ...later], 'send').filter(({ message }) => message.type === 'timeout-now');
    assert.deepEqual(
      sent.map(({ to }) => to),
      [2],
    );
    assert.equal(node.core.leaseUntilMs(), Number.NEGATIVE_INFINITY);
  });

  test('losing the leadership before it is handed over answers the caller', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.propose('x');
    node.step({ type: 'transfer', id: 1, to: 2 });
    const effects = node.step({ type: 'step-down' });
    assert.deepEqual(outcomesOf(effects), [
      { type: 'transfer-refused', id: 1, refusal: { code: 'transfer-timed-out', to: 2 } },
    ]);
  });
});

test('T-08 the vote requests of a transfer override the lease of the voters', () => {
  const options = { electionTimeoutMinMs: 10_000, electionTimeoutMaxMs: 20_000 };
  const cluster = new CoreCluster({ voters: [1, 2, 3], options });
  const leader = cluster.elect(1);
  cluster.advance(200);
  cluster.node(2).receive(1, { type: 'timeout-now', term: leader.term });
  cluster.deliver();
  assert.equal(cluster.leader?.id, 2);
});
