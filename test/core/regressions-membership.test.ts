/** More mistakes of other implementations that must stay impossible: around snapshots, limits and memberships. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import { membershipEntry } from '../../src/core/entry.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { logId } from '../../src/core/ids.ts';
import type { MembershipChange } from '../../src/core/membership/change.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendResponse,
  ELECTION_MAX_MS,
  ELECTION_MIN_MS,
  effectsOf,
  entryOf,
  HEARTBEAT_MS,
  membershipOf,
  nodesOf,
  onlyEffect,
} from '../support/core-kit.ts';
import type { TestNode } from '../support/core-node.ts';
import { appendsTo, SoloCore } from '../support/solo-core.ts';

const configsOf = (node: SoloCore | TestNode): readonly (readonly NodeId[])[] =>
  node.core.state.membership.effective.membership.configs;

function change(node: SoloCore, id: number, wanted: MembershipChange): Effect[] {
  return node.step({ type: 'change-membership', id, change: wanted, retain: false });
}

describe('features 3.7 a snapshot that fails is sent again, but not without pause', () => {
  /** Node 3 needs a snapshot, which is under way. */
  function sendingLeader(): SoloCore {
    const node = new SoloCore({ voters: [1, 2, 3], purged: logId(1, 6), snapshot: 6 });
    node.becomeLeader();
    node.acknowledge(2);
    const refusal = appendResponse(2, { session: node.progressOf(3).session, success: false, prevIndex: 6 });
    const effects = node.receive(3, { ...refusal, conflictHint: logId(0, 0) });
    assert.equal(onlyEffect(effects, 'send-snapshot').to, 3);
    return node;
  }

  const outcomes: [name: string, fail: (node: SoloCore) => Effect[]][] = [
    [
      'refused',
      (node) => {
        const { session } = node.progressOf(3);
        return node.receive(3, { type: 'snapshot-response', term: 2, session, matchIndex: 0 });
      },
    ],
    ['broken off', (node) => node.step({ type: 'snapshot-send-failed', to: 3, session: node.progressOf(3).session })],
    [
      'broken off with the line',
      (node) => {
        const { session } = node.progressOf(3);
        return node.step({ type: 'snapshot-send-failed', to: 3, session }, { type: 'peer-unreachable', peer: 3 });
      },
    ],
  ];
  for (const [name, fail] of outcomes) {
    test(`features 3.7 one that is ${name} each time is not tried more often because of reads`, () => {
      const node = sendingLeader();
      let sent = 0;
      for (let nowMs = 0; nowMs < 20 * HEARTBEAT_MS; nowMs += 1) {
        const effects = node.progressOf(3).state === 'snapshot' ? fail(node) : [];
        effects.push(...node.tickAt(nowMs), ...node.step({ type: 'read', id: nowMs, policy: 'read-index' }));
        for (const peer of [2, 3]) effects.push(...node.beat(peer));
        sent += effectsOf(effects, 'send-snapshot').length;
      }
      assert.ok(sent >= 5 && sent <= 20, `sent ${sent} times within 20 heartbeat intervals`);
    });

    test(`features 3.7 one that is ${name} is not tried again while the peer is silent`, () => {
      const node = sendingLeader();
      const effects = fail(node);
      for (let nowMs = 0; nowMs < 10 * ELECTION_MAX_MS; nowMs += HEARTBEAT_MS) {
        effects.push(...node.tickAt(nowMs), ...node.beat(2));
      }
      assert.deepEqual(effectsOf(effects, 'send-snapshot'), []);
    });
  }

  test('features 3.7 what is sent next is the newest one, and replication goes on after it', () => {
    const node = sendingLeader();
    node.applyAll();
    outcomes[1]?.[1](node);
    node.buildSnapshot();
    node.tickAt(2 * HEARTBEAT_MS);
    node.acknowledge(2);
    assert.equal(onlyEffect(node.beat(3), 'send-snapshot').to, 3);
    assert.equal(node.progressOf(3).snapshotIndex, 7);
    const { session } = node.progressOf(3);
    node.receive(3, { type: 'snapshot-response', term: 2, session, matchIndex: 7 });
    assert.deepEqual(appendsTo(node.propose('x'), 3), [{ prev: 7, toIndex: 9 }]);
  });
});

describe('features 3.10 what waits for a quorum is limited', () => {
  test('features 3.10 entries that a new leader replaced count no longer', () => {
    // A request counts for 98 bytes, the blank entry for 48: two requests fit while that is committed, no third one.
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: { maxUncommittedBytes: 250 } });
    const old = cluster.elect(1);
    cluster.isolate(1);
    const limited = (node: TestNode): number => node.propose(...new Array<string>(10).fill('x'.repeat(50))).accepted;
    assert.equal(limited(old), 2);
    assert.equal(limited(old), 0);
    cluster.elect(2);
    cluster.heal();
    cluster.advance(ELECTION_MAX_MS);
    assert.equal(cluster.node(1).role, 'follower');
    const again = cluster.elect(1);
    for (const id of [2, 3]) cluster.isolate(id);
    assert.equal(limited(again), 2);
    assert.equal(again.propose('y'.repeat(50)).refusal?.code, 'too-many-uncommitted-bytes');
  });
});

describe('features 3.16 who is removed knows it', () => {
  for (const { name, isAway } of [
    { name: 'and is passive', isAway: false },
    { name: 'also if it was away, as long as it comes back within an election timeout', isAway: true },
  ]) {
    test(`features 3.16 ${name}`, () => {
      const cluster = new CoreCluster({ voters: [1, 2, 3] });
      const leader = cluster.elect(1);
      if (isAway) cluster.isolate(3);
      leader.change(1, { type: 'remove-voters', ids: [3] });
      cluster.advance(ELECTION_MIN_MS / 2);
      cluster.heal();
      cluster.advance(ELECTION_MIN_MS / 2);
      const removed = cluster.node(3);
      assert.equal(removed.role, 'learner');
      const { result } = onlyEffect(leader.history, 'membership-changed');
      assert.deepEqual(removed.core.state.membership.committed.logId, result.logId);

      // Even when everybody else is gone, and after a restart.
      for (const id of [1, 2]) cluster.crash(id);
      removed.restart();
      cluster.advance(10 * ELECTION_MAX_MS);
      assert.deepEqual([removed.role, removed.term, removed.takeOutbox()], ['learner', 1, []]);
    });
  }
});

describe('features 3.17 no answer to an earlier stream moves the one of a member that was added again', () => {
  /** Node 3 was a voter, then removed, then added again, all in term 1. */
  function readdedMember(): { node: SoloCore; oldSession: number } {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    const { session } = node.progressOf(3);
    change(node, 1, { type: 'remove-voters', ids: [3] });
    for (let step = 0; step < 2; step += 1) node.acknowledge(2);
    change(node, 2, { type: 'add-nodes', nodes: nodesOf([3]) });
    return { node, oldSession: session };
  }

  test('features 3.17 neither a refusal nor the end of a stream', () => {
    const { node, oldSession } = readdedMember();
    const before = { ...node.progressOf(3) };
    const refusal = appendResponse(1, { session: oldSession, success: false, prevIndex: before.nextIndex - 1 });
    const effects = node.receive(3, { ...refusal, conflictHint: logId(0, 0) });
    effects.push(...node.step({ type: 'snapshot-send-failed', to: 3, session: oldSession }));
    assert.deepEqual([appendsTo(effects, 3), effectsOf(effects, 'send-snapshot')], [[], []]);
    assert.deepEqual({ ...node.progressOf(3) }, before);
  });

  test('features 3.17 nor the end of a snapshot, while another one is being sent', () => {
    const { node, oldSession } = readdedMember();
    node.acknowledge(2);
    node.applyAll();
    node.buildSnapshot();
    const { session, nextIndex } = node.progressOf(3);
    const refusal = appendResponse(1, { session, success: false, prevIndex: nextIndex - 1 });
    const effects = node.receive(3, { ...refusal, conflictHint: logId(0, 0) });
    assert.equal(onlyEffect(effects, 'send-snapshot').session, session);
    node.step({ type: 'snapshot-send-failed', to: 3, session: oldSession });
    node.receive(3, { type: 'snapshot-response', term: 1, session: oldSession, matchIndex: 0 });
    assert.equal(node.progressOf(3).state, 'snapshot');
  });

  test('features 3.17 and no vote is counted by it: nothing is committed that it does not hold', () => {
    const { node, oldSession } = readdedMember();
    node.acknowledge(2);
    change(node, 3, { type: 'replace-all-voters', ids: [1, 3] });
    node.acknowledge(2);
    const { commitIndex, log } = node.core.state;
    node.receive(3, appendResponse(1, { session: oldSession, matchIndex: log.lastIndex }));
    assert.equal(node.core.state.commitIndex, commitIndex);
    node.acknowledge(3);
    assert.equal(node.core.state.commitIndex, commitIndex + 1);
  });
});

test('features 3.18 a joint config is finished also by a leader that is not in the new one, which then hands over', () => {
  const joint = membershipEntry(
    logId(1, 2),
    0,
    membershipOf([
      [1, 2, 3],
      [3, 4, 5],
    ]),
  );
  const stored = {
    entries: [entryOf(1, 1), joint],
    committed: 1,
    membership: { logId: logId(0, 0), membership: membershipOf([1, 2, 3], [4, 5]) },
  };
  const cluster = new CoreCluster({
    voters: [],
    nodes: Object.fromEntries([1, 2, 3, 4, 5].map((id) => [id, stored])),
  });
  cluster.node(1).campaign();
  cluster.advance(ELECTION_MAX_MS);
  assert.ok(effectsOf(cluster.node(1).history, 'role-changed').some(({ role }) => role === 'leader'));
  assert.equal(cluster.node(1).role, 'learner');
  assert.ok([3, 4, 5].includes(cluster.leader?.id ?? 0));
  for (const id of [3, 4, 5]) assert.deepEqual(configsOf(cluster.node(id)), [[3, 4, 5]]);
});

describe('features 3.19 the first commit of a leader comes before its first change', () => {
  test('features 3.19 two leaders that each began a change can not both finish it', () => {
    // Of four voters, node 1 begins to add node 5 and is cut off. Node 2 leads without having heard of that.
    const cluster = new CoreCluster({ voters: [1, 2, 3, 4], nodes: { 5: { voters: [] } } });
    const first = cluster.elect(1);
    cluster.partition([1, 5], [2, 3, 4]);
    first.change(1, { type: 'add-voters', nodes: nodesOf([5]) });
    cluster.deliver();
    assert.equal(cluster.node(5).lastLogId.index, first.lastLogId.index);
    const second = cluster.elect(2);
    second.change(2, { type: 'remove-voters', ids: [1] });
    cluster.deliver();
    assert.equal(onlyEffect(second.history, 'membership-changed').id, 2);
    // Node 1 can reach node 5 and one of the others again: not enough to finish, nor to lead.
    cluster.partition([1, 3, 5], [2, 4]);
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.deepEqual(effectsOf(first.history, 'membership-changed'), []);
    assert.notEqual(first.role, 'leader');
    cluster.heal();
    cluster.advance(5 * ELECTION_MAX_MS);
    for (const id of [2, 3, 4]) assert.deepEqual(configsOf(cluster.node(id)), [[2, 3, 4]]);
  });

  test('features 3.19 a change that waits is refused when the leadership is lost', () => {
    const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1] });
    node.becomeLeader();
    change(node, 1, { type: 'add-nodes', nodes: nodesOf([4]) });
    const { id, refusal } = onlyEffect(node.step({ type: 'step-down' }), 'membership-refused');
    assert.deepEqual([id, refusal.code], [1, 'not-leader']);
  });
});
