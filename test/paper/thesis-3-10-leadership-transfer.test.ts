/** Thesis, "Leadership transfer extension". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { ELECTION_MAX_MS, ELECTION_MIN_MS, effectsOf, onlyEffect, voteRequest } from '../support/core-kit.ts';

test('thesis §3.10 the prior leader stops accepting requests', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(2);
  leader.propose('before');
  leader.step({ type: 'transfer', id: 1, to: 2 });
  assert.deepEqual(leader.propose('x').refusal, { code: 'transfer-in-progress', to: 2 });
  leader.change(2, { type: 'remove-voters', ids: [3] });
  assert.equal(onlyEffect(leader.history, 'membership-refused').refusal.code, 'transfer-in-progress');
});

test('thesis §3.10 the target is told only once it holds the whole log', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.hold(1, 2);
  leader.propose('x');
  cluster.deliver();
  leader.step({ type: 'transfer', id: 1, to: 2 });
  assert.deepEqual(cluster.underWay('timeout-now'), []);
  cluster.release(1, 2);
  cluster.deliver();
  assert.equal(cluster.node(2).role, 'leader');
  assert.deepEqual(cluster.node(2).appliedTexts, ['x']);
});

test('thesis §3.10 the target campaigns at once, in the next term, without a pre-vote', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1).step({ type: 'transfer', id: 1, to: 2 });
  cluster.deliverOnce();
  assert.deepEqual([cluster.node(2).role, cluster.node(2).term], ['candidate', 2]);
  assert.deepEqual(cluster.underWay('vote-request', 2, 3), [voteRequest(2, logId(1, 1), true)]);
});

test('thesis §3.10 the voters grant that election although their leader is alive', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  const { nowMs } = cluster.clock;
  leader.step({ type: 'transfer', id: 9, to: 2 });
  cluster.deliver();
  assert.deepEqual([cluster.node(2).role, cluster.clock.nowMs], ['leader', nowMs]);
  assert.deepEqual(effectsOf(leader.history, 'transfer-done'), [{ type: 'transfer-done', id: 9 }]);
});

test('thesis §3.10 after an election timeout it is given up, and the prior leader goes on', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(2);
  leader.propose('missed by 2');
  cluster.deliver();
  leader.step({ type: 'transfer', id: 9, to: 2 });
  cluster.advance(ELECTION_MAX_MS);
  const { id, refusal } = onlyEffect(leader.history, 'transfer-refused');
  assert.deepEqual([id, refusal], [9, { code: 'transfer-timed-out', to: 2 }]);
  assert.equal(leader.propose('x').accepted, 1);
  cluster.deliver();
  assert.deepEqual(cluster.node(3).appliedTexts, ['missed by 2', 'x']);
});

test('thesis §3.10 a leader chooses the most complete voter by itself', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(2);
  leader.propose('x');
  cluster.deliver();
  leader.step({ type: 'transfer', id: 1, to: null });
  cluster.deliver();
  assert.equal(cluster.node(3).role, 'leader');
});

test('thesis §3.10 a request to take over from an older term is ignored', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.elect(2);
  cluster.node(3).receive(1, { type: 'timeout-now', term: 1 });
  assert.equal(cluster.node(3).role, 'follower');
  assert.ok(cluster.node(3).core.deadlineMs >= cluster.clock.nowMs + ELECTION_MIN_MS);
});
