/** Membership changes on running clusters, from the request to its end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, effectsOf, nodesOf, onlyEffect } from '../../support/core-kit.ts';
import type { TestNode } from '../../support/core-node.ts';

const votersOf = (node: TestNode): readonly (readonly NodeId[])[] =>
  node.core.state.membership.effective.membership.configs;

const membersOf = (node: TestNode): NodeId[] => [...node.core.state.membership.effective.membership.nodes.keys()];

const membershipEntries = (node: TestNode): Entry[] => node.entries.filter(({ kind }) => kind === 'membership');

function write(node: TestNode, count: number, text = 'x'): string[] {
  const texts = Array.from({ length: count }, (_, number) => `${text}${number}`);
  for (const one of texts) assert.equal(node.propose(one).accepted, 1);
  return texts;
}

describe('a change of the voters', () => {
  test('M-05 takes two entries, and ends when the second one is committed', () => {
    const cluster = new CoreCluster({ voters: [1], nodes: { 2: { voters: [] } } });
    const leader = cluster.elect(1);
    write(leader, 100);
    leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
    cluster.deliver();
    const before = membershipEntries(leader).length;
    leader.change(2, { type: 'add-voter-ids', ids: [2] });
    cluster.deliverOnce();
    cluster.deliverOnce();
    // The joint entry is committed, the last one is on its way.
    assert.deepEqual(votersOf(leader), [[1, 2]]);
    assert.equal(leader.commitIndex, leader.lastLogId.index - 1);
    assert.equal(
      effectsOf(leader.history, 'membership-changed').some(({ id }) => id === 2),
      false,
    );
    cluster.deliver();
    const { result } = effectsOf(leader.history, 'membership-changed').find(({ id }) => id === 2) ?? {};
    assert.deepEqual(result?.logId, leader.lastLogId);
    assert.deepEqual(
      membershipEntries(leader)
        .slice(before)
        .map(({ membership }) => membership?.configs),
      [[[1], [1, 2]], [[1, 2]]],
    );
    assert.deepEqual(cluster.node(2).entries, leader.entries);
    for (const id of [1, 2]) {
      const { committed, effective } = cluster.node(id).core.state.membership;
      assert.deepEqual([committed.logId, effective.logId], [leader.lastLogId, leader.lastLogId]);
    }
  });

  test('M-06 with retain, a removed voter stays as a learner and gets what follows', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    leader.change(1, { type: 'replace-all-voters', ids: [1, 2] }, true);
    cluster.deliver();
    leader.propose('x');
    cluster.deliver();
    assert.equal(cluster.node(3).role, 'learner');
    assert.deepEqual(cluster.node(3).appliedTexts, ['x']);
    for (const id of cluster.ids) {
      assert.deepEqual(votersOf(cluster.node(id)), [[1, 2]]);
      assert.deepEqual(membersOf(cluster.node(id)), [1, 2, 3]);
    }
  });

  for (const { from, change, to } of [
    { from: [1], change: { type: 'replace-all-voters', ids: [2, 3] }, to: [2, 3] },
    { from: [1, 2], change: { type: 'replace-all-voters', ids: [2, 3] }, to: [2, 3] },
    { from: [1, 2], change: { type: 'replace-all-voters', ids: [2] }, to: [2] },
    { from: [1, 2, 3, 4, 5], change: { type: 'replace-all-voters', ids: [1, 2, 3, 4] }, to: [1, 2, 3, 4] },
    { from: [1], change: { type: 'add-voter-ids', ids: [1, 2] }, to: [1, 2] },
  ] satisfies { from: NodeId[]; change: MembershipChange; to: NodeId[] }[]) {
    test(`M-08 from {${from}} to {${to}} the new voters get a leader of their own and all writes`, () => {
      const added = to.filter((id) => !from.includes(id));
      const cluster = new CoreCluster({
        voters: from,
        nodes: Object.fromEntries(added.map((id) => [id, { voters: [] }])),
      });
      const first = cluster.elect(1);
      const texts = write(first, 10, 'before');
      cluster.deliver();
      if (added.length > 0) first.change(1, { type: 'add-nodes', nodes: nodesOf(added) });
      cluster.deliver();
      const entriesBefore = membershipEntries(first).length;

      first.change(2, change);
      cluster.advanceUntil(() => to.includes(cluster.leader?.id ?? 0), 5000);
      cluster.advance(100);
      const second = cluster.leader;
      assert.ok(second !== null);
      assert.equal(membershipEntries(second).length - entriesBefore, 2);
      assert.ok(second.term >= (to.includes(1) ? 1 : 2));

      texts.push(...write(second, 10, 'after'));
      cluster.advance(5000);
      for (const id of to) assert.deepEqual(cluster.node(id).appliedTexts, texts, `node ${id}`);
      for (const id of from.filter((old) => !to.includes(old))) {
        assert.deepEqual(cluster.node(id).appliedTexts, texts.slice(0, 10), `node ${id}`);
        assert.notEqual(cluster.node(id).role, 'leader');
      }
    });
  }

  test('M-12 is not committed by the leader alone, even if it is a majority of the old voters', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2, 3] });
    const leader = cluster.elect(1);
    cluster.deliver();
    const { appliedIndex } = leader;
    for (const id of [2, 3]) cluster.isolate(id);
    leader.change(1, { type: 'add-voter-ids', ids: [2, 3] });
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.deepEqual(votersOf(leader), [[1], [1, 2, 3]]);
    assert.equal(leader.appliedIndex, appliedIndex);
    assert.deepEqual(effectsOf(leader.history, 'membership-changed'), []);
  });

  test('M-12 is finished once the new voters are back, though the leader had to step down meanwhile', () => {
    const cluster = new CoreCluster({ voters: [1], learners: [2, 3] });
    const leader = cluster.elect(1);
    cluster.deliver();
    for (const id of [2, 3]) cluster.isolate(id);
    leader.change(1, { type: 'add-voter-ids', ids: [2, 3] });
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.notEqual(leader.role, 'leader');
    cluster.heal();
    cluster.advance(2 * ELECTION_MAX_MS);
    for (const id of cluster.ids) {
      assert.deepEqual(votersOf(cluster.node(id)), [[1, 2, 3]]);
      const { committed, effective } = cluster.node(id).core.state.membership;
      assert.equal(committed, effective);
    }
  });

  test('M-35 never takes effect with too few of the voters, and is not lost either', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3, 4] });
    const leader = cluster.elect(1);
    cluster.partition([1, 4], [2], [3]);
    leader.change(1, { type: 'remove-voters', ids: [4] });
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.deepEqual(effectsOf(leader.history, 'membership-changed'), []);
    for (const id of cluster.ids) {
      const node = cluster.node(id);
      for (const { membership } of effectsOf(node.history, 'membership-effective')) {
        assert.notDeepEqual(membership.membership.configs, [[1, 2, 3]]);
      }
      assert.deepEqual(node.core.state.membership.committed.logId, NO_LOG_ID);
    }
    // With a quorum of both sets it goes on.
    cluster.heal();
    cluster.advance(2 * ELECTION_MAX_MS);
    for (const id of [1, 2, 3]) assert.deepEqual(votersOf(cluster.node(id)), [[1, 2, 3]]);
  });
});

describe('removed followers', () => {
  for (const { from, learners, to, writes } of [
    { from: [1, 2, 3], learners: [4, 5], to: [1, 4, 5], writes: 10 },
    { from: [1, 2, 3, 4, 5], learners: [], to: [1, 2, 3, 4], writes: 100 },
  ]) {
    test(`M-17 from {${from}} to {${to}} the removed ones get nothing after the entry that removed them`, () => {
      const cluster = new CoreCluster({ voters: from, learners });
      const leader = cluster.elect(1);
      leader.change(1, { type: 'replace-all-voters', ids: to });
      cluster.deliver();
      const { result } = onlyEffect(leader.history, 'membership-changed');
      const texts = write(leader, writes);
      cluster.advance(2 * ELECTION_MAX_MS);
      for (const id of to) assert.deepEqual(cluster.node(id).appliedTexts, texts);
      const removed = from.filter((id) => !to.includes(id));
      for (const id of removed) {
        assert.deepEqual(cluster.node(id).lastLogId, result.logId);
        assert.deepEqual(cluster.node(id).appliedTexts, []);
        assert.equal(cluster.node(id).role, 'learner');
      }
      // And by now the leader has forgotten them.
      leader.propose('last');
      leader.step({ type: 'heartbeat' });
      assert.deepEqual(
        leader.takeOutbox().filter((envelope) => removed.includes(envelope.to)),
        [],
      );
    });
  }
});

describe('a change that touches no vote', () => {
  test('M-29 removes a learner, which is replicated to no longer, but no voter', () => {
    const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
    const leader = cluster.elect(1);
    leader.change(1, { type: 'remove-nodes', ids: [3] });
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.equal(onlyEffect(leader.history, 'membership-changed').id, 1);
    assert.deepEqual(membersOf(leader), [1, 2]);
    leader.propose('x');
    leader.step({ type: 'heartbeat' });
    assert.deepEqual([...new Set(leader.takeOutbox().map(({ to }) => to))], [2]);

    const { lastLogId } = leader;
    leader.change(2, { type: 'remove-nodes', ids: [2] });
    const { id, refusal } = onlyEffect(leader.history, 'membership-refused');
    assert.deepEqual([id, refusal], [2, { code: 'learner-not-found', nodeId: 2 }]);
    assert.deepEqual(leader.lastLogId, lastLogId);
  });
});

describe('a refused change', () => {
  /** Leads alone, and knows of no other node. */
  const single = (): TestNode => new CoreCluster({ voters: [1] }).elect(1);

  for (const { name, change, refusal } of [
    {
      name: 'M-04 of a voter that is no member',
      change: { type: 'replace-all-voters', ids: [1, 2] },
      refusal: { code: 'learner-not-found', nodeId: 2 },
    },
    {
      name: 'M-11 that removes the last voter',
      change: { type: 'remove-voters', ids: [1] },
      refusal: { code: 'empty-membership' },
    },
    {
      name: 'M-11 to no voters at all',
      change: { type: 'replace-all-voters', ids: [] },
      refusal: { code: 'empty-membership' },
    },
  ] satisfies { name: string; change: MembershipChange; refusal: object }[]) {
    test(`${name} appends nothing, and the next attempt is refused as well`, () => {
      const leader = single();
      const { lastLogId } = leader;
      for (const id of [1, 2]) {
        assert.deepEqual(leader.change(id, change), [{ type: 'membership-refused', id, refusal }]);
      }
      assert.deepEqual(leader.lastLogId, lastLogId);
      leader.propose('x');
      assert.deepEqual(leader.appliedTexts, ['x']);
    });
  }

  test('M-03 names the config that is committed and the one that is not', () => {
    const cluster = new CoreCluster({ voters: [1], nodes: { 2: { voters: [] } } });
    const leader = cluster.elect(1);
    leader.change(1, { type: 'add-nodes', nodes: nodesOf([2]) });
    cluster.deliver();
    cluster.isolate(2);
    leader.change(2, { type: 'add-voter-ids', ids: [2] });
    leader.change(3, { type: 'add-nodes', nodes: nodesOf([3]) });
    const { id, refusal } = onlyEffect(leader.history, 'membership-refused');
    assert.deepEqual([id, refusal], [3, { code: 'change-in-progress', committed: logId(1, 2), pending: logId(1, 3) }]);
    assert.deepEqual(leader.lastLogId, logId(1, 3));
  });
});
