/** Peers that the log no longer reaches: they get a snapshot, then what comes after it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { LogIndex } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import { learnerIds } from '../../../src/core/membership/membership.ts';
import type { CoreOptions } from '../../../src/core/options.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { appendResponse, effectsOf, entryOf, membershipOf, nodesOf, onlyEffect } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

const indexesOf = (node: TestNode): LogIndex[] => node.entries.map((entry) => entry.logId.index);

function write(node: TestNode, count: number): void {
  for (let number = 0; number < count; number += 1) assert.equal(node.propose(`x${number}`).accepted, 1);
}

test('S-01 a new learner is fed by the snapshot, and its log holds only what comes after it', () => {
  const first: Entry = membershipEntry(logId(0, 1), 0, membershipOf([1]));
  const cluster = new CoreCluster({
    voters: [1],
    nodes: {
      1: { entries: [first], hardState: { term: 0, votedFor: null } },
      2: { voters: [], entries: [first, entryOf(1, 2)], hardState: { term: 1, votedFor: null } },
    },
    options: { maxInSnapshotLogToKeep: 2 },
  });
  const leader = cluster.elect(1);
  write(leader, 48);
  assert.deepEqual(leader.buildSnapshot().lastLogId, logId(1, 50));
  leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
  cluster.advance(500);
  leader.propose('last');
  cluster.deliver();

  const learner = cluster.node(2);
  assert.equal(onlyEffect(learner.history, 'install-snapshot').meta.id, leader.disk.snapshot?.meta.id);
  assert.deepEqual(indexesOf(learner), [51, 52]);
  assert.deepEqual(indexesOf(leader), [49, 50, 51, 52]);
  assert.deepEqual(learner.applied, leader.applied);
});

test('S-15 a follower that was away gets the newest snapshot, and has an empty log after it', () => {
  const cluster = new CoreCluster({ voters: [1], learners: [2], options: { maxInSnapshotLogToKeep: 2 } });
  const leader = cluster.elect(1);
  write(leader, 10);
  cluster.deliver();
  leader.buildSnapshot();
  cluster.isolate(2);
  write(leader, 5);
  cluster.deliver();
  const { id, lastLogId } = leader.buildSnapshot();
  cluster.heal();
  cluster.advance(500);

  const learner = cluster.node(2);
  assert.equal(onlyEffect(learner.history, 'install-snapshot').meta.id, id);
  assert.deepEqual(learner.entries, []);
  assert.deepEqual([learner.lastLogId, learner.core.state.log.purged], [lastLogId, lastLogId]);
  assert.deepEqual(learner.applied, leader.applied);
  assert.deepEqual(indexesOf(leader), [15, 16]);
});

test('S-16 a snapshot overrides a membership that was appended but never committed', () => {
  // Node 2 once heard of {3,4} from a leader of term 1, whose entry nobody else has.
  const cluster = new CoreCluster({
    voters: [1],
    nodes: {
      1: {
        entries: [membershipEntry(logId(0, 1), 0, membershipOf([1]))],
        hardState: { term: 1, votedFor: null },
        committed: 1,
      },
      2: { voters: [], entries: [entryOf(0, 1), membershipEntry(logId(1, 2), 0, membershipOf([3, 4]))] },
    },
  });
  const node = cluster.node(2);
  assert.deepEqual(node.core.state.membership.effective.membership.configs, [[3, 4]]);
  assert.deepEqual(node.core.state.membership.committed.membership.configs, []);

  const leader = cluster.elect(1);
  write(leader, 8);
  leader.buildSnapshot();
  leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
  cluster.advance(500);
  assert.equal(effectsOf(node.history, 'install-snapshot').length, 1);
  const { committed, effective } = node.core.state.membership;
  assert.equal(committed, effective);
  assert.deepEqual([committed.membership.configs, learnerIds(committed.membership)], [[[1]], [2]]);
  assert.deepEqual(node.applied, leader.applied);
});

test('S-29 a snapshot on its way to an unreachable learner does not hold up a change', () => {
  const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  write(leader, 3);
  cluster.deliver();
  leader.buildSnapshot();
  cluster.heal();
  // From now on nothing comes of the stream, neither an end nor an answer.
  cluster.filter = ({ cargo }) => cargo.type !== 'offer';
  cluster.advance(500);
  assert.equal(effectsOf(leader.history, 'send-snapshot').length, 1);
  cluster.isolate(3);
  const { nowMs } = cluster.clock;
  leader.change(1, { type: 'replace-all-voters', ids: [1] }, true);
  cluster.deliver();
  assert.equal(onlyEffect(leader.history, 'membership-changed').id, 1);
  assert.equal(cluster.clock.nowMs, nowMs, 'no time passed');
  const { membership } = leader.core.state.membership.committed;
  assert.deepEqual([membership.configs, learnerIds(membership)], [[[1]], [2, 3]]);
});

describe('what a peer gets next', () => {
  /** Leads with a log from 7 to 20, the blank entry included; a snapshot covers it up to 10. */
  function compactedLeader(options: Partial<CoreOptions> = {}): SoloCore {
    const leader = new SoloCore(
      {
        voters: [1, 2, 3],
        purged: logId(1, 6),
        logTerms: new Array<number>(13).fill(1),
        committed: 19,
        applied: 19,
        snapshot: 10,
      },
      options,
    );
    leader.becomeLeader();
    return leader;
  }

  for (const lastIndex of [4, 5]) {
    test(`S-35 the snapshot, when its log ends at ${lastIndex}`, () => {
      const leader = compactedLeader();
      const { session } = leader.progressOf(2);
      const conflictHint = logId(1, lastIndex);
      const effects = leader.receive(2, {
        ...appendResponse(2, { session, prevIndex: 19, lastIndex, conflictHint }),
        success: false,
      });
      assert.equal(onlyEffect(effects, 'send-snapshot').to, 2);
      assert.deepEqual(appendsTo(effects, 2), []);
      assert.equal(leader.progressOf(2).snapshotIndex, 10);
    });
  }

  test('S-35 all entries, when its log ends just before the first one', () => {
    const leader = compactedLeader();
    const { session } = leader.progressOf(2);
    const conflictHint = logId(1, 6);
    const refused = appendResponse(2, { session, prevIndex: 19, lastIndex: 6, conflictHint, success: false });
    assert.deepEqual(appendsTo(leader.receive(2, refused), 2), [{ prev: 6, toIndex: 21 }]);
  });

  for (const { match, maxPayloadEntries, appends } of [
    { match: 6, maxPayloadEntries: 300, appends: [{ prev: 6, toIndex: 21 }] },
    { match: 7, maxPayloadEntries: 300, appends: [{ prev: 7, toIndex: 21 }] },
    { match: 20, maxPayloadEntries: 300, appends: [] },
    {
      match: 7,
      maxPayloadEntries: 5,
      appends: [{ prev: 7, toIndex: 13 }],
    },
  ]) {
    test(`S-35 what it lacks after ${match}, at most ${maxPayloadEntries} entries at a time`, () => {
      const leader = compactedLeader({ maxPayloadEntries });
      assert.deepEqual(appendsTo(leader.acknowledge(2, match), 2), appends);
    });
  }
});
