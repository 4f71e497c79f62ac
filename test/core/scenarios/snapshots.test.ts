/** Snapshots and compaction, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { LogIndex, NodeId, Term } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import { learnerIds, voterIds } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  appendResponse,
  ELECTION_MAX_MS,
  effectsOf,
  entryOf,
  heldMessages,
  membershipOf,
  nodesOf,
  onlyEffect,
  sentMessages,
  snapshotMeta,
} from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

function write(cluster: CoreCluster, count: number): void {
  for (let done = 0; done < count; done += 1) cluster.leader?.propose(`${done}`);
  cluster.deliver();
}

function indexesOf(node: TestNode): LogIndex[] {
  return node.entries.map((entry) => entry.logId.index);
}

function metaWith(term: Term, index: LogIndex, membership: Membership): SnapshotMeta {
  return { ...snapshotMeta(logId(term, index), []), membership: { logId: logId(term, index), membership } };
}

function install(node: SoloCore, from: NodeId, meta: SnapshotMeta): ReturnType<SoloCore['step']> {
  return node.receiveSnapshot(from, { term: meta.lastLogId.term, session: 1, meta });
}

describe('compaction', () => {
  test('S-01 a learner that the log does not reach is fed by the snapshot', () => {
    const stored: Entry[] = [entryOf(0, 1), membershipEntry(logId(1, 2), 0, membershipOf([1]))];
    const cluster = new CoreCluster({
      voters: [1],
      nodes: { 2: { voters: [], entries: stored, hardState: { term: 1, votedFor: null } } },
      options: { maxInSnapshotLogToKeep: 2 },
    });
    const leader = cluster.elect(1);
    write(cluster, 49);
    assert.deepEqual(leader.buildSnapshot().lastLogId, logId(1, 50));
    leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
    leader.propose('one more');
    cluster.deliver();
    const learner = cluster.node(2);
    assert.deepEqual(indexesOf(learner), [51, 52]);
    assert.deepEqual(learner.applied, leader.applied);
    const late = learner.receive(1, appendRequest(1, { prevLogId: logId(1, 3) }));
    assert.deepEqual(
      heldMessages(late).map(({ message }) => message.type === 'append-response' && message.success),
      [true],
    );
  });

  test('S-09 keeps exactly as many entries before the snapshot as asked for', () => {
    const kept: [keep: number, indexes: LogIndex[]][] = [
      [2, [10, 11]],
      [0, []],
      [100, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ];
    for (const [keep, indexes] of kept) {
      const cluster = new CoreCluster({ voters: [1], learners: [2], options: { maxInSnapshotLogToKeep: keep } });
      const leader = cluster.elect(1);
      write(cluster, 10);
      leader.buildSnapshot();
      assert.deepEqual(indexesOf(leader), indexes);
      leader.propose('not covered');
      assert.deepEqual(indexesOf(leader), [...indexes, 12]);
    }
  });

  test('S-11 a purge goes no further than the snapshot', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: { maxInSnapshotLogToKeep: 1000 } });
    const leader = cluster.elect(1);
    write(cluster, 10);
    const { lastLogId } = leader.buildSnapshot();
    write(cluster, 10);
    const purgedAfter = (upToIndex: LogIndex): LogIndex => {
      leader.step({ type: 'purge', upToIndex });
      return leader.core.state.log.purged.index;
    };
    assert.equal(purgedAfter(lastLogId.index), lastLogId.index);
    assert.equal(purgedAfter(leader.lastLogId.index), lastLogId.index);

    const fresh = cluster.node(2);
    const effects = fresh.step({ type: 'purge', upToIndex: 1 });
    assert.deepEqual(effectsOf(effects, 'purge'), []);
    assert.equal(fresh.core.state.log.firstIndex, 1);
  });

  test('what follows a snapshot that is being sent is not purged', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    write(cluster, 5);
    const first = leader.buildSnapshot();
    cluster.heal();
    cluster.hold(1, 2);
    cluster.advance(200);
    cluster.release(1, 2);
    cluster.deliverOnce(({ cargo }) => cargo.type === 'message');
    cluster.deliverOnce(({ cargo }) => cargo.type === 'message');
    const { role } = leader.core.state;
    assert.equal(role.name === 'leader' && role.leader.progress.get(2)?.state, 'snapshot');
    for (let done = 0; done < 5; done += 1) leader.propose(`${done}`);
    leader.buildSnapshot();
    assert.equal(leader.core.state.log.purged.index, first.lastLogId.index);
    cluster.advance(300);
    assert.deepEqual(cluster.node(2).applied, leader.applied);
  });

  test('S-15 a learner that was away installs the newest snapshot', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2], options: { maxInSnapshotLogToKeep: 2 } });
    const leader = cluster.elect(1);
    write(cluster, 10);
    leader.buildSnapshot();
    cluster.isolate(2);
    write(cluster, 5);
    const { lastLogId } = leader.buildSnapshot();
    cluster.heal();
    cluster.advance(300);
    const learner = cluster.node(2);
    assert.deepEqual(learner.entries, []);
    assert.deepEqual(learner.lastLogId, lastLogId);
    assert.deepEqual(learner.core.state.log.purged, lastLogId);
    assert.deepEqual(learner.applied, leader.applied);
    assert.equal(leader.entries.length, 2);
  });
});

describe('installing a snapshot', () => {
  test('S-16 replaces an uncommitted membership', () => {
    const stored: Entry[] = [entryOf(0, 1), membershipEntry(logId(1, 2), 0, membershipOf([3, 4]))];
    const cluster = new CoreCluster({
      voters: [1],
      nodes: { 2: { voters: [], entries: stored, hardState: { term: 1, votedFor: null } } },
    });
    const leader = cluster.elect(1);
    write(cluster, 9);
    leader.buildSnapshot();
    assert.deepEqual(voterIds(cluster.node(2).core.state.membership.effective.membership), [3, 4]);
    leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
    cluster.advance(300);
    const { committed, effective } = cluster.node(2).core.state.membership;
    assert.equal(committed, effective);
    assert.deepEqual([voterIds(committed.membership), learnerIds(committed.membership)], [[1], [2]]);
  });

  test('S-18 removes a log that differs, also what lies beyond the snapshot', () => {
    const memberships = [
      { logId: logId(1, 3), membership: membershipOf([3, 4]) },
      { logId: logId(1, 12), membership: membershipOf([5, 6]) },
    ];
    const node = new SoloCore(
      { logTerms: [0, ...new Array<Term>(11).fill(1)], committed: 3, logMemberships: memberships },
      { nodeId: 2 },
    );
    const meta = metaWith(5, 10, membershipOf([1]));
    const effects = install(node, 1, meta);
    const { state } = node.core;
    const { discardLog, afterDurable } = onlyEffect(effects, 'install-snapshot');
    assert.equal(discardLog, true);
    assert.deepEqual(
      afterDurable.map(({ message }) => message.type === 'snapshot-response' && message.matchIndex),
      [10],
    );
    assert.deepEqual(
      [state.log.lastLogId(), state.log.purged, state.snapshot],
      [logId(5, 10), logId(5, 10), logId(5, 10)],
    );
    assert.deepEqual([state.membership.committed, state.membership.effective], [meta.membership, meta.membership]);
    assert.equal(state.durableIndex, 10);
  });

  test('S-20 keeps what follows the snapshot in an equal log', () => {
    const node = new SoloCore({
      voters: [1, 2, 3],
      purged: logId(2, 1),
      logTerms: [2, 2, 2, 3, 4, 4, 4],
      committed: 5,
    });
    const effects = install(node, 2, metaWith(4, 6, membershipOf([1, 2, 3, 4])));
    const { state } = node.core;
    assert.equal(onlyEffect(effects, 'install-snapshot').discardLog, false);
    assert.deepEqual([state.log.purged, state.log.lastLogId()], [logId(4, 6), logId(4, 8)]);
    assert.equal(state.commitIndex, 6);
    assert.deepEqual(voterIds(state.membership.effective.membership), [1, 2, 3, 4]);
  });

  test('S-21 one that is no news is acknowledged at once, and nothing changes', () => {
    const node = new SoloCore({ voters: [1, 2, 3], purged: logId(2, 2), logTerms: [3, 3, 4], committed: 5 });
    for (const [term, index] of [
      [2, 2],
      [4, 5],
    ] as const) {
      const offer = { term: 4, session: 3, meta: metaWith(term, index, membershipOf([7])) };
      const { verdict } = onlyEffect(
        node.step({ type: 'snapshot-offered', from: 2, offer, token: 8 }),
        'snapshot-verdict',
      );
      assert.deepEqual(verdict, {
        accept: false,
        response: { type: 'snapshot-response', term: 4, session: 3, matchIndex: 5 },
      });
      const effects = node.receiveSnapshot(2, offer);
      assert.deepEqual(effectsOf(effects, 'install-snapshot'), []);
      assert.deepEqual(
        sentMessages(effects).map(({ message }) => message.type),
        ['snapshot-response'],
      );
    }
    assert.deepEqual(node.core.state.snapshot, logId(2, 2));
    assert.equal(node.core.state.log.lastIndex, 5);
    assert.deepEqual(voterIds(node.core.state.membership.effective.membership), [1, 2, 3]);
  });

  test('S-24 a leader of an earlier term is refused, before and after the stream', () => {
    const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 2, votedFor: null } });
    const offer = { term: 1, session: 1, meta: metaWith(1, 9, membershipOf([1])) };
    const answer = { type: 'snapshot-response', term: 2, session: 1, matchIndex: 0 } as const;
    const offered = node.step({ type: 'snapshot-offered', from: 2, offer, token: 4 });
    assert.deepEqual(offered, [{ type: 'snapshot-verdict', token: 4, verdict: { accept: false, response: answer } }]);
    const received = node.receiveSnapshot(2, offer, 5);
    assert.deepEqual(received, [{ type: 'send', to: 2, message: answer, token: 5 }]);
    assert.equal(node.core.state.commitIndex, 0);
    assert.equal(node.core.state.installing, null);
  });

  const memberships: [name: string, self: NodeId, before: [NodeId[], NodeId[]], after: Membership, role: string][] = [
    ['more voters', 1, [[1, 2], []], membershipOf([1, 2, 3]), 'follower'],
    ['a voter that is a learner now', 3, [[1, 2, 3], []], membershipOf([1, 2], [3]), 'learner'],
    ['a learner that is a voter now', 3, [[1, 2], [3]], membershipOf([1, 2, 3]), 'follower'],
    [
      'a joint config',
      1,
      [[1, 2], []],
      membershipOf([
        [1, 2, 3],
        [2, 3, 4],
      ]),
      'follower',
    ],
  ];
  for (const [name, self, [voters, learners], after, role] of memberships) {
    test(`S-31 brings its membership: ${name}`, () => {
      const node = new SoloCore({ voters, learners }, { nodeId: self });
      node.isDiskSlow = true;
      const meta = metaWith(11, 11, after);
      install(node, 2, meta);
      // Its state is being replaced: no time for a campaign.
      node.tickAt(10 * ELECTION_MAX_MS);
      assert.ok(['follower', 'learner'].includes(node.core.state.role.name));
      node.flushDisk();
      assert.equal(node.core.state.role.name, role);
      assert.deepEqual(node.core.state.log.lastLogId(), logId(11, 11));
      assert.deepEqual(node.core.state.membership.committed.membership, after);
      assert.deepEqual(effectsOf(install(node, 2, meta), 'install-snapshot'), [], 'the same again changes nothing');
      node.tickAt(20 * ELECTION_MAX_MS);
      assert.equal(node.core.state.role.name, role === 'follower' ? 'pre-candidate' : 'learner');
    });
  }
});

test('S-29 a snapshot that can not be delivered blocks no membership change', () => {
  const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  write(cluster, 3);
  leader.buildSnapshot();
  cluster.heal(3);
  cluster.advance(100);
  cluster.isolate(3);
  leader.change(1, { type: 'replace-all-voters', ids: [1] }, true);
  cluster.advance(1000);
  const { result } = onlyEffect(leader.history, 'membership-changed');
  assert.deepEqual([voterIds(result.membership), learnerIds(result.membership)], [[1], [2, 3]]);
});

describe('S-35 what a follower gets next', () => {
  /** Purged to 6, snapshot at 10, last 20. */
  const leader = (maxPayloadEntries = 300): SoloCore => {
    const node = new SoloCore(
      {
        voters: [1, 2],
        purged: logId(1, 6),
        logTerms: new Array<Term>(13).fill(1),
        committed: 10,
        snapshot: 10,
      },
      { maxPayloadEntries },
    );
    node.becomeLeader();
    assert.equal(node.core.state.log.lastIndex, 20);
    return node;
  };
  const refuse = (node: SoloCore, lastIndex: LogIndex): ReturnType<SoloCore['step']> =>
    node.receive(2, appendResponse(2, { success: false, prevIndex: 19, conflictHint: logId(1, lastIndex), lastIndex }));

  for (const last of [4, 5]) {
    test(`holding up to ${last}: the snapshot`, () => {
      const node = leader();
      const effects = refuse(node, last);
      assert.deepEqual(effectsOf(effects, 'send-snapshot'), [{ type: 'send-snapshot', to: 2, term: 2, session: 1 }]);
      assert.deepEqual(appendsTo(effects, 2), []);
      assert.equal(node.progressOf(2).snapshotIndex, 10);
    });
  }

  test('perhaps holding up to 6: everything after it', () => {
    assert.deepEqual(appendsTo(refuse(leader(), 6), 2), [{ prev: 6, toIndex: 21 }]);
  });

  const matches: [match: LogIndex, maxEntries: number, appends: ReturnType<typeof appendsTo>][] = [
    [6, 300, [{ prev: 6, toIndex: 21 }]],
    [7, 300, [{ prev: 7, toIndex: 21 }]],
    [20, 300, []],
    [7, 5, [{ prev: 7, toIndex: 13 }]],
  ];
  for (const [match, maxEntries, appends] of matches) {
    test(`holding up to ${match}, at most ${maxEntries} entries`, () => {
      assert.deepEqual(appendsTo(leader(maxEntries).acknowledge(2, match), 2), appends);
    });
  }
});

test('a snapshot that is refused again and again is offered once a heartbeat', () => {
  const node = new SoloCore({ voters: [1, 2], purged: logId(1, 6), snapshot: 6 });
  node.becomeLeader();
  const first = node.receive(
    2,
    appendResponse(2, { success: false, prevIndex: 6, conflictHint: logId(0, 0), lastIndex: 0 }),
  );
  const { session } = onlyEffect(first, 'send-snapshot');
  for (let round = 1; round <= 5; round += 1) {
    const refused = node.receive(2, { type: 'snapshot-response', term: 2, session, matchIndex: 0 });
    assert.deepEqual(effectsOf(refused, 'send-snapshot'), [], 'not at once');
    node.tickAt(round * 100);
    assert.equal(effectsOf(node.beat(2, 0), 'send-snapshot').length, 1);
  }
  assert.deepEqual(effectsOf(node.step({ type: 'snapshot-send-failed', to: 2, session }), 'send-snapshot'), []);
});
