/** Forming a cluster, and what an operator may switch or trigger. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import {
  ELECTION_MAX_MS,
  effectsOf,
  HEARTBEAT_MS,
  heartbeatRequest,
  nodesOf,
  onlyEffect,
  sentMessages,
} from '../../support/core-kit.ts';
import { SoloCore } from '../../support/solo-core.ts';

describe('initialize', () => {
  test('writes the first membership as entry 0:1 and campaigns as soon as that is durable', () => {
    const node = new SoloCore();
    const effects = node.step({ type: 'initialize', id: 5, nodes: nodesOf([1, 2, 3]) });
    const [entry] = effectsOf(effects, 'persist')[0]?.entries ?? [];
    assert.deepEqual(entry?.logId, logId(0, 1));
    assert.deepEqual(entry?.membership?.configs, [[1, 2, 3]]);
    assert.equal(onlyEffect(effects, 'membership-changed').id, 5);
    assert.deepEqual(
      sentMessages(effects).map(({ to, message }) => [to, message.type]),
      [
        [2, 'pre-vote-request'],
        [3, 'pre-vote-request'],
      ],
    );
  });

  test('writes the same entry on every node that is initialised alike', () => {
    const entries = [1, 2].map((nodeId) => {
      const node = new SoloCore({}, { nodeId });
      node.nowMs = nodeId * 1000;
      return effectsOf(node.step({ type: 'initialize', id: 5, nodes: nodesOf([1, 2]) }), 'persist')[0]?.entries;
    });
    assert.deepEqual(entries[0], entries[1]);
    assert.equal(entries[0]?.length, 1);
  });

  test('is answered when the entry is durable', () => {
    const node = new SoloCore();
    node.isDiskSlow = true;
    const effects = node.step({ type: 'initialize', id: 5, nodes: nodesOf([1]) });
    assert.deepEqual(effectsOf(effects, 'membership-changed'), []);
    assert.equal(onlyEffect(node.flushDisk(), 'membership-changed').id, 5);
  });

  test('takes part in no term before the entry is durable: what a crash cuts short can be repeated', () => {
    for (const ids of [[1], [1, 2, 3]]) {
      const node = new SoloCore({}, { preVote: false });
      node.isDiskSlow = true;
      const first = node.step({ type: 'initialize', id: 5, nodes: nodesOf(ids) });
      node.nowMs = 10 * ELECTION_MAX_MS;
      const effects = [...first, ...node.step({ type: 'tick' })];
      assert.deepEqual(node.core.state.hardState, { term: 0, votedFor: null });
      assert.deepEqual(sentMessages(effects), []);
      node.flushDisk();
      assert.deepEqual(node.core.state.hardState, { term: 1, votedFor: 1 });
    }
  });

  test('a cluster that another one formed meanwhile is joined, not disturbed', () => {
    const node = new SoloCore();
    node.isDiskSlow = true;
    node.step({ type: 'initialize', id: 5, nodes: nodesOf([1, 2, 3]) });
    node.receive(2, heartbeatRequest(1));
    node.flushDisk();
    assert.deepEqual([node.core.state.hardState, node.core.state.leaderId], [{ term: 1, votedFor: null }, 2]);
  });

  test('a single node leads, and commits as soon as its disk is done', () => {
    const node = new SoloCore();
    node.step({ type: 'initialize', id: 5, nodes: nodesOf([1]) });
    assert.equal(node.core.state.role.name, 'leader');
    assert.deepEqual(node.core.state.log.logIdAt(node.core.state.commitIndex), logId(1, 2));
  });

  const refused: [name: string, node: () => SoloCore, ids: number[], code: string][] = [
    ['a node with a log', () => new SoloCore({ logTerms: [0] }), [1], 'already-initialized'],
    ['a node that voted', () => new SoloCore({ hardState: { term: 1, votedFor: 2 } }), [1], 'already-initialized'],
    ['nodes without itself', () => new SoloCore(), [2, 3], 'not-in-members'],
  ];
  for (const [name, make, ids, code] of refused) {
    test(`is refused: ${name}`, () => {
      const node = make();
      const { lastIndex } = node.core.state.log;
      const effects = node.step({ type: 'initialize', id: 5, nodes: nodesOf(ids) });
      assert.equal(onlyEffect(effects, 'membership-refused').refusal.code, code);
      assert.deepEqual(effectsOf(effects, 'persist'), []);
      assert.equal(node.core.state.log.lastIndex, lastIndex);
    });
  }
});

describe('switches', () => {
  test('without ticks nothing is due, and nothing happens', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.step({ type: 'switch', tick: false, heartbeat: true, elect: true });
    assert.equal(node.core.deadlineMs, Number.POSITIVE_INFINITY);
    assert.deepEqual(node.tickAt(10 * ELECTION_MAX_MS), []);
    node.step({ type: 'switch', tick: true, heartbeat: true, elect: true });
    node.tickAt(10 * ELECTION_MAX_MS);
    assert.equal(node.core.state.role.name, 'pre-candidate');
  });

  test('without elections a node campaigns only when asked to', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.step({ type: 'switch', tick: true, heartbeat: true, elect: false });
    assert.equal(node.core.deadlineMs, Number.POSITIVE_INFINITY);
    node.tickAt(10 * ELECTION_MAX_MS);
    assert.equal(node.core.state.role.name, 'follower');
    node.step({ type: 'elect' });
    assert.equal(node.core.state.role.name, 'pre-candidate');
  });

  test('without heartbeats a leader sends none by itself, but still replicates', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    node.step({ type: 'switch', tick: true, heartbeat: false, elect: true });
    assert.deepEqual(effectsOf(node.tickAt(HEARTBEAT_MS), 'send'), []);
    assert.equal(effectsOf(node.propose('x'), 'replicate').length, 1);
    assert.equal(effectsOf(node.step({ type: 'heartbeat' }), 'send').length, 1);
  });
});

describe('what only a leader does', () => {
  test('is ignored on others', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    for (const type of ['heartbeat', 'step-down'] as const) assert.deepEqual(node.step({ type }), []);
    assert.deepEqual(node.step({ type: 'peer-unreachable', peer: 2 }), []);
    assert.deepEqual(node.step({ type: 'snapshot-send-failed', to: 2, session: 1 }), []);
    assert.equal(node.core.leaseUntilMs(), Number.NEGATIVE_INFINITY);
    assert.equal(node.core.quorumContactMs(0), null);
    assert.equal(node.core.hasNotice, false);
  });

  test('says when a quorum was last heard', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.nowMs = 70;
    node.beat(2);
    assert.equal(node.core.quorumContactMs(90), 70);
    const alone = new SoloCore({ voters: [1] });
    alone.becomeSettledLeader();
    assert.equal(alone.core.quorumContactMs(1234), 1234);
  });
});
