/** "Log replication". */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { appendRequest, effectsOf, entriesOf, entryOf, heartbeatRequest } from '../support/core-kit.ts';
import { TestNode } from '../support/core-node.ts';

function follower(logTerms: readonly number[], committed = 0): TestNode {
  return new TestNode({ id: 1, voters: [1, 2, 3], logTerms, committed });
}

test('§5.3 the leader appends a request to its log, and sends it to all others in parallel', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.propose('x');
  assert.deepEqual(leader.logTerms, [1, 1]);
  for (const to of [2, 3]) {
    const [append] = cluster.underWay('append-request', 1, to);
    assert.deepEqual(append?.prevLogId, logId(1, 1));
    assert.deepEqual(append?.entries, leader.entries.slice(1));
  }
});

test('§5.3 an entry is committed once a majority holds it, and applied after that', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  leader.propose('x');
  assert.equal(leader.commitIndex, 1);
  assert.deepEqual(leader.appliedTexts, []);
  cluster.deliver();
  assert.equal(leader.commitIndex, 2);
  assert.deepEqual(leader.appliedTexts, ['x']);
});

test('§5.3 committing an entry commits all that precede it, of earlier leaders too', () => {
  const nodes = { 1: { logTerms: [1, 2] }, 2: { logTerms: [1] } };
  const cluster = new CoreCluster({ voters: [1, 2, 3], nodes });
  const leader = cluster.elect(1);
  cluster.deliver();
  assert.deepEqual(leader.appliedTexts, ['1:1', '2:2']);
  assert.equal(leader.commitIndex, 3);
});

test('§5.3 followers apply what they learn to be committed, in log order', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.propose('a', 'b');
  leader.propose('c');
  cluster.deliver();
  for (const id of [2, 3]) assert.deepEqual(cluster.node(id).appliedTexts, ['a', 'b', 'c']);
});

test('§5.3 the leader retries for as long as it takes until a follower holds everything', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.filter = ({ to, cargo }) =>
    !(to === 3 && cargo.type === 'message' && cargo.message.type === 'append-request');
  leader.propose('x');
  cluster.advance(60_000);
  assert.deepEqual(leader.appliedTexts, ['x']);
  cluster.filter = () => true;
  cluster.advance(300);
  assert.deepEqual(cluster.node(3).appliedTexts, ['x']);
});

describe('§5.3 the consistency check', () => {
  test('§5.3 a follower refuses entries when it lacks the one before them', () => {
    const node = follower([1]);
    node.receive(2, appendRequest(2, { prevLogId: logId(2, 2), entries: entriesOf([2], 3) }));
    assert.deepEqual(node.logTerms, [1]);
    const [answer] = effectsOf(node.history, 'send');
    assert.equal(answer?.message.type === 'append-response' && answer.message.success, false);
  });

  test('§5.3 and when that one is of another term', () => {
    const node = follower([1, 1]);
    node.receive(2, appendRequest(2, { prevLogId: logId(2, 2), entries: entriesOf([2], 3) }));
    assert.ok(!node.entries.some(({ logId: id }) => id.term === 2));
  });

  test('§5.3 it accepts them after an equal entry', () => {
    const node = follower([1, 2]);
    node.receive(2, appendRequest(2, { prevLogId: logId(2, 2), entries: entriesOf([2], 3) }));
    assert.deepEqual(node.logTerms, [1, 2, 2]);
  });

  test('§5.3 it deletes an existing entry that conflicts, and all that follow it', () => {
    const node = follower([1, 1, 1]);
    node.receive(2, appendRequest(2, { prevLogId: logId(1, 1), entries: entriesOf([2], 2) }));
    assert.deepEqual(node.logTerms, [1, 2]);
    assert.deepEqual(node.disk.log.entries, [entryOf(1, 1), entryOf(2, 2)]);
  });

  test('§5.3 it keeps what follows an entry that does not conflict', () => {
    const node = follower([1, 1, 1]);
    node.receive(2, appendRequest(2, { prevLogId: logId(1, 1), entries: entriesOf([1], 2) }));
    assert.deepEqual(node.logTerms, [1, 1, 1]);
  });
});

test('§5.3 figure 2: the commit index of a follower is at most the last entry that it got', () => {
  const node = follower([1, 1, 1]);
  node.receive(2, appendRequest(1, { prevLogId: NO_LOG_ID, entries: entriesOf([1, 1]), commitIndex: 3 }));
  assert.equal(node.commitIndex, 2);
});

test('§5.3 what a follower got from an earlier leader is not committed by the word of a new one', () => {
  const node = follower([]);
  node.receive(2, appendRequest(1, { entries: entriesOf([1, 1, 1]) }));
  node.receive(3, heartbeatRequest(2, { commitIndex: 3 }));
  assert.equal(node.commitIndex, 0);
  // The new leader has another entry at index 3, and says so in time.
  node.receive(3, appendRequest(2, { prevLogId: logId(1, 2), entries: entriesOf([2], 3), commitIndex: 3 }));
  assert.equal(node.commitIndex, 3);
  assert.deepEqual(node.logTerms, [1, 1, 2]);
});

test('§5.3 a faulty leader can not make a hole, nor terms that decrease', () => {
  const node = follower([1, 2]);
  const prevLogId = logId(2, 2);
  const faulty = [
    [entryOf(3, 4)],
    [entryOf(3, 3), entryOf(3, 5)],
    [entryOf(1, 3)],
    [entryOf(3, 3), entryOf(2, 4)],
    [entryOf(4, 3)],
  ];
  for (const entries of faulty) node.receive(2, appendRequest(3, { prevLogId, entries, commitIndex: 9 }));
  assert.deepEqual(node.logTerms, [1, 2]);
  assert.equal(node.commitIndex, 0);
  assert.deepEqual(node.outbox, []);
});

test('§5.3 one refusal is enough to skip all conflicting entries of a term', () => {
  const nodes = {
    1: { logTerms: [1, ...new Array<number>(50).fill(4)] },
    2: { logTerms: [1, ...new Array<number>(99).fill(2)] },
  };
  const cluster = new CoreCluster({ voters: [1, 2], nodes });
  cluster.elect(1);
  cluster.advance(300);
  assert.deepEqual(cluster.node(2).logTerms, cluster.node(1).logTerms);
  const appends = effectsOf(cluster.node(1).history, 'replicate');
  // The end of the log, then everything after what both have.
  assert.deepEqual(
    appends.map(({ prevLogId }) => prevLogId),
    [logId(4, 51), logId(1, 1)],
  );
});

test('§5.3 a leader never overwrites or deletes entries of its own log', () => {
  const cluster = new CoreCluster({
    voters: [1, 2, 3],
    nodes: { 1: { logTerms: [1, 1, 3] }, 2: { logTerms: [1, 2, 2, 2] } },
  });
  const leader = cluster.elect(1);
  cluster.advance(300);
  assert.ok(effectsOf(leader.history, 'persist').every(({ truncateFrom }) => truncateFrom === null));
  assert.deepEqual(leader.logTerms, [1, 1, 3, leader.term]);
  assert.deepEqual(cluster.node(2).logTerms, leader.logTerms);
});

test('§5.3 log matching: the same index and term mean the same entry, and the same before it', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1).propose('a', 'b');
  cluster.isolate(1);
  cluster.node(1).propose('lost');
  cluster.elect(2).propose('c');
  cluster.heal();
  cluster.advance(1000);
  const { entries } = cluster.node(2);
  assert.deepEqual(cluster.node(1).entries, entries);
  assert.deepEqual(cluster.node(3).entries, entries);
});

test('§5.3 (thesis §10.2.1) the leader sends entries before they are on its own disk', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.holdDisk();
  leader.propose('x');
  assert.equal(cluster.underWay('append-request', 1, 2).length, 1);
  cluster.deliver();
  // Two of three hold it: that is a majority without the leader's disk.
  assert.equal(leader.commitIndex, 2);
  assert.equal(leader.disk.log.lastLogId.index, 1);
});

test('§5.3 (thesis §10.2.1) the leader counts itself only when its disk is done', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  leader.holdDisk();
  leader.propose('x');
  cluster.deliver();
  assert.equal(leader.commitIndex, 1);
  leader.releaseDisk();
  assert.equal(leader.commitIndex, 2);
});
