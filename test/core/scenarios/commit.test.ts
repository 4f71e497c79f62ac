/** When an entry is committed, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogIndex, NodeId, Term } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import { quorumValue } from '../../../src/core/quorum/joint.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  effectsOf,
  entriesOf,
  entryOf,
  heartbeatRequest,
  membershipOf,
  textOf,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

function votersOf(size: number): NodeId[] {
  return Array.from({ length: size }, (_, position) => position + 1);
}

describe('a leader commits', () => {
  test('C-01 only entries of its own term, and older ones with them', () => {
    const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 2] });
    node.becomeLeader();
    assert.deepEqual(node.core.state.log.lastLogId(), logId(3, 3));
    const committed: LogIndex[] = [];
    for (const index of [1, 2, 3]) {
      node.acknowledge(2, index);
      committed.push(node.core.state.commitIndex);
    }
    assert.deepEqual(committed, [0, 0, 3]);
  });

  test('C-05 the blank entry of a new leader commits what was left, without new proposals', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3, 4, 5] });
    const old = cluster.elect(1);
    for (const id of [3, 4, 5]) cluster.cutBoth(1, id);
    old.propose('a', 'b');
    cluster.deliver();
    assert.equal(cluster.node(2).lastLogId.index, 3);
    assert.equal(old.commitIndex, 1);
    cluster.heal();
    cluster.skip(old.options.electionTimeoutMinMs);
    cluster.node(2).campaign();
    cluster.deliver();
    assert.equal(cluster.leader?.id, 2);
    assert.equal(cluster.node(2).term, 2);
    assert.equal(cluster.node(2).commitIndex, 4);
    assert.deepEqual(cluster.node(2).appliedTexts, ['a', 'b']);
  });

  test('C-06 as soon as a majority holds the entry', () => {
    const cases: [size: number, acknowledging: NodeId[], isCommitted: boolean][] = [
      [1, [], true],
      [3, [], false],
      [3, [2], true],
      [3, [2, 3], true],
      [5, [], false],
      [5, [2], false],
      [5, [2, 3], true],
      [5, [2, 3, 4], true],
      [5, [2, 3, 4, 5], true],
    ];
    for (const [size, acknowledging, isCommitted] of cases) {
      const node = new SoloCore({ voters: votersOf(size) });
      node.becomeSettledLeader();
      const { commitIndex } = node.core.state;
      node.propose('x');
      for (const peer of acknowledging) node.acknowledge(peer);
      assert.equal(node.core.state.commitIndex > commitIndex, isCommitted, `${size}: ${acknowledging}`);
    }
  });

  test('C-07 all that precedes the entry, in order', () => {
    const logs: Term[][] = [[], [2], [1, 2], [1]];
    for (const logTerms of logs) {
      const node = new TestNode({ voters: [1, 2, 3], logTerms, hardState: { term: 2, votedFor: null } });
      leadAndPropose(node, 'x');
      const terms = node.applied.map((entry) => entry.logId.term);
      assert.deepEqual(terms, [...logTerms, 3, 3]);
      assert.deepEqual(
        node.applied.map(({ kind }) => kind),
        [...logTerms.map(() => 'normal'), 'blank', 'normal'],
      );
      assert.equal(node.appliedTexts.at(-1), 'x');
    }
  });

  test('C-14 learners are not counted, and no voters commit nothing', () => {
    const node = new SoloCore({ voters: [1, 2, 3, 4, 5], learners: [90, 91, 92], logTerms: [1, 1, 1] });
    node.becomeLeader();
    node.propose('a', 'b', 'c', 'd', 'e', 'f');
    assert.equal(node.core.state.log.lastIndex, 10);
    for (const peer of [2, 3]) node.acknowledge(peer, 8);
    assert.equal(node.core.state.commitIndex, 8);
    for (const peer of [90, 91, 92]) node.acknowledge(peer, 10);
    assert.equal(node.core.state.commitIndex, 8);
    assert.equal(
      quorumValue([], () => 10),
      0,
    );
  });

  test('C-15 a single voter commits only what its own disk holds', () => {
    const node = new SoloCore({ voters: [1] });
    node.becomeSettledLeader();
    node.isDiskSlow = true;
    assert.deepEqual(effectsOf(node.propose('a', 'b', 'c'), 'commit'), []);
    assert.equal(node.core.state.commitIndex, 1);
    const written = node.flushDisk();
    assert.deepEqual(
      effectsOf(written, 'commit').map((effect) => effect.logId),
      [logId(1, 4)],
    );
  });
});

/** Wins with the vote of node 2, which then acknowledges everything. */
function leadAndPropose(node: TestNode, text: string): void {
  node.receive(2, { type: 'timeout-now', term: node.term });
  node.receive(2, { type: 'vote-response', term: node.term, granted: true, lastLogId: NO_LOG_ID });
  assert.equal(node.role, 'leader');
  node.propose(text);
  const matchIndex = node.lastLogId.index;
  node.receive(2, {
    type: 'append-response',
    term: node.term,
    session: 1,
    round: 1,
    prevIndex: 0,
    success: true,
    matchIndex,
    conflictHint: null,
    lastIndex: matchIndex,
  });
}

describe('a follower commits', () => {
  test('C-08 what the leader committed of what it sent, in order', () => {
    const cases: [texts: string[], commitIndex: LogIndex][] = [
      [['a'], 1],
      [['a', 'b'], 2],
      [['b', 'a'], 2],
      [['a', 'b'], 1],
    ];
    for (const [texts, commitIndex] of cases) {
      const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 1, votedFor: null } });
      const entries = texts.map((text, position) => entryOf(1, position + 1, text));
      node.receive(2, appendRequest(1, { entries, commitIndex }));
      assert.equal(node.commitIndex, commitIndex);
      assert.deepEqual(
        node.applied.map(({ payload }) => textOf(payload)),
        texts.slice(0, commitIndex),
      );
    }
  });

  test('C-10 never more than it has checked against the leader; a membership with its entry', () => {
    const before = { logId: logId(1, 2), membership: membershipOf([1, 2]) };
    const after = { logId: logId(2, 4), membership: membershipOf([3, 4]) };
    const follower = (): SoloCore =>
      new SoloCore({
        membership: before,
        logMemberships: [after],
        logTerms: [0, 1, 1, 2],
        committed: 2,
        hardState: { term: 3, votedFor: null },
      });
    const unchanged = follower();
    unchanged.receive(2, appendRequest(3, { prevLogId: logId(2, 4), commitIndex: 0 }));
    assert.equal(unchanged.core.state.commitIndex, 2);

    const partly = follower();
    partly.receive(2, appendRequest(3, { prevLogId: logId(1, 3), commitIndex: 4 }));
    assert.equal(partly.core.state.commitIndex, 3);
    assert.deepEqual(partly.core.state.membership.committed, before);
    assert.deepEqual(partly.core.state.membership.effective, after);

    const wholly = follower();
    const request = appendRequest(3, { prevLogId: logId(2, 4), entries: entriesOf([3], 5), commitIndex: 4 });
    const effects = wholly.receive(2, request);
    assert.equal(wholly.core.state.commitIndex, 4);
    assert.deepEqual(wholly.core.state.membership.committed, after);
    assert.deepEqual(effectsOf(effects, 'membership-effective'), [
      { type: 'membership-effective', membership: after, isCommitted: true },
    ]);
  });

  test('C-12 by heartbeats too, never backwards and never beyond what is verified', () => {
    const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 2, 3], committed: 2 });
    node.receive(2, heartbeatRequest(3, { commitIndex: 3 }));
    assert.equal(node.core.state.commitIndex, 2, 'nothing is verified yet');
    node.receive(2, appendRequest(3, { prevLogId: logId(3, 3) }));
    const committed = [3, 1, 4].map((commitIndex) => {
      node.receive(2, heartbeatRequest(3, { commitIndex }));
      return node.core.state.commitIndex;
    });
    assert.deepEqual(committed, [3, 3, 3]);
  });
});
