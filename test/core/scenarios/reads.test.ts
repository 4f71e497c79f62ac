/** Linearizable reads, as required of every implementation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { ReadPolicy } from '../../../src/core/input.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { basicNode, effectsOf, HEARTBEAT_MS, sentMessages } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

type Outcome = Extract<Effect, { type: 'read-granted' | 'read-refused' }>;

/** What was answered to the read with this id; throws when nothing was, or twice. */
function outcomeOf(effects: readonly Effect[], id: number): Outcome {
  const all = [...effectsOf(effects, 'read-granted'), ...effectsOf(effects, 'read-refused')];
  const [outcome, another] = all.filter((effect) => effect.id === id);
  if (outcome === undefined || another !== undefined) throw new Error(`read ${id} was not answered once`);
  return outcome;
}

/** Reads on a node of a cluster, with time enough for an answer. */
function readOn(cluster: CoreCluster, node: TestNode, id: number): Outcome {
  node.step({ type: 'read', id, policy: 'read-index' });
  cluster.advance(HEARTBEAT_MS);
  return outcomeOf(node.history, id);
}

function read(node: SoloCore, id: number, policy: ReadPolicy = 'read-index'): Effect[] {
  return node.step({ type: 'read', id, policy });
}

test('L-01 a read needs the leader and a quorum that confirms it', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  leader.step({ type: 'switch', tick: true, heartbeat: false, elect: true });
  assert.equal(readOn(cluster, leader, 1).type, 'read-granted');
  for (const id of [2, 3]) {
    const outcome = readOn(cluster, cluster.node(id), 1);
    assert.equal(outcome.type === 'read-refused' && outcome.refusal.code, 'not-leader');
  }
  cluster.isolate(2);
  assert.equal(readOn(cluster, leader, 2).type, 'read-granted');
  cluster.isolate(3);
  assert.deepEqual(readOn(cluster, leader, 3), {
    type: 'read-refused',
    id: 3,
    refusal: { code: 'quorum-not-enough', voters: [1, 2, 3], confirmed: [1] },
  });
});

test('L-04 a single voter reads at once, without any message', () => {
  const node = new SoloCore({ voters: [1] });
  node.becomeSettledLeader();
  for (let count = 0; count < 1000; count += 1) node.propose(`${count}`);
  const effects = read(node, 7);
  assert.deepEqual(outcomeOf(effects, 7), {
    type: 'read-granted',
    id: 7,
    readLogId: logId(1, 1001),
    leaseUntilMs: null,
  });
  assert.deepEqual(sentMessages(effects), []);
});

test('L-08 any answer in the term of the leader confirms it, also a refused append', () => {
  const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 1, 1] });
  node.becomeLeader();
  node.acknowledge(2);
  assert.deepEqual(effectsOf(read(node, 1), 'read-granted'), []);
  const { session } = node.progressOf(3);
  const effects = node.receive(3, {
    type: 'append-response',
    term: 2,
    session,
    round: node.leader().rounds.current,
    prevIndex: 3,
    success: false,
    matchIndex: 0,
    conflictHint: NO_LOG_ID,
    lastIndex: 0,
  });
  assert.equal(outcomeOf(effects, 1).type, 'read-granted');
});

test('L-09 a higher term in an answer refuses the read and ends the leadership', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  read(node, 1);
  const effects = node.receive(2, { type: 'heartbeat-response', term: 9, session: 1, round: 1, verifiedIndex: 0 });
  assert.deepEqual(outcomeOf(effects, 1), {
    type: 'read-refused',
    id: 1,
    refusal: { code: 'not-leader', leaderId: null, leaderNode: null },
  });
  assert.equal(node.core.state.role.name, 'follower');
  assert.deepEqual(node.core.state.hardState, { term: 9, votedFor: null });
});

test('L-09 a read that a new leader interrupts is pointed to it', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  read(node, 1);
  const request = { type: 'heartbeat-request', term: 2, session: 1, round: 1, commitIndex: 0 } as const;
  const outcomes = effectsOf(node.receive(3, request), 'read-refused');
  // The term ends first, and who leads the new one is told by the caller's next attempt.
  assert.deepEqual(
    outcomes.map(({ refusal }) => refusal.code),
    ['not-leader'],
  );
  const again = outcomeOf(read(node, 2), 2);
  assert.deepEqual(again.type === 'read-refused' && again.refusal, {
    code: 'not-leader',
    leaderId: 3,
    leaderNode: basicNode(3),
  });
});

test('L-14 without answers a read fails after one heartbeat interval', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  read(node, 1);
  assert.ok(node.core.deadlineMs <= HEARTBEAT_MS);
  assert.deepEqual(effectsOf(node.tickAt(HEARTBEAT_MS - 1), 'read-refused'), []);
  const { refusal } = effectsOf(node.tickAt(HEARTBEAT_MS), 'read-refused')[0] ?? {};
  assert.deepEqual(refusal, { code: 'quorum-not-enough', voters: [1, 2, 3], confirmed: [1] });
});

test('L-15 a lease read needs no message while the lease lasts', () => {
  const node = new SoloCore({ voters: [1, 2, 3] }, { leaseReads: true });
  node.becomeSettledLeader();
  node.beat(2);
  const held = read(node, 1, 'lease');
  assert.equal(outcomeOf(held, 1).type, 'read-granted');
  assert.deepEqual(sentMessages(held), []);

  // Nobody answers for so long that another leader might exist; but not long enough to step down.
  const refusedAt = (nowMs: number, id: number): unknown => {
    node.nowMs = nowMs;
    const outcome = outcomeOf(read(node, id, 'lease'), id);
    return outcome.type === 'read-refused' && outcome.refusal.code;
  };
  assert.equal(refusedAt(899, 2), false);
  assert.equal(refusedAt(900, 3), 'lease-expired', 'an election timeout less the drift of clocks');

  node.step({ type: 'heartbeat' });
  assert.equal(refusedAt(901, 4), 'lease-expired', 'not before an answer');
  node.beat(3);
  assert.equal(refusedAt(902, 5), false);
  // Both peers are cut off now, and the lease still holds.
  assert.equal(refusedAt(1700, 6), false);

  const follower = new SoloCore({ voters: [1, 2, 3] }, { leaseReads: true });
  const outcome = outcomeOf(read(follower, 1, 'lease'), 1);
  assert.equal(outcome.type === 'read-refused' && outcome.refusal.code, 'not-leader');
});

test('L-15 the lease starts when the round was sent, not when it was answered', () => {
  const node = new SoloCore({ voters: [1, 2, 3] }, { leaseReads: true });
  node.becomeSettledLeader();
  node.nowMs = 100;
  node.step({ type: 'heartbeat' });
  node.nowMs = 600;
  node.beat(2);
  assert.equal(node.core.leaseUntilMs(), 100 + 900);
  const outcome = outcomeOf(read(node, 1, 'lease'), 1);
  assert.equal(outcome.type === 'read-granted' && outcome.leaseUntilMs, 1000);
});

test('L-15 lease reads are refused unless switched on', () => {
  const node = new SoloCore({ voters: [1] });
  node.becomeSettledLeader();
  const outcome = outcomeOf(read(node, 1, 'lease'), 1);
  assert.equal(outcome.type === 'read-refused' && outcome.refusal.code, 'lease-reads-disabled');
});
