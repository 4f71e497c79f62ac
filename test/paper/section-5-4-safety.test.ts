/** "Safety" (§5.4), "Follower and candidate crashes" (§5.5) and "Timing and availability" (§5.6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendRequest,
  appendResponse,
  at,
  effectsOf,
  entriesOf,
  makeCore,
  voteResponse,
} from '../support/core-kit.ts';
import { TestNode } from '../support/core-node.ts';

test('§5.4.1 a candidate whose log lacks a committed entry can not win', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  leader.propose('x');
  cluster.deliver();
  cluster.crash(1);
  cluster.heal();
  cluster.skip(2000);
  cluster.node(3).campaign();
  cluster.deliver();
  assert.notEqual(cluster.node(3).role, 'leader');
  cluster.advanceUntil(() => cluster.leader !== null);
  assert.equal(cluster.leader?.id, 2);
});

test('§5.4.1 leader completeness: a new leader has all committed entries of earlier terms', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3, 4, 5] });
  cluster.elect(1).propose('a');
  cluster.deliver();
  for (const id of [2, 3, 4, 5]) {
    const before = cluster.leader?.appliedTexts ?? [];
    const leader = cluster.elect(id);
    cluster.deliver();
    assert.deepEqual(leader.appliedTexts.slice(0, before.length), before);
    leader.propose(`of ${id}`);
    cluster.deliver();
  }
  assert.deepEqual(cluster.node(5).appliedTexts, ['a', 'of 2', 'of 3', 'of 4', 'of 5']);
});

test('§5.4.2 an entry of an earlier term is not committed by counting replicas', () => {
  const core = makeCore({ voters: [1, 2, 3], logTerms: [1, 2] }, { preVote: false });
  core.step({ type: 'elect' }, at(0));
  core.step({ type: 'persisted', seq: 1 }, at(0));
  const effects = core.step({ type: 'message', from: 2, message: voteResponse(3, true), token: 0 }, at(0));
  core.step({ type: 'persisted', seq: 2 }, at(0));
  const session = effectsOf(effects, 'replicate').find(({ to }) => to === 2)?.session ?? 0;
  const commits = [1, 2, 3].map((matchIndex) => {
    const message = appendResponse(3, { session, prevIndex: matchIndex, matchIndex });
    core.step({ type: 'message', from: 2, message, token: 0 }, at(0));
    return core.state.commitIndex;
  });
  assert.deepEqual(commits, [0, 0, 3]);
});

test('§5.4.3 state machine safety: nobody applies another entry at an index that was applied', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1).propose('a');
  cluster.deliver();
  cluster.isolate(1);
  cluster.node(1).propose('never');
  cluster.elect(2).propose('b');
  cluster.deliver();
  cluster.heal();
  cluster.advance(1000);
  for (const id of cluster.ids) assert.deepEqual(cluster.node(id).appliedTexts, ['a', 'b']);
});

test('§5.5 requests are idempotent: a repeated append changes nothing, and is answered alike', () => {
  const node = new TestNode({ id: 1, voters: [1, 2, 3] });
  const request = appendRequest(1, { entries: entriesOf([1, 1]), commitIndex: 1 });
  node.receive(2, request);
  const [first] = node.takeOutbox();
  const { logTerms, commitIndex } = node;
  node.receive(2, request);
  const [second] = node.takeOutbox();
  assert.deepEqual(second, first);
  assert.deepEqual(node.logTerms, logTerms);
  assert.equal(node.commitIndex, commitIndex);
});

test('§5.5 a follower that crashed gets what it missed when it is back', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.crash(3);
  leader.propose('a', 'b');
  cluster.advance(5000);
  cluster.restart(3);
  cluster.advance(500);
  assert.deepEqual(cluster.node(3).appliedTexts, ['a', 'b']);
});

test('§5.5 a follower that crashed before its write was durable has acknowledged nothing', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  cluster.node(2).holdDisk();
  leader.propose('a');
  cluster.deliver();
  assert.equal(leader.commitIndex, 1);
  cluster.crash(2);
  cluster.restart(2);
  assert.deepEqual(cluster.node(2).logTerms, [1]);
  cluster.advance(500);
  assert.equal(leader.commitIndex, 2);
  assert.deepEqual(cluster.node(2).logTerms, [1, 1]);
});

test('§5.6 a leader elected under timeouts far above the round trip stays for good', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3, 4, 5] });
  cluster.elect(1);
  cluster.advance(100_000);
  assert.deepEqual([cluster.leader?.id, cluster.leader?.term], [1, 1]);
  assert.deepEqual(cluster.leader?.lastLogId, logId(1, 1));
});
