/** Thesis, "Processing read-only queries more efficiently" (§6.4) and leases (§6.4.1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import { logId } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { ELECTION_MIN_MS, effectsOf, HEARTBEAT_MS, heartbeatRequest } from '../support/core-kit.ts';
import { TestNode } from '../support/core-node.ts';

function grants(node: TestNode): Extract<Effect, { type: 'read-granted' }>[] {
  return effectsOf(node.history, 'read-granted');
}

function refusals(node: TestNode): [number, string][] {
  return effectsOf(node.history, 'read-refused').map(({ id, refusal }) => [id, refusal.code]);
}

describe('thesis §6.4 read index', () => {
  test('thesis §6.4 the read index is the commit index when the request came', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    leader.propose('x');
    cluster.deliver();
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    leader.propose('y');
    cluster.deliver();
    assert.deepEqual(
      grants(leader).map(({ id, readLogId }) => [id, readLogId]),
      [[1, logId(1, 2)]],
    );
  });

  test('thesis §6.4 before its own first commit a leader names its blank entry', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    cluster.elect(1);
    cluster.filter = ({ cargo }) => !(cargo.type === 'message' && cargo.message.type === 'append-request');
    const leader = cluster.elect(2);
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    cluster.deliver();
    assert.equal(leader.commitIndex, 1);
    assert.deepEqual(
      grants(leader).map(({ readLogId }) => readLogId),
      [logId(2, 2)],
    );
  });

  test('thesis §6.4 an answer to an earlier round does not confirm a later read', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.advance(HEARTBEAT_MS - 1);
    leader.step({ type: 'heartbeat' });
    cluster.deliverOnce();
    // The answers of the round before are under way when the read comes.
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    cluster.deliverOnce(({ to }) => to === 1);
    assert.deepEqual(grants(leader), []);
    cluster.deliver();
    assert.equal(grants(leader).length, 1);
  });

  test('thesis §6.4 reads that come while a round is under way share the next one', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    const before = leader.history.length;
    for (const id of [1, 2, 3, 4, 5]) leader.step({ type: 'read', id, policy: 'read-index' });
    cluster.deliver();
    assert.equal(grants(leader).length, 5);
    const rounds = new Set(
      effectsOf(leader.history.slice(before), 'send').flatMap(({ message }) =>
        message.type === 'heartbeat-request' ? [message.round] : [],
      ),
    );
    assert.equal(rounds.size, 2);
  });

  test('thesis §6.4 the only voter needs to ask nobody', () => {
    const cluster = new CoreCluster({ voters: [1] });
    const leader = cluster.elect(1);
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    assert.equal(grants(leader).length, 1);
  });

  test('thesis §6.4 without a quorum a read fails, within a heartbeat interval', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(1);
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    cluster.advance(HEARTBEAT_MS);
    assert.deepEqual(refusals(leader), [[1, 'quorum-not-enough']]);
  });

  test('thesis §6.4 a leader that is deposed refuses the reads that wait', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    leader.step({ type: 'read', id: 2, policy: 'read-index' });
    leader.receive(2, heartbeatRequest(7));
    assert.deepEqual(refusals(leader), [
      [1, 'not-leader'],
      [2, 'not-leader'],
    ]);
  });
});

describe('thesis §6.4.1 leases', () => {
  const options = { leaseReads: true, clockDriftBound: 0.1 };
  const leaseMs = ELECTION_MIN_MS * 0.9;

  test('thesis §6.4.1 a read within the lease is granted without a message', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options });
    const leader = cluster.elect(1);
    cluster.deliver();
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.deepEqual(cluster.underWay('heartbeat-request'), []);
    assert.deepEqual(grants(leader), [
      { type: 'read-granted', id: 1, readLogId: logId(1, 1), leaseUntilMs: cluster.clock.nowMs + leaseMs },
    ]);
  });

  test('thesis §6.4.1 the lease starts when the round was sent, and is shortened by the drift', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options });
    const leader = cluster.elect(1);
    cluster.deliver();
    const sentMs = cluster.clock.nowMs;
    leader.step({ type: 'heartbeat' });
    cluster.skip(200);
    cluster.deliver();
    assert.equal(leader.core.leaseUntilMs(), sentMs + leaseMs);
    cluster.skip(leaseMs - 200 - 1);
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.equal(grants(leader).length, 1);
    cluster.skip(1);
    leader.step({ type: 'read', id: 2, policy: 'lease' });
    assert.deepEqual(refusals(leader), [[2, 'lease-expired']]);
  });

  test('thesis §6.4.1 nobody else can be elected while the lease holds', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: { ...options, preVote: false } });
    const leader = cluster.elect(1);
    cluster.deliver();
    cluster.isolate(1);
    cluster.skip(leaseMs - 1);
    cluster.node(2).campaign();
    cluster.node(3).receive(2, { type: 'vote-request', term: 2, lastLogId: logId(1, 1), transfer: false });
    cluster.deliver();
    assert.equal(cluster.node(3).term, 1);
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.equal(grants(leader).length, 1);
  });

  test('thesis §6.4.1 a transfer ends the lease, since its election does not wait for it', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options });
    const leader = cluster.elect(1);
    cluster.deliver();
    leader.step({ type: 'transfer', id: 1, to: 2 });
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.deepEqual(refusals(leader), [[1, 'lease-expired']]);
  });

  test('thesis §6.4.1 a new leader has none before its first commit', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options });
    cluster.filter = ({ cargo }) => !(cargo.type === 'message' && cargo.message.type === 'append-request');
    const leader = cluster.elect(1);
    cluster.advance(500);
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.deepEqual(refusals(leader), [[1, 'lease-expired']]);
  });

  test('thesis §6.4.1 a follower confirms nothing in a term that it could forget', () => {
    const node = new TestNode({ id: 3, voters: [1, 2, 3] });
    node.holdDisk();
    node.receive(1, heartbeatRequest(1));
    node.receive(1, heartbeatRequest(1, { round: 2 }));
    assert.deepEqual(node.outbox, []);
    node.releaseDisk();
    assert.equal(node.outbox.length, 2);
    // Later ones wait for nothing.
    node.holdDisk();
    node.receive(1, heartbeatRequest(1, { round: 3 }));
    assert.equal(node.outbox.length, 3);
  });

  test('thesis §6.4.1 leases are off unless switched on', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.deliver();
    leader.step({ type: 'read', id: 1, policy: 'lease' });
    assert.deepEqual(refusals(leader), [[1, 'lease-reads-disabled']]);
  });
});
