/** What is left of the log, and what is in use of it, next to a snapshot. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { LogId, LogIndex, NodeId } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { SnapshotOffer } from '../../../src/core/message.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, effectsOf, entriesOf, membershipOf, onlyEffect } from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

const indexesOf = (node: TestNode): LogIndex[] => node.entries.map((entry) => entry.logId.index);

/** Its membership came with the first entry. */
function offerOf(lastLogId: LogId, voters: readonly NodeId[]): SnapshotOffer {
  const id = `snapshot-${lastLogId.term}-${lastLogId.index}`;
  const membership = { logId: logId(1, 1), membership: membershipOf(voters) };
  return { term: lastLogId.term, session: 1, meta: { id, lastLogId, lastTimeMs: 0, membership } };
}

function install(node: TestNode, from: NodeId, offer: SnapshotOffer): void {
  const { term, index } = offer.meta.lastLogId;
  node.receiveSnapshot(from, offer, { meta: offer.meta, entries: entriesOf(new Array<number>(index).fill(term)) });
}

describe('an own snapshot', () => {
  test('S-09 purges nothing that it does not cover, though it is committed', () => {
    const leader = new CoreCluster({ voters: [1] }).elect(1);
    for (const text of ['a', 'b', 'c']) leader.propose(text);
    leader.holdApply();
    for (const text of ['d', 'e', 'f']) leader.propose(text);
    assert.equal(leader.commitIndex, 7);
    leader.buildSnapshot();
    assert.deepEqual(indexesOf(leader), [5, 6, 7]);
    assert.deepEqual(leader.disk.log.entries, leader.entries);
  });

  test('S-11 is purged to in steps, never backwards', () => {
    const leader = new CoreCluster({ voters: [1], options: { maxInSnapshotLogToKeep: 1000 } }).elect(1);
    for (let number = 0; number < 10; number += 1) leader.propose(`${number}`);
    leader.buildSnapshot();
    leader.propose('not covered');
    assert.deepEqual(effectsOf(leader.step({ type: 'purge', upToIndex: 5 }), 'purge'), [
      { type: 'purge', upTo: logId(1, 5) },
    ]);
    assert.deepEqual(leader.step({ type: 'purge', upToIndex: 3 }), []);
    assert.deepEqual(indexesOf(leader), [6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('an installed snapshot', () => {
  test('S-18 leaves nothing of a log that differs, on the disk and after a restart', () => {
    const entries: Entry[] = entriesOf([0, ...new Array<number>(11).fill(1)]);
    entries[2] = membershipEntry(logId(1, 3), 0, membershipOf([3, 4]));
    entries[11] = membershipEntry(logId(1, 12), 0, membershipOf([5, 6]));
    const node = new TestNode({ id: 2, entries, committed: 3 });
    const offer = offerOf(logId(5, 10), [1]);
    assert.equal(node.receiveOffer(1, offer), true);
    install(node, 1, offer);
    assert.deepEqual([node.disk.log.entries, node.disk.log.purged], [[], logId(5, 10)]);
    assert.equal(node.disk.snapshot?.meta.id, offer.meta.id);
    node.restart();
    assert.deepEqual([node.lastLogId, node.commitIndex], [logId(5, 10), 10]);
    assert.deepEqual(node.core.state.membership.effective.membership.configs, [[1]]);
  });

  test('S-20 leaves a membership in use that follows it in an equal log', () => {
    const entries = entriesOf([2, 2, 2, 3, 4, 4, 4], 2);
    entries[6] = membershipEntry(logId(4, 8), 0, membershipOf([1, 2, 3, 4]));
    const node = new TestNode({ voters: [1, 2, 3], purged: logId(2, 1), entries, committed: 5 });
    install(node, 2, offerOf(logId(4, 6), [1, 2, 3]));
    assert.deepEqual(indexesOf(node), [7, 8]);
    const { committed, effective } = node.core.state.membership;
    assert.deepEqual([committed.logId, effective.logId], [logId(1, 1), logId(4, 8)]);
    assert.deepEqual(effective.membership.configs, [[1, 2, 3, 4]]);
  });

  test('S-31 lets nobody start a campaign before it is in place', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.isDiskSlow = true;
    node.receiveSnapshot(2, offerOf(logId(11, 11), [1, 2, 3]));
    assert.equal(node.core.deadlineMs, Number.POSITIVE_INFINITY);
    assert.deepEqual(node.tickAt(10 * ELECTION_MAX_MS), []);
    assert.deepEqual(node.step({ type: 'elect' }), []);
    assert.deepEqual(node.receive(2, { type: 'timeout-now', term: 11 }), []);
    node.flushDisk();
    assert.equal(onlyEffect(node.step({ type: 'elect' }), 'role-changed').role, 'pre-candidate');
  });
});
