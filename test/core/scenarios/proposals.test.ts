/** Proposals, and what is said to those who can not be served, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { NotLeader } from '../../../src/core/refusal.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  basicNode,
  effectsOf,
  heartbeatRequest,
  nodesOf,
  onlyEffect,
  voteRequest,
} from '../../support/core-kit.ts';
import { SoloCore } from '../../support/solo-core.ts';

const NOBODY: NotLeader = { code: 'not-leader', leaderId: null, leaderNode: null };

/** A write, a read and a membership change; returns why each was refused. */
function askForAll(node: SoloCore): unknown[] {
  const effects: Effect[] = [
    ...node.propose('x'),
    ...node.step({ type: 'read', id: 1, policy: 'read-index' }),
    ...node.step({
      type: 'change-membership',
      id: 2,
      change: { type: 'add-nodes', nodes: nodesOf([9]) },
      retain: false,
    }),
    ...node.step({ type: 'transfer', id: 3, to: null }),
  ];
  return [
    onlyEffect(effects, 'proposed').refusal,
    onlyEffect(effects, 'read-refused').refusal,
    onlyEffect(effects, 'membership-refused').refusal,
    onlyEffect(effects, 'transfer-refused').refusal,
  ];
}

test('A-03 a follower points to the leader', () => {
  const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: 3 } });
  node.receive(3, heartbeatRequest(1));
  const pointer: NotLeader = { code: 'not-leader', leaderId: 3, leaderNode: basicNode(3) };
  assert.deepEqual(askForAll(node), [pointer, pointer, pointer, pointer]);
  assert.equal(node.core.state.log.lastIndex, 0);
});

test('A-04 without a leader the answer comes at once, and points to nobody', () => {
  const voted = new SoloCore({ voters: [1, 2, 3] });
  voted.receive(2, voteRequest(1, logId(0, 0)));
  for (const node of [voted, new SoloCore({ voters: [1, 2, 3] }), new SoloCore()]) {
    assert.deepEqual(askForAll(node), [NOBODY, NOBODY, NOBODY, NOBODY]);
    assert.equal(node.core.state.log.lastIndex, 0);
  }
});

test('A-05 a leader that is no member is not pointed to', () => {
  const node = new SoloCore({ voters: [1, 2] });
  node.receive(3, heartbeatRequest(1));
  assert.equal(node.core.state.leaderId, 3);
  assert.deepEqual(askForAll(node), [NOBODY, NOBODY, NOBODY, NOBODY]);
});

test('A-06 a write that a new leader removes is known to be lost, and who leads', () => {
  const cluster = new CoreCluster({ voters: [1, 2] });
  const node = cluster.elect(1);
  cluster.isolate(2);
  const { firstLogId } = node.propose('lost');
  const request = appendRequest(10, { prevLogId: logId(10, firstLogId.index) });
  const effects = node.receive(2, request);
  assert.equal(onlyEffect(effects, 'persist').truncateFrom, firstLogId.index);
  const roles = effectsOf(effects, 'role-changed');
  assert.deepEqual(roles.at(-1), { type: 'role-changed', role: 'follower', term: 10, leaderId: 2 });
  assert.deepEqual(node.propose('again').refusal, { code: 'not-leader', leaderId: 2, leaderNode: basicNode(2) });
  assert.ok(!node.appliedTexts.includes('lost'));
});

describe('A-09 a write is committed by a majority', () => {
  const cases: [size: number, reachable: number, isCommitted: boolean][] = [
    [3, 1, false],
    [4, 2, false],
    [3, 2, true],
    [5, 3, true],
  ];
  for (const [size, reachable, isCommitted] of cases) {
    test(`${reachable} of ${size} reachable: ${isCommitted ? 'committed' : 'not committed, applied nowhere'}`, () => {
      const voters: NodeId[] = Array.from({ length: size }, (_, position) => position + 1);
      const cluster = new CoreCluster({ voters });
      const leader = cluster.elect(1);
      cluster.partition(voters.slice(0, reachable), voters.slice(reachable));
      leader.propose('x');
      cluster.deliver();
      const applied = voters.filter((id) => cluster.node(id).appliedTexts.includes('x'));
      assert.deepEqual(applied, isCommitted ? voters.slice(0, reachable) : []);
    });
  }
});

test('A-11 a write during an election fails at once, leaves nothing, and succeeds later', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const old = cluster.elect(1);
  cluster.crash(1);
  cluster.cutBoth(2, 3);
  cluster.advanceUntil(() => cluster.ids.some((id) => cluster.node(id).isAlive && isCampaigning(cluster, id)));
  const candidate = cluster.ids.find((id) => id !== old.id && isCampaigning(cluster, id)) ?? 0;
  const { lastLogId } = cluster.node(candidate);
  assert.deepEqual(cluster.node(candidate).propose('x').refusal, NOBODY);
  assert.deepEqual(cluster.node(candidate).lastLogId, lastLogId);
  cluster.heal();
  cluster.advanceUntil(() => cluster.leader !== null);
  assert.equal(cluster.leader?.propose('x').refusal, null);
  cluster.deliver();
  assert.deepEqual(cluster.leader?.appliedTexts, ['x']);
});

function isCampaigning(cluster: CoreCluster, id: NodeId): boolean {
  return ['candidate', 'pre-candidate'].includes(cluster.node(id).role);
}
