/** Replication and conflict resolution, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import type { LogId, Term } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { AppendRequest, AppendResponse } from '../../../src/core/message.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  effectsOf,
  entriesOf,
  entryOf,
  heldMessages,
  onlyEffect,
  sentMessages,
  textOf,
  voteRequest,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

/** The only answer to an append. */
function answerIn(effects: readonly Effect[]): AppendResponse {
  const answers = [...sentMessages(effects), ...heldMessages(effects)].map(({ message }) => message);
  const [answer, another] = answers;
  assert.equal(another, undefined);
  assert.equal(answer?.type, 'append-response');
  return answer;
}

function append(node: TestNode, term: Term, request: Partial<AppendRequest> = {}): AppendResponse {
  return answerIn(node.receive(2, appendRequest(term, request)));
}

describe('a follower takes in appends', () => {
  test('R-01 a missing previous entry is a conflict, also without entries to append', () => {
    const node = new TestNode();
    const asked = { commitIndex: 6 };
    assert.equal(append(node, 1, { ...asked, prevLogId: logId(1, 6) }).success, false);
    assert.equal(append(node, 1, { ...asked, entries: entriesOf([0, 1, 1]) }).success, true);
    assert.equal(append(node, 1, { ...asked, prevLogId: logId(1, 4) }).success, false);
    assert.deepEqual(node.logTerms, [0, 1, 1]);
    assert.equal(node.commitIndex, 3);
  });

  test('R-02 conflicts remove exactly what differs', () => {
    const node = new TestNode();
    const step = (prevLogId: LogId, terms: readonly Term[]): boolean =>
      append(node, 3, { prevLogId, entries: entriesOf(terms, prevLogId.index + 1), commitIndex: 3 }).success;
    const cases: [prev: LogId, terms: Term[], success: boolean, log: Term[]][] = [
      [NO_LOG_ID, [], true, []],
      [NO_LOG_ID, [0], true, [0]],
      [logId(0, 1), [], true, [0]],
      [logId(0, 1), [1, 1, 1, 1], true, [0, 1, 1, 1, 1]],
      [logId(0, 1), [1, 1, 1, 1], true, [0, 1, 1, 1, 1]],
      [logId(1, 2), [1], true, [0, 1, 1, 1, 1]],
      [logId(1, 3), [2], true, [0, 1, 1, 2]],
      [logId(1, 2001), [], false, [0, 1, 1, 2]],
      [logId(3, 4), [], false, [0, 1, 1]],
      [logId(1, 3), [2, 2, 2], true, [0, 1, 1, 2, 2, 2]],
      [logId(2, 4), [3], true, [0, 1, 1, 2, 3]],
      [logId(1, 201), [], false, [0, 1, 1, 2, 3]],
    ];
    for (const [position, [prev, terms, success, log]] of cases.entries()) {
      assert.equal(step(prev, terms), success, `step ${position + 1}`);
      assert.deepEqual(node.logTerms, log, `step ${position + 1}`);
    }
  });

  test('R-04 entries are replaced from the first one that differs', () => {
    const cases: [prev: LogId, terms: Term[], log: Term[]][] = [
      [logId(2, 2), [3], [1, 2, 3]],
      [logId(1, 1), [3, 4], [1, 3, 4]],
      [NO_LOG_ID, [1], [1, 2]],
      [NO_LOG_ID, [3], [3]],
    ];
    for (const [prevLogId, terms, log] of cases) {
      const node = new TestNode({ voters: [1, 2, 3], logTerms: [1, 2] });
      const { writes } = node.disk;
      assert.equal(append(node, 4, { prevLogId, entries: entriesOf(terms, prevLogId.index + 1) }).success, true);
      assert.deepEqual(node.logTerms, log);
      assert.deepEqual(node.disk.log.entries, node.entries);
      assert.ok(node.disk.writes > writes);
    }
  });

  test('R-06 the previous entry must be there, with its term', () => {
    const cases: [prev: LogId, success: boolean][] = [
      [NO_LOG_ID, true],
      [logId(1, 1), true],
      [logId(2, 2), true],
      [logId(1, 2), false],
      [logId(3, 3), false],
    ];
    for (const [prevLogId, success] of cases) {
      const node = new TestNode({ voters: [1, 2, 3], logTerms: [1, 2], committed: 1 });
      assert.equal(append(node, 2, { prevLogId }).success, success, `${prevLogId.term}:${prevLogId.index}`);
    }
  });

  test('R-11 a committed previous entry always matches, even if it is purged', () => {
    const node = new TestNode({ voters: [1, 2, 3], logTerms: [0, 2, 2, 2], committed: 1 });
    assert.equal(append(node, 3, { prevLogId: logId(0, 1) }).success, true);
    assert.deepEqual(node.logTerms, [0, 2, 2, 2]);
    assert.equal(node.disk.hardState.term, 3);

    const purged = new TestNode({ voters: [1, 2, 3], purged: logId(2, 3), logTerms: [2] });
    assert.equal(append(purged, 3, { prevLogId: logId(0, 1) }).success, true);
    assert.deepEqual(purged.logTerms, [2]);
  });

  test('R-14 a delayed, shorter append removes nothing', () => {
    const node = new TestNode({ voters: [1, 2, 3], logTerms: [0, 1, 1, 2], committed: 4 });
    const prevLogId = logId(2, 4);
    assert.equal(append(node, 3, { prevLogId, entries: entriesOf([3, 3], 5) }).matchIndex, 6);
    const late = append(node, 3, { prevLogId, entries: entriesOf([3], 5) });
    assert.equal(late.success, true);
    assert.deepEqual(node.logTerms, [0, 1, 1, 2, 3, 3]);
    assert.equal(node.core.state.verifiedIndex, 6);
    assert.deepEqual(
      effectsOf(node.history, 'persist').map(({ truncateFrom }) => truncateFrom),
      effectsOf(node.history, 'persist').map(() => null),
    );
  });

  test('R-17 a leader of an earlier term is refused with the own term', () => {
    const node = new TestNode({ voters: [1, 2, 3], logTerms: [0, 1, 1, 2], clock: { nowMs: 5000 } });
    const { leaderContactMs } = node.core.state;
    node.clock.nowMs += 500;
    const effects = node.receive(2, appendRequest(1));
    const answer = answerIn(effects);
    assert.equal(answer.success, false);
    assert.equal(answer.term, 2);
    assert.deepEqual(node.logTerms, [0, 1, 1, 2]);
    assert.deepEqual(effectsOf(effects, 'persist'), []);
    assert.equal(node.core.state.leaderContactMs, leaderContactMs);
    assert.equal(node.role, 'follower');
  });

  test('R-29 a snapshot covers what lies before it', () => {
    const node = new TestNode({ voters: [1, 2, 3], purged: logId(5, 9) });
    assert.equal(append(node, 5, { prevLogId: logId(5, 9), entries: [entryOf(5, 10)] }).success, true);
    assert.equal(node.core.state.log.firstIndex, 10);
    assert.equal(append(node, 5, { prevLogId: logId(5, 8) }).success, true);
    assert.deepEqual(node.logTerms, [5]);
  });
});

describe('a leader replicates', () => {
  test('R-09 a hundred conflicting entries do not stall replication', () => {
    const extended = (term: Term): Term[] => [1, 1, ...new Array<Term>(98).fill(term)];
    const cluster = new CoreCluster({
      voters: [1, 2, 3],
      nodes: {
        1: { logTerms: extended(2), committed: 2, hardState: { term: 4, votedFor: 1 } },
        2: { logTerms: [1, 1], committed: 2 },
        3: { logTerms: extended(3), committed: 2, hardState: { term: 3, votedFor: 3 } },
      },
    });
    cluster.isolate(2);
    cluster.advanceUntil(() => cluster.leader?.id === 3);
    assert.equal(cluster.node(1).role, 'follower');
    cluster.advance(2000);
    assert.ok(cluster.node(1).appliedIndex > 100);
    assert.equal(cluster.node(1).entries[60]?.logId.term, 3);
  });

  test('R-15 a higher term in an answer ends the leadership, and the write does not succeed', () => {
    const cluster = new CoreCluster({ voters: [1, 2] });
    const leader = cluster.elect(1);
    cluster.skip(leader.options.electionTimeoutMinMs);
    cluster.node(2).receive(3, voteRequest(10, logId(9, 9)));
    leader.propose('x');
    cluster.deliver();
    assert.equal(leader.role, 'follower');
    assert.equal(leader.disk.hardState.term, 10);
    assert.ok(leader.commitIndex < leader.lastLogId.index);
  });

  test('R-16 a leader of a higher term is followed', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2] });
    const node = cluster.elect(1);
    const before = node.entries.slice();
    const request = appendRequest(2, { prevLogId: node.lastLogId, commitIndex: node.lastLogId.index });
    assert.equal(answerIn(node.receive(2, request)).success, true);
    assert.equal(node.role, 'follower');
    assert.deepEqual(node.disk.hardState, { term: 2, votedFor: null });
    assert.deepEqual(node.entries, before);
  });

  test('R-18 a stray append of an earlier term is ignored', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    for (const id of [1, 2, 1]) cluster.elect(id);
    const stray = appendRequest(2, { prevLogId: logId(2, 2), entries: [entryOf(2, 3)] });
    assert.equal(answerIn(cluster.node(1).receive(2, stray)).success, false);
    cluster.node(1).propose('x');
    cluster.deliver();
    for (const id of cluster.ids) assert.deepEqual(cluster.node(id).logTerms, [1, 2, 3, 3]);
  });

  test('R-20 proposals and answers drive replication, not heartbeats', () => {
    const options = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 20_000, electionTimeoutMaxMs: 30_000 };
    const cluster = new CoreCluster({ voters: [1], learners: [2], options: { ...options, maxPayloadEntries: 2 } });
    const leader = cluster.elect(1);
    const { nowMs } = cluster.clock;
    for (let count = 0; count < 10; count += 1) leader.propose(`${count}`);
    cluster.deliver();
    assert.equal(cluster.node(2).appliedTexts.length, 10);
    assert.equal(cluster.clock.nowMs, nowMs, 'no time passed');
  });

  test('R-21 an unreachable learner delays nothing and catches up later', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2] });
    const leader = cluster.elect(1);
    cluster.isolate(2);
    for (let count = 0; count < 10; count += 1) {
      leader.propose(`${count}`);
      assert.equal(leader.commitIndex, leader.lastLogId.index);
    }
    cluster.advance(5000);
    assert.equal(cluster.node(2).appliedTexts.length, 0);
    cluster.heal();
    cluster.advance(200);
    assert.deepEqual(cluster.node(2).appliedTexts, leader.appliedTexts);
  });

  test('R-23 an old leader that comes back catches up', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    cluster.elect(1);
    cluster.crash(1);
    cluster.advanceUntil(() => cluster.leader !== null);
    for (let count = 0; count < 10; count += 1) cluster.leader?.propose(`${count}`);
    cluster.advance(3000);
    const { leader } = cluster;
    cluster.restart(1);
    cluster.advance(1000);
    assert.equal(cluster.leader, leader);
    assert.equal(cluster.node(1).role, 'follower');
    assert.equal(cluster.node(1).appliedTexts.length, 10);
  });

  test('R-32 a proposal goes to disk and to every follower in the same step', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.isDiskSlow = true;
    const effects = node.propose('x');
    const { entries } = onlyEffect(effects, 'persist');
    assert.deepEqual(
      entries.map((entry) => [entry.logId, textOf(entry.payload)]),
      [[logId(1, 2), 'x']],
    );
    assert.deepEqual(
      effectsOf(effects, 'replicate').map(({ to, term, prevLogId, fromIndex, toIndex, commitIndex }) => {
        return { to, term, prevLogId, fromIndex, toIndex, commitIndex };
      }),
      [2, 3].map((to) => ({ to, term: 1, prevLogId: logId(1, 1), fromIndex: 2, toIndex: 3, commitIndex: 1 })),
    );
    node.flushDisk();
    assert.equal(node.core.state.commitIndex, 1);
    node.acknowledge(2);
    assert.equal(node.core.state.commitIndex, 2);
  });
});
