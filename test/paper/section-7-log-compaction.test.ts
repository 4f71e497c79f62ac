/** "Log compaction". */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import type { SnapshotOffer } from '../../src/core/message.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { appendRequest, effectsOf, entriesOf, onlyEffect, snapshotMeta } from '../support/core-kit.ts';
import { TestNode } from '../support/core-node.ts';

/** A snapshot that covers the first entries, all of term 2. */
function offerUpTo(index: number, term = 3): { offer: SnapshotOffer; entries: ReturnType<typeof entriesOf> } {
  const meta = snapshotMeta(logId(2, index), [1, 2, 3]);
  return { offer: { term, session: 1, meta }, entries: entriesOf(new Array<number>(index).fill(2)) };
}

function install(node: TestNode, index: number): void {
  const { offer, entries } = offerUpTo(index);
  node.receiveSnapshot(2, offer, { meta: offer.meta, entries });
}

test('§7 each server snapshots on its own what it has applied, and drops that part of the log', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1).propose('a', 'b');
  cluster.deliver();
  cluster.node(2).buildSnapshot();
  assert.deepEqual(cluster.node(2).logTerms, []);
  assert.deepEqual(cluster.node(2).lastLogId, logId(1, 3));
  assert.deepEqual(cluster.node(1).logTerms, [1, 1, 1]);
});

test('§7 the last included LogId stays known, for the consistency check of the first entry after it', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.propose('a');
  cluster.deliver();
  for (const id of cluster.ids) cluster.node(id).buildSnapshot();
  leader.propose('b');
  cluster.deliver();
  for (const id of cluster.ids) assert.deepEqual(cluster.node(id).appliedTexts, ['a', 'b']);
  assert.deepEqual(effectsOf(leader.history, 'send-snapshot'), []);
});

test('§7 a follower whose next entry was discarded gets the snapshot, then the entries after it', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  leader.propose('a', 'b');
  cluster.deliver();
  leader.buildSnapshot();
  leader.propose('c');
  cluster.deliver();
  cluster.heal();
  cluster.advance(500);
  assert.equal(effectsOf(leader.history, 'send-snapshot').length, 1);
  assert.deepEqual(cluster.node(3).appliedTexts, ['a', 'b', 'c']);
});

describe('§7 a follower that gets a snapshot', () => {
  test('§7 discards its whole log when the snapshot has news', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], logTerms: [1, 1] });
    install(node, 4);
    assert.equal(onlyEffect(node.history, 'install-snapshot').discardLog, true);
    assert.deepEqual(node.logTerms, []);
    assert.deepEqual(node.lastLogId, logId(2, 4));
    assert.equal(node.appliedIndex, 4);
  });

  test('§7 also a longer log that conflicts with it', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], logTerms: [1, 1, 1, 1, 1, 1] });
    install(node, 4);
    assert.equal(onlyEffect(node.history, 'install-snapshot').discardLog, true);
    assert.deepEqual(node.lastLogId, logId(2, 4));
  });

  test('§7 keeps the entries after the snapshot when it covers a prefix of its log', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], logTerms: [2, 2, 2, 2, 2, 2] });
    install(node, 4);
    assert.equal(onlyEffect(node.history, 'install-snapshot').discardLog, false);
    assert.deepEqual(node.logTerms, [2, 2]);
    assert.deepEqual(node.lastLogId, logId(2, 6));
    assert.equal(node.commitIndex, 4);
  });

  test('§7 does not go back to one that is older than what it has committed', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], logTerms: [2, 2, 2, 2], committed: 4 });
    install(node, 3);
    assert.deepEqual(effectsOf(node.history, 'install-snapshot'), []);
    assert.deepEqual(node.logTerms, [2, 2, 2, 2]);
  });

  test('§7 refuses one of an older term', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], hardState: { term: 5, votedFor: null } });
    install(node, 4);
    assert.deepEqual(effectsOf(node.history, 'install-snapshot'), []);
    assert.equal(node.term, 5);
    assert.equal(node.core.state.leaderId, null);
  });

  test('§7 answers only when state, snapshot and log are durable', () => {
    const node = new TestNode({ id: 1, voters: [1, 2, 3], hardState: { term: 3, votedFor: null } });
    node.holdDisk();
    install(node, 4);
    assert.equal(node.outbox.length, 0);
    node.releaseDisk();
    assert.deepEqual(
      node.outbox.map(({ cargo }) => cargo.type === 'message' && cargo.message),
      [{ type: 'snapshot-response', term: 3, session: 1, matchIndex: 4 }],
    );
  });

  test('§7 takes its configuration from it', () => {
    const node = new TestNode({ id: 1 });
    assert.equal(node.role, 'learner');
    install(node, 4);
    assert.deepEqual(node.core.state.membership.effective.membership.configs, [[1, 2, 3]]);
    assert.equal(node.role, 'follower');
  });
});

test('§7 an append from before the snapshot does no harm', () => {
  const node = new TestNode({ id: 1, voters: [1, 2, 3] });
  install(node, 4);
  node.receive(2, appendRequest(3, { prevLogId: logId(2, 1), entries: entriesOf([2, 2], 2) }));
  assert.deepEqual(node.lastLogId, logId(2, 4));
  assert.deepEqual(node.logTerms, []);
});
