/** Membership changes of the engine on whole nodes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BasicNode } from '../../src/core/membership/membership.ts';
import { ChangeInProgressError, MembershipError, NotLeaderError, TimeoutError } from '../../src/errors.ts';
import type { Cluster } from '../support/cluster.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';

const infoOf = (id: number): { addr: string } => ({ addr: addressOf(id) });
const nodeOf = (id: number): BasicNode => ({ addr: addressOf(id), instanceId: null, metadata: null });

/** The last membership that a node's state machine knows. */
function appliedMembership(cluster: Cluster, id: number): readonly unknown[] {
  const { logId, membership } = cluster.member(id).stateMachine.applied().membership;
  return [logId.index, membership.configs, [...membership.nodes.keys()]];
}

describe('learners', () => {
  test('M-01 adding a learner that blocks ends when it holds what the leader holds', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2] });
    const { raft } = cluster.node(1);
    await raft.addLearner(1, infoOf(1));
    assert.equal(raft.metrics().lastLogIndex, 3, 'one entry');
    assert.deepEqual(raft.metrics().membership.membership.configs, [[1]]);
    await Promise.all(['a', 'b'].map((key) => writeMany(cluster.node(1), 499, key)));

    await raft.addLearner(2, infoOf(2));
    const { lastLogIndex, replication } = raft.metrics();
    assert.equal(lastLogIndex, 1002);
    assert.equal(replication?.get(2)?.matchIndex, lastLogIndex);
    assert.equal(cluster.node(2).metrics().lastLogIndex, lastLogIndex);

    await raft.addLearner(2, { addr: 'elsewhere:1' });
    assert.equal(raft.metrics().lastLogIndex, lastLogIndex + 1);
    const { membership } = raft.metrics().membership;
    assert.deepEqual([...membership.nodes.keys()], [1, 2]);
    assert.equal(membership.nodes.get(2)?.addr, addressOf(2), 'the address of a member stays');
  });

  test('M-01 a learner catches up over a slow line, entry by entry', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      spares: [2],
      config: { maxPayloadEntries: 1, electionTimeoutMinMs: 2000, electionTimeoutMaxMs: 4000 },
    });
    await writeMany(cluster.node(1), 100);
    cluster.hub.delay({ minMs: 100, maxMs: 100 });
    await cluster.node(1).raft.addLearner(2, infoOf(2), { timeoutMs: 60_000 });
    assert.equal(cluster.node(2).metrics().lastLogIndex, cluster.node(1).metrics().lastLogIndex);
  });

  test('M-02 adding a learner that does not block ends when the membership is committed', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    await writeMany(cluster.node(1), 100);
    const stored = await raft.addLearner(2, infoOf(2), { blocking: false });
    assert.deepEqual(raft.metrics().committedMembership, stored);
    const status = raft.metrics().replication?.get(2);
    assert.equal(status?.matchIndex, 0);
  });

  test('a learner that does not catch up in time stays a learner, and the error says so', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    const error = await raft.addLearner(2, infoOf(2), { timeoutMs: 100 }).catch((e: unknown) => e);
    assert.ok(error instanceof TimeoutError);
    assert.match(
      error.message,
      /catching up of node 2 .* holds 0 of 3 entries, and is not reachable; it is a learner now/,
    );
    assert.doesNotMatch(error.message, /nothing was changed/);
    assert.deepEqual(cluster.node(1).learnerIds(), [2]);
  });

  test('M-26 a learner that is started again without its leader stays a learner', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    const { lastLogIndex } = cluster.node(1).metrics();
    await cluster.applied(lastLogIndex);
    const { currentTerm, lastApplied } = cluster.node(2).metrics();
    await cluster.stop(1);
    await cluster.stop(2);
    const { raft } = await cluster.startNode(2);
    assert.deepEqual(raft.metrics().lastApplied, lastApplied);
    assert.equal(cluster.value(2, 'a'), 1);
    await raft.trigger().elect();
    await assert.rejects(raft.clientWrite({ key: 'a', value: 2 }), NotLeaderError);
    assert.deepEqual([raft.metrics().state, raft.metrics().currentTerm], ['learner', currentTerm]);
  });
});

describe('membership changes', () => {
  test('M-28 a peer that hangs delays neither changes nor writes', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2], spares: [3] });
    const { raft } = cluster.node(1);
    cluster.hang(2);
    await raft.addLearner(3, infoOf(3), { blocking: false, timeoutMs: 1500 });
    await raft.changeMembership({ type: 'remove-nodes', ids: [2] }, { timeoutMs: 1500 });
    await raft.clientWrite({ key: 'a', value: 1 }, { timeoutMs: 1500 });
    assert.deepEqual([...raft.metrics().membership.membership.nodes.keys()], [1, 3]);
  });

  test('M-28 a voter that hangs can be removed', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    const { raft } = cluster.node(1);
    cluster.hang(3);
    await raft.changeMembership([1, 2], { timeoutMs: 10_000 });
    await raft.clientWrite({ key: 'a', value: 1 }, { timeoutMs: 1500 });
    assert.deepEqual(raft.metrics().membership.membership.configs, [[1, 2]]);
  });

  test('M-39 the state machine always knows the last membership that it applied', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2, 3, 4, 5] });
    assert.deepEqual(appliedMembership(cluster, 1), [1, [[1]], [1]]);
    const { raft } = cluster.node(1);
    for (const id of [2, 3, 4, 5]) await raft.addLearner(id, infoOf(id));
    const learning = raft.metrics().lastLogIndex;
    await cluster.applied(learning, [1, 2, 3]);
    for (const id of [1, 2, 3]) {
      assert.deepEqual(appliedMembership(cluster, id), [learning, [[1]], [1, 2, 3, 4, 5]]);
    }
    const stored = await raft.changeMembership([1, 2, 3]);
    assert.equal(stored.logId.index, learning + 2, 'joint, then uniform');
    await cluster.applied(stored.logId.index, [1, 2, 3]);
    for (const id of [1, 2, 3]) {
      assert.deepEqual(appliedMembership(cluster, id), [stored.logId.index, [[1, 2, 3]], [1, 2, 3, 4, 5]]);
    }
  });

  test('every kind of change is to be had', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2, 3] });
    const { raft } = cluster.node(1);
    const shape = (): unknown => {
      const { configs, nodes } = raft.metrics().membership.membership;
      return [configs, [...nodes.keys()]];
    };
    await raft.changeMembership({ type: 'add-nodes', nodes: new Map([[2, nodeOf(2)]]) });
    await raft.changeMembership({ type: 'add-voter-ids', ids: [2] });
    assert.deepEqual(shape(), [[[1, 2]], [1, 2]]);
    await raft.changeMembership({ type: 'add-voters', nodes: new Map([[3, nodeOf(3)]]) });
    assert.deepEqual(shape(), [[[1, 2, 3]], [1, 2, 3]]);
    await raft.changeMembership({ type: 'remove-voters', ids: [3] }, { retain: true });
    assert.deepEqual(shape(), [[[1, 2]], [1, 2, 3]]);
    await raft.changeMembership([1]);
    assert.deepEqual(shape(), [[[1]], [1, 3]]);
    await raft.changeMembership({
      type: 'set-nodes',
      nodes: new Map([[3, { ...nodeOf(3), metadata: { zone: 'b' } }]]),
    });
    assert.deepEqual(raft.metrics().membership.membership.nodes.get(3)?.metadata, { zone: 'b' });
    await raft.changeMembership({ type: 'replace-all-nodes', nodes: new Map([1, 2].map((id) => [id, nodeOf(id)])) });
    assert.deepEqual(shape(), [[[1]], [1, 2]]);
    await raft.changeMembership({ type: 'remove-nodes', ids: [2] });
    const changes = [
      { type: 'add-nodes', nodes: new Map([2, 3].map((id) => [id, nodeOf(id)])) },
      { type: 'add-voter-ids', ids: [2] },
    ] as const;
    await raft.changeMembership({ type: 'batch', changes });
    assert.deepEqual(shape(), [[[1, 2]], [1, 2, 3]]);
  });

  test('impossible changes are refused, and nothing is appended', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    const { raft } = cluster.node(1);
    const { lastLogIndex } = raft.metrics();
    await assert.rejects(raft.changeMembership([]), MembershipError);
    await assert.rejects(raft.changeMembership([1, 9]), /learner not found: 9/);
    await assert.rejects(raft.addLearner(0, infoOf(3)), RangeError);
    await assert.rejects(raft.addLearner(3, { addr: 'a b' }), TypeError);
    await assert.rejects(cluster.node(2).raft.changeMembership([2]), NotLeaderError);
    assert.equal(raft.metrics().lastLogIndex, lastLogIndex);
    cluster.isolate(2);
    const pending = raft.changeMembership([1]);
    pending.catch(() => undefined);
    await raft.wait().logIndex(lastLogIndex + 1);
    const error = await raft.changeMembership([1]).catch((e: unknown) => e);
    assert.ok(error instanceof ChangeInProgressError);
    assert.equal(error.pending.index, lastLogIndex + 1);
    cluster.heal();
    await pending;
  });
});
