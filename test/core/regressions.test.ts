/** Mistakes that other implementations made, or that this one once made. Each must stay impossible. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../src/core/entry.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { AppendResponse } from '../../src/core/message.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendResponse,
  bytesOf,
  ELECTION_MAX_MS,
  ELECTION_MIN_MS,
  effectsOf,
  entryOf,
  heartbeatRequest,
  heldMessages,
  membershipOf,
  nodesOf,
  onlyEffect,
  sentMessages,
  voteRequest,
} from '../support/core-kit.ts';
import { SoloCore } from '../support/solo-core.ts';

const VOTERS = [1, 2, 3];

describe('features 3.1 a commit needs a true quorum', () => {
  test('acknowledgements of one half of a joint config are not enough', () => {
    const node = new SoloCore({ voters: VOTERS, learners: [4, 5] });
    node.becomeSettledLeader();
    const { commitIndex } = node.core.state;
    node.step({
      type: 'change-membership',
      id: 1,
      change: { type: 'replace-all-voters', ids: [1, 4, 5] },
      retain: false,
    });
    node.propose('x');
    for (const peer of [2, 3]) node.acknowledge(peer);
    assert.equal(node.core.state.commitIndex, commitIndex);
    node.acknowledge(4);
    assert.ok(node.core.state.commitIndex > commitIndex);
  });

  test('who left is not counted any more', () => {
    const node = new SoloCore({ voters: [1, 2, 3, 4, 5] });
    node.becomeSettledLeader();
    removeVoters(node, [4, 5], [2, 3, 4, 5]);
    node.propose('x');
    const { commitIndex } = node.core.state;
    for (const peer of [4, 5]) {
      const { session } = node.progressOf(peer);
      node.receive(peer, appendResponse(1, { session, matchIndex: node.core.state.log.lastIndex }));
    }
    assert.equal(node.core.state.commitIndex, commitIndex);
    node.acknowledge(2);
    assert.equal(node.core.state.commitIndex, node.core.state.log.lastIndex);
  });
});

/** Removes the voters; `acknowledging` take part in the two steps. */
function removeVoters(node: SoloCore, ids: readonly NodeId[], acknowledging: readonly NodeId[]): void {
  node.step({ type: 'change-membership', id: 99, change: { type: 'remove-voters', ids }, retain: false });
  for (let step = 0; step < 2; step += 1) for (const peer of acknowledging) node.acknowledge(peer);
  assert.equal(node.core.state.membership.committed, node.core.state.membership.effective);
}

describe('features 3.2 a node votes once a term, whatever happens to it', () => {
  test('term and vote are one record, and the grant leaves after it', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.isDiskSlow = true;
    const effects = node.receive(2, voteRequest(4, NO_LOG_ID));
    const write = onlyEffect(effects, 'persist');
    assert.deepEqual(write.hardState, { term: 4, votedFor: 2 });
    assert.deepEqual(sentMessages(effects), []);
    assert.deepEqual(
      write.afterDurable.map(({ message }) => message.type === 'vote-response' && message.granted),
      [true],
    );
  });

  test('a vote that is still being written binds like one that is', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.isDiskSlow = true;
    node.receive(2, voteRequest(4, NO_LOG_ID));
    const effects = node.receive(3, voteRequest(4, logId(3, 9)));
    const answers = [...sentMessages(effects), ...heldMessages(effects)].map(({ message }) => message);
    assert.deepEqual(
      answers.map((message) => message.type === 'vote-response' && message.granted),
      [false],
    );
  });

  test('a vote that reached the disk binds after a crash', () => {
    const node = new SoloCore({ voters: VOTERS, hardState: { term: 4, votedFor: 2 } });
    node.nowMs = ELECTION_MIN_MS;
    const effects = node.receive(3, voteRequest(4, logId(3, 9)));
    const answers = [...sentMessages(effects), ...heldMessages(effects)].map(({ message }) => message);
    assert.deepEqual(
      answers.map((message) => message.type === 'vote-response' && message.granted),
      [false],
    );
  });
});

describe('features 3.3 a partitioned node does not push up the term', () => {
  test('not when it is isolated for long', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    cluster.advance(20 * ELECTION_MAX_MS);
    assert.equal(cluster.node(3).term, 1);
    cluster.heal();
    cluster.advance(ELECTION_MAX_MS);
    assert.equal(cluster.leader, leader);
    assert.equal(cluster.node(3).core.state.leaderId, 1);
  });

  test('not when it passed the pre-vote and is isolated then', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    cluster.elect(1);
    cluster.isolate(1);
    cluster.filter = ({ from, cargo }) =>
      !(from === 3 && cargo.type === 'message' && cargo.message.type === 'vote-request');
    cluster.skip(ELECTION_MIN_MS);
    cluster.node(3).campaign();
    cluster.deliver();
    assert.equal(cluster.node(3).role, 'candidate');
    cluster.filter = () => true;
    cluster.heal();
    cluster.isolate(3);
    cluster.advance(20 * ELECTION_MAX_MS);
    assert.equal(cluster.node(3).term, 2, 'it asks, and goes no further');
    cluster.heal();
    cluster.advance(5 * ELECTION_MAX_MS);
    assert.ok(cluster.leader !== null);
    assert.ok(cluster.leader.term <= 3);
    assert.deepEqual(
      cluster.ids.map((id) => cluster.node(id).core.state.leaderId),
      VOTERS.map(() => cluster.leader?.id),
    );
  });
});

describe('features 3.11 nothing that was asked for is forgotten', () => {
  test('a leader that steps down answers reads, changes that wait, and transfers', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeLeader();
    node.step({ type: 'read', id: 1, policy: 'read-index' });
    node.step({ type: 'read', id: 2, policy: 'read-index' });
    const change = { type: 'add-nodes', nodes: nodesOf([4]) } as const;
    node.step({ type: 'change-membership', id: 3, change, retain: false });
    node.step({ type: 'transfer', id: 4, to: 2 });
    const effects = node.step({ type: 'step-down' });
    assert.deepEqual(
      effectsOf(effects, 'read-refused').map(({ id, refusal }) => [id, refusal.code]),
      [
        [1, 'not-leader'],
        [2, 'not-leader'],
      ],
    );
    assert.equal(onlyEffect(effects, 'membership-refused').id, 3);
    assert.equal(onlyEffect(effects, 'transfer-refused').id, 4);
  });

  test('acknowledgements in the very batch that ends the leadership still commit', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeSettledLeader();
    node.propose('x');
    const { session } = node.progressOf(2);
    const effects = node.step(
      { type: 'message', from: 2, message: appendResponse(1, { session, matchIndex: 2 }), token: 0 },
      { type: 'message', from: 3, message: heartbeatRequest(2), token: 0 },
    );
    assert.deepEqual(onlyEffect(effects, 'commit').logId, logId(1, 2));
  });

  test('each batch of proposals gets one answer, also when only a part is accepted', () => {
    const node = new SoloCore({ voters: VOTERS }, { maxUncommittedBytes: 200 });
    node.becomeSettledLeader();
    const payloads = ['a', 'b', 'c', 'd', 'e'].map(bytesOf);
    const answer = onlyEffect(node.step({ type: 'propose', payloads }), 'proposed');
    assert.equal(answer.accepted, 4, '49 bytes each');
    assert.deepEqual(answer.refusal, { code: 'too-many-uncommitted-bytes', limitBytes: 200, uncommittedBytes: 196 });
    assert.equal(onlyEffect(node.propose('f'), 'proposed').accepted, 0);
    node.acknowledge(2);
    assert.equal(onlyEffect(node.propose('f'), 'proposed').accepted, 1, 'room again');
  });

  test('one request larger than the limit is accepted when nothing else is uncommitted', () => {
    const node = new SoloCore({ voters: VOTERS }, { maxUncommittedBytes: 10 });
    node.becomeSettledLeader();
    assert.equal(onlyEffect(node.propose('larger than the limit'), 'proposed').accepted, 1);
    assert.equal(onlyEffect(node.propose('x'), 'proposed').accepted, 0);
  });

  test('a new leader with an uncommitted log of unknown size accepts proposals', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1, 1, 1] });
    node.becomeLeader();
    assert.equal(onlyEffect(node.propose('x'), 'proposed').accepted, 1);
  });
});

describe('features 3.13 reads are never stale', () => {
  test('an answer to an earlier round confirms nothing', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeSettledLeader();
    const { session } = node.progressOf(2);
    const round = node.leader().rounds.current;
    node.step({ type: 'read', id: 1, policy: 'read-index' });
    const late = { type: 'heartbeat-response', term: 1, session, round, verifiedIndex: 1 } as const;
    assert.deepEqual(effectsOf(node.receive(2, late), 'read-granted'), []);
    const current = { ...late, round: round + 1 };
    assert.equal(effectsOf(node.receive(2, current), 'read-granted').length, 1);
    assert.deepEqual(effectsOf(node.receive(3, current), 'read-granted'), [], 'and it is answered once');
  });

  test('a new leader reads no earlier than at its own blank entry', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1, 1], committed: 1 });
    node.becomeLeader();
    node.step({ type: 'read', id: 1, policy: 'read-index' });
    const [granted] = effectsOf(node.beat(2, 0), 'read-granted');
    assert.deepEqual(granted?.readLogId, logId(2, 3));
  });

  test('a lease is none before the first commit of the term', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1], committed: 1 }, { leaseReads: true });
    node.becomeLeader();
    node.beat(2, 0);
    assert.equal(node.core.leaseUntilMs(), Number.NEGATIVE_INFINITY);
    node.acknowledge(2);
    assert.ok(node.core.leaseUntilMs() > node.nowMs);
  });

  test('a read is bound to what was committed when its round began, not when it was asked for', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeSettledLeader();
    node.step({ type: 'read', id: 1, policy: 'read-index' });
    node.propose('x');
    node.step({ type: 'read', id: 2, policy: 'read-index' });
    const effects = node.acknowledge(2);
    assert.deepEqual(
      effectsOf(effects, 'read-granted').map(({ id, readLogId }) => [id, readLogId.index]),
      [[1, 1]],
    );
    const [second] = effectsOf(node.beat(3, 0), 'read-granted');
    assert.deepEqual([second?.id, second?.readLogId.index], [2, 2]);
  });
});

describe('features 3.16 who is no voter disturbs nobody', () => {
  test('learners, removed nodes and strangers never campaign, asked or not', () => {
    const removed = { membership: { logId: logId(1, 1), membership: membershipOf([2, 3]) } };
    for (const init of [{ voters: [2, 3], learners: [1] }, removed, {}]) {
      const node = new SoloCore(init);
      for (let timeout = 1; timeout < 10; timeout += 1) node.tickAt(timeout * ELECTION_MAX_MS);
      node.step({ type: 'elect' });
      node.receive(2, { type: 'timeout-now', term: 1 });
      assert.equal(node.core.state.role.name, 'learner');
      assert.equal(node.core.state.hardState.votedFor, null);
    }
  });

  test('a removed node that does not know is refused while a leader lives', () => {
    const cluster = new CoreCluster({ voters: VOTERS });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    leader.change(1, { type: 'remove-voters', ids: [3] });
    cluster.advance(3 * ELECTION_MAX_MS);
    cluster.heal();
    cluster.advance(10 * ELECTION_MAX_MS);
    const asked = effectsOf(cluster.node(3).history, 'send').filter(
      ({ message }) => message.type === 'pre-vote-request',
    );
    assert.ok(asked.length > 0, 'it asks, in vain');
    assert.equal(cluster.node(3).term, 1);
    assert.equal(cluster.leader, leader);
    assert.equal(leader.term, 1);
  });
});

describe('features 3.17 progress belongs to one stream', () => {
  test('an answer from before a removal says nothing about the node that was added again', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.becomeSettledLeader();
    const old = node.progressOf(3);
    node.propose('x');
    const stale: AppendResponse = appendResponse(1, { session: old.session, round: 1, matchIndex: 2 });
    removeVoters(node, [3], [2, 3]);
    const add = { type: 'add-voters', nodes: nodesOf([3]) } as const;
    node.step({ type: 'change-membership', id: 2, change: add, retain: false });
    assert.notEqual(node.progressOf(3).session, old.session);
    node.receive(3, stale);
    assert.equal(node.progressOf(3).matchIndex, 0);
    const { rounds } = node.leader();
    const beat = { type: 'heartbeat-response', term: 1, verifiedIndex: 2, round: rounds.current } as const;
    node.receive(3, { ...beat, session: old.session });
    assert.equal(node.progressOf(3).ackedRound, 0, 'nor does an old heartbeat');
    node.receive(3, { type: 'snapshot-response', term: 1, session: old.session, matchIndex: 2 });
    assert.equal(node.progressOf(3).matchIndex, 0, 'nor an old snapshot');
  });
});

describe('features 3.18 a joint config does not last', () => {
  test('a new leader that inherits one, uncommitted, commits and leaves it by itself', () => {
    const joint = membershipEntry(logId(1, 2), 0, membershipOf([VOTERS, [1, 2, 4]]));
    const stored = { entries: [entryOf(1, 1), joint], committed: 1 };
    const old = { logId: NO_LOG_ID, membership: membershipOf(VOTERS, [4]) };
    const cluster = new CoreCluster({
      voters: [],
      nodes: Object.fromEntries([1, 2, 3, 4].map((id) => [id, { ...stored, membership: old }])),
    });
    const leader = cluster.elect(2);
    cluster.advance(500);
    assert.equal(leader.role, 'leader');
    for (const id of [1, 2, 4]) {
      const { committed, effective } = cluster.node(id).core.state.membership;
      assert.equal(committed, effective);
      assert.deepEqual(committed.membership.configs, [[1, 2, 4]]);
    }
    assert.equal(cluster.node(3).role, 'learner');
  });

  test('one that was committed by the leader before, too', () => {
    const node = new SoloCore({
      membership: { logId: logId(1, 1), membership: membershipOf([VOTERS, [1, 2]]) },
      logTerms: [1],
      committed: 1,
    });
    node.becomeLeader();
    node.acknowledge(2);
    assert.deepEqual(node.core.state.membership.effective.membership.configs, [[1, 2]]);
  });

  test('a leader that stepped down with its removal uncommitted can be elected again', () => {
    // Nodes 2 and 3 still need the vote of node 1, whose log is longer: nobody else can win (thesis §4.2.2).
    const joint = membershipEntry(logId(1, 2), 0, membershipOf([[1], [2, 3]]));
    const uniform = membershipEntry(logId(1, 3), 0, membershipOf([2, 3]));
    const old = { logId: NO_LOG_ID, membership: membershipOf([1], [2, 3]) };
    const cluster = new CoreCluster({
      voters: [],
      nodes: {
        1: { membership: old, entries: [entryOf(1, 1), joint, uniform], committed: 2 },
        2: { membership: old, entries: [entryOf(1, 1), joint], committed: 1 },
        3: { membership: old, entries: [entryOf(1, 1), joint], committed: 1 },
      },
    });
    cluster.advanceUntil(() => [2, 3].includes(cluster.leader?.id ?? 0), 20 * ELECTION_MAX_MS);
    cluster.advance(500);
    assert.deepEqual(cluster.leader?.core.state.membership.committed.membership.configs, [[2, 3]]);
    assert.equal(cluster.node(1).role, 'learner');
  });
});

describe('features 3.19 a change waits for the first commit of the leader', () => {
  test('it is queued, and appended when the blank entry is committed', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1] });
    node.becomeLeader();
    const change = { type: 'add-nodes', nodes: nodesOf([4]) } as const;
    const asked = node.step({ type: 'change-membership', id: 1, change, retain: false });
    assert.deepEqual(effectsOf(asked, 'membership-refused'), []);
    assert.equal(node.core.state.log.lastIndex, 2, 'nothing but the blank entry');
    const committed = node.acknowledge(2);
    assert.equal(onlyEffect(committed, 'membership-effective').isCommitted, false);
    assert.deepEqual(
      effectsOf(node.acknowledge(2), 'membership-changed').map(({ id }) => id),
      [1],
    );
  });

  test('of several that wait one is carried out, and the others are refused', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1] });
    node.becomeLeader();
    for (const id of [4, 5]) {
      const change = { type: 'add-nodes', nodes: nodesOf([id]) } as const;
      node.step({ type: 'change-membership', id, change, retain: false });
    }
    const effects = node.acknowledge(2);
    assert.deepEqual(
      effectsOf(effects, 'membership-refused').map(({ id, refusal }) => [id, refusal.code]),
      [[5, 'change-in-progress']],
    );
  });

  test('more than a few that wait are refused at once', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1] });
    node.becomeLeader();
    const refused = Array.from({ length: 20 }, (_, id) => {
      const change = { type: 'add-nodes', nodes: nodesOf([10 + id]) } as const;
      return effectsOf(node.step({ type: 'change-membership', id, change, retain: false }), 'membership-refused');
    }).flat();
    assert.deepEqual(
      refused.map(({ id }) => id),
      [16, 17, 18, 19],
    );
  });
});
