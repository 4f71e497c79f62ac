/** What a node makes of lost messages, slow disks and a successor, and what it starts with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../src/core/entry.ts';
import type { NodeId, Term } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { RaftCore } from '../../src/core/raft.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendRequest,
  appendResponse,
  at,
  coreOptions,
  ELECTION_MAX_MS,
  ELECTION_MIN_MS,
  effectsOf,
  entriesOf,
  entryOf,
  HEARTBEAT_MS,
  initialState,
  membershipOf,
  onlyEffect,
  voteRequest,
} from '../support/core-kit.ts';
import { appendsTo, SoloCore } from '../support/solo-core.ts';

const VOTERS = [1, 2, 3];

describe('lost messages', () => {
  test('pipelined appends that were lost are sent again', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    node.propose('a');
    node.propose('b');
    node.propose('c');
    const rounds = [1, 2].map((round) => {
      node.tickAt(round * HEARTBEAT_MS);
      return appendsTo(node.beat(2, 1), 2);
    });
    assert.deepEqual(rounds, [[], [{ prev: 1, toIndex: 5 }]], 'after two rounds without them');
  });

  test('an append is not sent again when it arrived, but asked about when its answer is lost', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    node.propose('a');
    const rounds = [1, 2].map((round) => {
      node.tickAt(round * HEARTBEAT_MS);
      return appendsTo(node.beat(2, 2), 2);
    });
    assert.deepEqual(rounds, [[], [{ prev: 2, toIndex: 3 }]]);
    assert.equal(node.progressOf(2).state, 'replicate');
    node.acknowledge(2, 2);
    assert.equal(node.core.state.commitIndex, 2);
  });

  test('an entry is committed in an idle cluster although the only answer to it was lost', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    let hasLost = false;
    cluster.filter = ({ cargo }) => {
      const isAnswer = cargo.type === 'message' && cargo.message.type === 'append-response';
      if (!isAnswer || hasLost) return true;
      hasLost = true;
      return false;
    };
    leader.propose('x');
    cluster.advance(5 * HEARTBEAT_MS);
    assert.equal(hasLost, true);
    assert.deepEqual(leader.appliedTexts, ['x']);
  });

  test('a delayed duplicate of a shorter append truncates nothing', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.receive(2, appendRequest(1, { entries: entriesOf([1, 1, 1]) }));
    const effects = node.receive(2, appendRequest(1, { entries: entriesOf([1]) }));
    assert.equal(onlyEffect(effects, 'persist').truncateFrom, null);
    assert.equal(node.core.state.log.lastIndex, 3);
  });

  test('a restarted follower of an idle cluster learns the commit index again', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    leader.propose('x');
    cluster.advance(1000);
    cluster.crash(2);
    cluster.node(2).disk.committed = NO_LOG_ID;
    cluster.restart(2);
    assert.equal(cluster.node(2).commitIndex, 0);
    cluster.advance(4 * HEARTBEAT_MS);
    assert.equal(cluster.leader, leader);
    assert.deepEqual(cluster.node(2).appliedTexts, ['x']);
  });

  test('a follower whose log ends before that of the leader begins gets a snapshot, not the same question', () => {
    const node = new SoloCore({ voters: [1, 2], purged: logId(3, 9), logTerms: [3, 3] });
    node.becomeLeader();
    const effects = node.receive(
      2,
      appendResponse(4, { success: false, prevIndex: 11, conflictHint: logId(2, 5), lastIndex: 5 }),
    );
    assert.equal(effectsOf(effects, 'send-snapshot').length, 1);
    assert.deepEqual(appendsTo(effects, 2), []);
  });
});

describe('leaders and their surroundings', () => {
  test('a leader that lost its quorum steps down in its term', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    cluster.isolate(1);
    cluster.advance(ELECTION_MAX_MS + 2 * HEARTBEAT_MS);
    assert.notEqual(leader.role, 'leader');
    assert.equal(leader.term, 1);
    assert.equal(leader.core.state.leaderId, null);
  });

  test('a leader whose disk is slow still commits through its followers', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    leader.holdDisk();
    leader.propose('x');
    cluster.deliver();
    assert.equal(leader.commitIndex, 2);
    assert.equal(leader.core.state.durableIndex, 1);
    assert.deepEqual(cluster.node(2).appliedTexts, ['x']);
    cluster.isolate(3);
    leader.propose('y');
    cluster.deliver();
    assert.equal(leader.commitIndex, 2, 'its own disk is needed now');
    leader.releaseDisk();
    assert.equal(leader.commitIndex, 3);
  });

  test('the only voter left by the removal of its leader waits until that promise is over', () => {
    const node = new SoloCore({ voters: [1, 2], hardState: { term: 1, votedFor: 1 } }, { nodeId: 2, leaseReads: true });
    const uniform = membershipEntry(logId(1, 2), 0, membershipOf([2]));
    node.nowMs = 100;
    node.receive(1, appendRequest(1, { entries: [entryOf(1, 1), uniform] }));
    node.tickAt(100 + ELECTION_MIN_MS - 1);
    assert.equal(node.core.state.role.name, 'follower');
    node.tickAt(100 + ELECTION_MIN_MS);
    assert.equal(node.core.state.role.name, 'leader');
  });

  test('a removed leader that hands over owes its caller an answer until it hears of the outcome', () => {
    const node = new SoloCore({ voters: [1, 2, 3, 4] });
    node.becomeSettledLeader();
    const change = { type: 'remove-voters', ids: [1] } as const;
    node.step({ type: 'change-membership', id: 1, change, retain: false });
    node.step({ type: 'transfer', id: 2, to: 4 });
    for (let step = 0; step < 2; step += 1) for (const peer of [2, 3]) node.acknowledge(peer);
    assert.equal(node.core.state.role.name, 'leader', 'the target does not hold everything yet');
    node.acknowledge(4);
    assert.equal(node.core.state.role.name, 'learner');
    const effects = node.tickAt(ELECTION_MAX_MS);
    assert.equal(onlyEffect(effects, 'transfer-refused').id, 2);
  });

  test('a leader again before its transfer is over accepts proposals', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeSettledLeader();
    node.step({ type: 'transfer', id: 1, to: 2 });
    node.receive(2, voteRequest(2, node.core.state.log.lastLogId(), true));
    assert.equal(node.core.state.role.name, 'follower');
    node.becomeLeader();
    assert.equal(onlyEffect(node.propose('x'), 'proposed').accepted, 1);
  });
});

describe('a node that starts', () => {
  test('with a snapshot newer than its term takes over the term, without a vote', () => {
    const hardState: { term: Term; votedFor: NodeId } = { term: 2, votedFor: 3 };
    const node = new SoloCore({ voters: VOTERS, purged: logId(3, 9), hardState });
    assert.deepEqual(node.core.state.hardState, { term: 3, votedFor: null });
  });

  test('with a log that differs from its state does not start: that log must be discarded', () => {
    const stored = initialState({ voters: VOTERS, logTerms: [1, 1, 1] });
    const init = { ...stored, applied: logId(2, 2) };
    assert.throws(() => new RaftCore(coreOptions(), init, at(0)), {
      name: 'RangeError',
      message: 'the applied entry 2:2 is not in the log',
    });
  });

  test('with a log newer than its term has lost its term, and does not start', () => {
    assert.throws(() => new SoloCore({ voters: VOTERS, logTerms: [3], hardState: { term: 2, votedFor: null } }), {
      invariant: 'I7',
    });
  });
});
