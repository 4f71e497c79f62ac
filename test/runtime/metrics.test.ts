import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreachableError } from '../../src/errors.ts';
import { watch } from '../support/fake-node.ts';
import { ScriptedPeers } from '../support/scripted-peers.ts';

test('a leader shows its log, its state and its peers', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node, network } = peers;
  peers.silent.add(3);
  const answer = node.propose('a');
  await time.advance(120);
  await answer;
  network.to(3).events.onUnreachable(new UnreachableError('n3:1', 'gone'));
  const metrics = node.runtime.metrics();
  assert.deepEqual(
    [metrics.id, metrics.state, metrics.currentLeader, metrics.currentTerm, metrics.votedFor, metrics.clusterId],
    [1, 'leader', 1, 1, 1, 'cluster'],
  );
  const applied = { term: 1, index: 3 };
  assert.deepEqual([metrics.lastLogIndex, metrics.durableIndex], [3, 3]);
  assert.deepEqual([metrics.committed, metrics.lastApplied], [applied, applied]);
  const second = metrics.replication?.get(2);
  assert.deepEqual([second?.matchIndex, second?.isReachable], [3, true]);
  const third = metrics.replication?.get(3);
  assert.equal(third?.isReachable, false);
  assert.ok((third?.matchIndex ?? 9) < 3 && (third?.contactAgeMs ?? 0) >= 100);
  assert.ok((metrics.millisSinceQuorumAck ?? 999) < 100);
  assert.deepEqual([...metrics.membership.membership.nodes.keys()], [1, 2, 3]);
  assert.equal(metrics.pendingProposals, 0);
});

test('a follower shows its leader, and no peers', async () => {
  const { node } = await new ScriptedPeers().follow();
  const metrics = node.runtime.metrics();
  assert.deepEqual([metrics.state, metrics.currentLeader, metrics.currentTerm], ['follower', 2, 5]);
  assert.deepEqual([metrics.replication, metrics.millisSinceQuorumAck], [null, null]);
});

test('waiting proposals are counted, and so are the bytes of the cache', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const before = node.runtime.metrics().logCacheBytes;
  peers.silent.add(2).add(3);
  watch(node.propose('x'.repeat(1000)));
  watch(node.propose('b'));
  await time.runTurns();
  const { pendingProposals, logCacheBytes } = node.runtime.metrics();
  assert.equal(pendingProposals, 2);
  assert.ok(logCacheBytes > before + 1000);
});

test('a stopped node shows why, and leads nobody', async () => {
  const { node } = await new ScriptedPeers().lead();
  await node.shutdown();
  const { state, stopped, currentLeader, replication, millisSinceQuorumAck } = node.runtime.metrics();
  assert.deepEqual([state, stopped?.code], ['shutdown', 'STOPPED']);
  assert.deepEqual([currentLeader, replication, millisSinceQuorumAck], [null, null, null]);
});

test('who watches the turns is told of every change until it leaves', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const seen: number[] = [];
  const stop = node.runtime.onTurn(() => seen.push(node.runtime.metrics().lastApplied.index));
  const answer = node.propose('a');
  await time.runTurns();
  await answer;
  assert.ok(seen.includes(3));
  stop();
  const { length } = seen;
  const second = node.propose('b');
  await time.runTurns();
  await second;
  assert.equal(seen.length, length);
});
