import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/core/message.ts';
import { BusyError, IndeterminateError } from '../../../src/errors.ts';
import type { Watched } from '../../support/fake-node.ts';
import { watch } from '../../support/fake-node.ts';
import { heartbeat, ScriptedPeers } from '../../support/scripted-peers.ts';

function countHeartbeats(messages: readonly Message[]): number {
  return messages.filter(({ type }) => type === 'heartbeat-request').length;
}

test('rule 3 heartbeats go out on time while the disk hangs and appends are unanswered', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.logStore.holdWrites();
  for (let request = 0; request < 50; request += 1) watch(node.propose(`r${request}`));
  await time.advance(200);
  for (const peer of [2, 3]) assert.ok(countHeartbeats(peers.takeSent(peer)) >= 3, `too few to node ${peer}`);
});

test('rule 3 heartbeats go out on time while an apply takes its time', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.stateMachine.gate.hold('apply');
  watch(node.propose('slow'));
  await time.advance(200);
  assert.equal(node.stateMachine.gate.heldCount, 1);
  assert.ok(countHeartbeats(peers.takeSent(2)) >= 3);
});

test('rule 3 heartbeats go out on time while a snapshot is built and another is being streamed', async () => {
  const peers = await new ScriptedPeers({ snapshotLogsSinceLast: 4, maxInSnapshotLogToKeep: 0 }).lead();
  const { time, node, network } = peers;
  peers.silent.add(3);
  let isStreaming = false;
  network.to(3).onSnapshot = () => {
    isStreaming = true;
    return new Promise(() => undefined);
  };
  for (let request = 0; request < 20; request += 1) {
    watch(node.propose(`r${request}`));
    await time.advance(10);
  }
  peers.silent.delete(3);
  await time.until(() => isStreaming);
  node.stateMachine.gate.hold('chunk');
  for (let request = 0; request < 10; request += 1) watch(node.propose(`s${request}`));
  await time.runTurns();
  assert.ok(node.stateMachine.openViews > 0);
  peers.takeSent();
  await time.advance(200);
  for (const peer of [2, 3]) assert.ok(countHeartbeats(peers.takeSent(peer)) >= 3, `too few to node ${peer}`);
});

test('rule 3 a follower answers heartbeats while its disk hangs, and promises nothing', async () => {
  const peers = await new ScriptedPeers().follow();
  const { time, node } = peers;
  await time.runTurns();
  node.logStore.holdWrites();
  const replies: Message[] = [];
  const [first] = await node.logStore.read(1, 2, 1);
  assert.ok(first !== undefined);
  const entry = { ...first, logId: { term: 5, index: 2 }, kind: 'blank' as const, membership: null };
  const rest = { session: 1, round: 1, commitIndex: 0, prevLogId: first.logId };
  peers.receive(2, { type: 'append-request', term: 5, entries: [entry], ...rest }, replies);
  peers.receive(2, heartbeat(), replies);
  await time.runTurns();
  assert.deepEqual(
    replies.map(({ type }) => type),
    ['heartbeat-response'],
  );
  node.logStore.gate.release();
  await time.runTurns();
  assert.deepEqual(
    replies.map(({ type }) => type),
    ['heartbeat-response', 'append-response'],
  );
});

test('rule 4 a long apply lets heartbeats through', async () => {
  const peers = await new ScriptedPeers({ maxPayloadEntries: 10_000 }).lead();
  const { time, node } = peers;
  let worstMs = 0;
  let lastTurnMs = time.nowMs();
  node.stateMachine.onApply = () => {
    time.spend(0.1);
    worstMs = Math.max(worstMs, time.nowMs() - lastTurnMs);
  };
  for (let request = 0; request < 5000; request += 1) watch(node.propose(`r${request}`));
  const heartbeats: number[] = [];
  while (node.runtime.appliedLogId.index < 5002) {
    lastTurnMs = time.nowMs();
    await time.runTurn();
    heartbeats.push(countHeartbeats(peers.takeSent(2)));
  }
  assert.ok(worstMs < 60, `a turn took ${worstMs} ms`);
  assert.ok(heartbeats.filter((count) => count > 0).length >= 5, 'hardly any heartbeat while applying');
});

test('rule 4 a leader whose disk hangs for an election timeout steps down, and says what was slow', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.logStore.holdWrites();
  const answer = watch(node.propose('a', { timeoutMs: 10_000 }));
  await time.advance(550);
  assert.equal(node.isLeader, true);
  await time.advance(150);
  assert.equal(node.isLeader, false);
  assert.ok(node.eventsOf('slow').some(({ what, ms }) => what === 'disk' && ms > 50));
  // A quorum without this disk committed it.
  assert.equal(answer.status(), 'fulfilled');
});

test('rule 4 a slow state machine and a blocked loop are reported', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.stateMachine.gate.hold('apply');
  watch(node.propose('a'));
  await time.advance(200);
  assert.ok(node.eventsOf('slow').some(({ what }) => what === 'apply'));
  time.spend(1000);
  await time.runTurns();
  assert.ok(node.eventsOf('slow').some(({ what, ms }) => what === 'event-loop' && ms >= 900));
});

test('rule 5 without a quorum requests are refused once the limit is reached, and memory stays bounded', async () => {
  const maxUncommittedBytes = 10_000;
  const peers = await new ScriptedPeers({ maxUncommittedBytes, maxRequestBytes: 1000, checkQuorum: false }).lead();
  const { time, node } = peers;
  peers.silent.add(2).add(3);
  const answers: Watched<unknown>[] = [];
  for (let turn = 0; turn < 50; turn += 1) {
    answers.push(watch(node.propose('x'.repeat(500), { timeoutMs: 60_000 })));
    await time.runTurn();
  }
  const refused = answers.filter(({ result }) => result !== null);
  assert.ok(refused.length > 25, `only ${refused.length} were refused`);
  for (const { result } of refused) {
    assert.ok(result?.status === 'rejected' && result.reason instanceof BusyError);
    assert.equal(result.reason.limit, 'maxUncommittedBytes');
  }
  const { lastLogIndex, logCacheBytes } = node.runtime.metrics();
  assert.ok(lastLogIndex <= 22, `the log grew to ${lastLogIndex} entries`);
  assert.ok(logCacheBytes <= 2 * maxUncommittedBytes);
  peers.silent.clear();
  await time.advance(500);
  const later = node.propose('later');
  await time.runTurns();
  assert.equal((await later).response, 'done later');
});

test('rule 5 requests of one turn are bounded too', async () => {
  const peers = await new ScriptedPeers({ maxUncommittedBytes: 10_000, maxRequestBytes: 1000 }).lead();
  const { time, node } = peers;
  const answers = Array.from({ length: 50 }, () => watch(node.propose('x'.repeat(500))));
  await time.runTurns();
  const refused = answers.filter(({ result }) => result?.status === 'rejected');
  assert.ok(refused.length > 25 && refused.length < 45, `${refused.length} were refused`);
  assert.ok(refused.every(({ result }) => result?.status === 'rejected' && result.reason instanceof BusyError));
  assert.ok(answers.every(({ result }) => result !== null));
});

test('rule 5 a peer whose queue is full is paused, and caught up with later', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node, network } = peers;
  network.to(3).isFull = true;
  for (let request = 0; request < 20; request += 1) watch(node.propose(`r${request}`));
  await time.advance(200);
  network.to(3).isFull = false;
  await time.advance(500);
  const { replication } = node.runtime.metrics();
  assert.equal(replication?.get(3)?.matchIndex, 22);
});

test('rule 4 what a leader with a hanging disk had not committed is unknown to its callers', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.logStore.holdWrites();
  peers.silent.add(2).add(3);
  const answer = watch(node.propose('a', { timeoutMs: 10_000 }));
  await time.advance(1500);
  assert.equal(node.isLeader, false);
  assert.ok(answer.result?.status === 'rejected' && answer.result.reason instanceof IndeterminateError);
});
