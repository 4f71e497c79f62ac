/** Own snapshots: what of the log goes with them, and what must stay. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogIndex } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { effectsOf, onlyEffect } from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';

const indexesOf = (node: TestNode): LogIndex[] => node.entries.map((entry) => entry.logId.index);

function write(node: TestNode, count: number): void {
  for (let number = 0; number < count; number += 1) assert.equal(node.propose(`x${number}`).accepted, 1);
}

describe('a snapshot purges the log before it', () => {
  for (const { keep, left } of [
    { keep: 2, left: [10, 11] },
    { keep: 0, left: [] },
    { keep: 100, left: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
  ]) {
    test(`S-09 keep ${keep} leaves ${left.length} entries`, () => {
      const cluster = new CoreCluster({ voters: [1], learners: [2], options: { maxInSnapshotLogToKeep: keep } });
      const leader = cluster.elect(1);
      write(leader, 10);
      cluster.deliver();
      leader.buildSnapshot();
      assert.deepEqual(indexesOf(leader), left);
      assert.deepEqual(leader.disk.log.entries, leader.entries);
      assert.deepEqual(leader.lastLogId, logId(1, 11));
    });
  }

  test('S-09 entries that it does not cover are never purged', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    write(leader, 3);
    cluster.deliver();
    leader.holdApply();
    write(leader, 3);
    cluster.deliver();
    assert.equal(leader.commitIndex, 7);
    leader.buildSnapshot();
    assert.deepEqual(indexesOf(leader), [5, 6, 7]);
  });

  test('S-09 neither are entries that a peer needs after the snapshot it is receiving', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    write(leader, 3);
    cluster.deliver();
    const sent = leader.buildSnapshot();
    cluster.heal();
    cluster.filter = ({ cargo }) => cargo.type !== 'offer';
    cluster.advance(500);
    assert.equal(effectsOf(leader.history, 'send-snapshot').length, 1);
    write(leader, 3);
    cluster.deliver();
    const { lastLogId } = leader.buildSnapshot();
    assert.deepEqual([sent.lastLogId.index, lastLogId.index], [4, 7]);
    assert.deepEqual(indexesOf(leader), [5, 6, 7]);
  });
});

describe('a purge on request', () => {
  const keepAll = { maxInSnapshotLogToKeep: 1000 };

  test('S-11 goes as far as asked, and never beyond the snapshot', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: keepAll });
    const leader = cluster.elect(1);
    write(leader, 10);
    cluster.deliver();
    leader.buildSnapshot();
    write(leader, 10);
    cluster.deliver();
    assert.equal(leader.core.state.log.firstIndex, 1);

    const purge = (upToIndex: LogIndex) => onlyEffect(leader.step({ type: 'purge', upToIndex }), 'purge').upTo;
    assert.deepEqual(purge(5), logId(1, 5));
    assert.deepEqual(purge(11), logId(1, 11));
    assert.deepEqual(effectsOf(leader.step({ type: 'purge', upToIndex: 21 }), 'purge'), []);
    assert.deepEqual(effectsOf(leader.step({ type: 'purge', upToIndex: 3 }), 'purge'), []);
    assert.deepEqual(indexesOf(leader), [12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  });

  test('S-11 beyond the snapshot stops at it', () => {
    const cluster = new CoreCluster({ voters: [1], options: keepAll });
    const leader = cluster.elect(1);
    write(leader, 10);
    leader.buildSnapshot();
    write(leader, 10);
    const effects = leader.step({ type: 'purge', upToIndex: 21 });
    assert.deepEqual(onlyEffect(effects, 'purge').upTo, logId(1, 11));
  });

  test('S-11 without a snapshot does nothing', () => {
    assert.deepEqual(new TestNode().step({ type: 'purge', upToIndex: 1 }), []);
    const cluster = new CoreCluster({ voters: [1] });
    const leader = cluster.elect(1);
    write(leader, 3);
    assert.deepEqual(leader.step({ type: 'purge', upToIndex: 2 }), []);
    assert.deepEqual(indexesOf(leader), [1, 2, 3, 4]);
  });
});
