/** "Client interaction". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { effectsOf, nodesOf } from '../support/core-kit.ts';

test('§8 who is not leader refuses a request, and names the leader', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  const { accepted, refusal } = cluster.node(2).propose('x');
  assert.equal(accepted, 0);
  assert.deepEqual(refusal, { code: 'not-leader', leaderId: 1, leaderNode: nodesOf([1]).get(1) });
  assert.deepEqual(cluster.node(2).logTerms, [1]);
});

test('§8 a leader commits a blank entry at the start of its term', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  assert.deepEqual(
    leader.entries.map(({ logId: id, kind }) => [id, kind]),
    [[logId(1, 1), 'blank']],
  );
  cluster.deliver();
  assert.equal(leader.commitIndex, 1);
});

test('§8 blank entries are never shown to the state machine', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1).propose('x');
  cluster.deliver();
  assert.deepEqual(cluster.node(2).appliedTexts, ['x']);
  assert.equal(cluster.node(2).appliedIndex, 2);
});

test('§8 a read is answered only after heartbeats with a majority', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  const before = leader.history.length;
  leader.step({ type: 'read', id: 5, policy: 'read-index' });
  assert.deepEqual(effectsOf(leader.history.slice(before), 'read-granted'), []);
  cluster.deliver();
  assert.deepEqual(effectsOf(leader.history.slice(before), 'read-granted'), [
    { type: 'read-granted', id: 5, readLogId: logId(1, 1), leaseUntilMs: null },
  ]);
});

test('§8 a deposed leader never answers a read', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const old = cluster.elect(1);
  cluster.isolate(1);
  cluster.elect(2).propose('x');
  cluster.deliver();
  old.step({ type: 'read', id: 5, policy: 'read-index' });
  cluster.heal();
  cluster.advance(1000);
  assert.deepEqual(effectsOf(old.history, 'read-granted'), []);
  assert.equal(effectsOf(old.history, 'read-refused').length, 1);
});
