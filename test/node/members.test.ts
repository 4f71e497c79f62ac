/** Members come and go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MembershipError, NotLeaderError, PeerRefusedError, TimeoutError, UnreachableError } from '../../src/errors.ts';
import type { NodeEvent } from '../../src/runtime/events.ts';
import type { KvNode } from '../support/cluster.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => null,
    (e: unknown) => e,
  );

async function assertRefused(
  call: Promise<unknown>,
  reason: PeerRefusedError['reason'],
  message: RegExp,
): Promise<void> {
  const error = await failureOf(call);
  assert.ok(error instanceof PeerRefusedError, String(error));
  assert.equal(error.reason, reason);
  assert.match(error.message, message);
}

async function nextEvent(events: AsyncIterable<NodeEvent>, type: NodeEvent['type']): Promise<NodeEvent> {
  for await (const event of events) if (event.type === type) return event;
  throw new Error(`no event ${type}`);
}

function membersOf(node: KvNode): unknown {
  return { voters: node.voterIds(), learners: node.learnerIds(), all: node.allMemberIds() };
}

describe('adding members', () => {
  test('K-04 a node alone, then a learner: both hold what is written', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1, 2] });
    const node = cluster.node(1);
    await node.bootstrap({ timeoutMs: 5000 });
    await node.addLearner(2, addressOf(2));
    await writeMany(node, 5);
    assert.deepEqual([node.leaderId(), node.voterIds(), node.learnerIds()], [1, [1], [2]]);
    await Promise.all([1, 2].map((id) => cluster.node(id).wait(5000).appliedIndexAtLeast(5)));
    await cluster.applied(node.metrics().lastLogIndex);
    assert.deepEqual([cluster.value(1, 'k'), cluster.value(2, 'k')], [5, 5]);
  });

  test('BUG-17 voters can be added at the same time', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2, 3, 4, 5] });
    const node = cluster.node(1);
    await writeMany(node, 20);
    await Promise.all([2, 3, 4, 5].map((id) => node.addVoter(id, addressOf(id))));
    assert.deepEqual(membersOf(node), { voters: [1, 2, 3, 4, 5], learners: [], all: [1, 2, 3, 4, 5] });
    assert.equal(node.voterCount(), 5);
    await cluster.applied(node.metrics().lastLogIndex);
    assert.equal(cluster.value(5, 'k'), 20);
  });

  test('the membership records store and metadata of a member', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1, 2] });
    const node = cluster.node(1);
    await node.bootstrap({ metadata: { zone: 'a' } });
    await node.addVoter(2, addressOf(2), { metadata: { zone: 'b' } });
    const { nodes } = node.metrics().membership.membership;
    for (const [id, zone] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      const { instanceId } = cluster.node(id).metrics();
      assert.deepEqual(nodes.get(id), { addr: addressOf(id), instanceId, metadata: { zone } });
    }
    assert.equal(cluster.node(2).metrics().clusterId, node.metrics().clusterId);
  });

  test('an unreachable node costs nothing', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    const node = cluster.node(1);
    const { lastLogIndex } = node.metrics();
    for (const call of [node.addVoter(3, addressOf(3)), node.addLearner(3, addressOf(3), { blocking: false })]) {
      const error = await failureOf(call);
      assert.ok(error instanceof UnreachableError);
      assert.equal(error.addr, addressOf(3));
    }
    await assert.rejects(node.addLearner(3, ''), TypeError);
    await assert.rejects(node.addLearner(-3, addressOf(3)), RangeError);
    assert.equal(node.metrics().lastLogIndex, lastLogIndex);
    assert.deepEqual(node.allMemberIds(), [1, 2]);
  });

  test('a node that takes the connection and says nothing is given up in time', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2] });
    cluster.hang(2);
    const error = await failureOf(cluster.node(1).addVoter(2, addressOf(2), { timeoutMs: 50 }));
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /nobody answered within 50 ms/);
    const abort = new AbortController();
    const aborted = failureOf(cluster.node(1).addVoter(2, addressOf(2), { signal: abort.signal }));
    const reason = new Error('not needed any more');
    abort.abort(reason);
    assert.equal(await aborted, reason);
    assert.deepEqual(cluster.node(1).allMemberIds(), [1]);
  });

  test('who answers under another id, or belongs elsewhere, is refused before anything is written', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2, 3] });
    const node = cluster.node(1);
    await cluster.node(3).bootstrap();
    await assertRefused(node.addVoter(4, addressOf(2)), 'node', /node 2 answers at n2:1, not node 4/);
    await assertRefused(node.addVoter(3, addressOf(3)), 'cluster', /belongs to cluster .* already/);
    assert.equal(node.metrics().lastLogIndex, 2);
    assert.deepEqual(cluster.node(3).allMemberIds(), [3]);
  });

  test('a node of another cluster name is refused', async (t) => {
    const here = await startCluster(t, { ids: [1] });
    const there = await startCluster(t, { ids: [], spares: [2], config: { clusterName: 'other' } });
    // Both have a network of their own: node 2 is made known to the first one.
    const network = here.hub.network(addressOf(2));
    await network.open(there.node(2).raft.inbound);
    t.after(() => network.close());
    await assertRefused(here.node(1).addVoter(2, addressOf(2)), 'cluster', /cluster name 'other', this node of 'test'/);
  });

  test('BUG-10 only the leader adds and removes, and says who that is', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], spares: [3] });
    const node = cluster.node(2);
    for (const call of [
      node.addLearner(3, addressOf(3)),
      node.addVoter(3, addressOf(3)),
      node.changeMembership([2]),
      node.removeMember(1),
      node.transferLeadership(2),
    ]) {
      const error = await failureOf(call);
      assert.ok(error instanceof NotLeaderError, String(error));
      assert.deepEqual([error.leaderId, error.leaderNode?.addr], [1, addressOf(1)]);
    }
  });

  test('who does not catch up in time stays a learner, and the error says so', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2] });
    const node = cluster.node(1);
    cluster.hub.filter((envelope, message) =>
      envelope.to === 2 && message.type === 'append-request' ? 'drop' : 'deliver',
    );
    const error = await failureOf(node.addVoter(2, addressOf(2), { timeoutMs: 200 }));
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /it is a learner now/);
    assert.deepEqual(membersOf(node), { voters: [1], learners: [2], all: [1, 2] });
    cluster.heal();
    await node.addVoter(2, addressOf(2));
    assert.deepEqual(node.voterIds(), [1, 2]);
  });

  test('a member that moved is reached at its new address', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1, 2] });
    const node = cluster.node(1);
    await node.bootstrap();
    await node.addLearner(2, addressOf(2), { metadata: 'kept' });
    await cluster.stop(2);
    await cluster.startNode(2, { address: 'moved:1' });
    await node.addLearner(2, 'moved:1');
    assert.deepEqual(
      [
        node.metrics().membership.membership.nodes.get(2)?.addr,
        node.metrics().membership.membership.nodes.get(2)?.metadata,
      ],
      ['moved:1', 'kept'],
    );
    await node.propose({ key: 'a', value: 1 });
    await cluster.applied(node.metrics().lastLogIndex);
    assert.equal(cluster.value(2, 'a'), 1);
  });
});

describe('removing members', () => {
  test('any role can go; the last voter and strangers cannot', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], learners: [3] });
    const node = cluster.node(1);
    await node.removeMember(3);
    assert.deepEqual(membersOf(node), { voters: [1, 2], learners: [], all: [1, 2] });
    await node.removeMember(2);
    assert.deepEqual(membersOf(node), { voters: [1], learners: [], all: [1] });
    const { lastLogIndex } = node.metrics();
    const last = await failureOf(node.removeMember(1));
    assert.ok(last instanceof MembershipError);
    assert.match(last.message, /the last voter cannot be removed/);
    const stranger = await failureOf(node.removeMember(9));
    assert.ok(stranger instanceof MembershipError);
    assert.match(stranger.message, /node 9 is not a member; the members are 1/);
    assert.equal(node.metrics().lastLogIndex, lastLogIndex);
    await node.propose({ key: 'a', value: 1 });
  });

  test('a leader that removes itself hands over', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).removeMember(1);
    const leader = await cluster.leader([2, 3]);
    await leader.ensureLinearizable();
    assert.deepEqual(leader.allMemberIds(), [2, 3]);
    await cluster.node(1).wait().state('learner');
    assert.equal(await leader.propose({ key: 'a', value: 1 }), null);
  });

  test('voters are replaced at once, and with retain stay as learners', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3], learners: [4] });
    const node = cluster.node(1);
    await node.changeMembership([1, 2, 4], { retain: true });
    assert.deepEqual(membersOf(node), { voters: [1, 2, 4], learners: [3], all: [1, 2, 3, 4] });
    await node.changeMembership([1, 4]);
    assert.deepEqual(membersOf(node), { voters: [1, 4], learners: [3], all: [1, 3, 4] });
  });

  test('leadership goes where it is sent', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).transferLeadership(3);
    assert.deepEqual([cluster.node(3).isLeader(), cluster.node(1).isLeader()], [true, false]);
    await cluster.node(3).transferLeadership();
    const leader = await cluster.leader([1, 2]);
    await cluster.node(3).wait().currentLeader(leader.nodeId);
    assert.deepEqual(cluster.node(3).leader(), { id: leader.nodeId, address: leader.address });
  });
});

describe('a lost store', () => {
  test('a node that comes back empty under its old id is refused, and can be added as new', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1, 2, 3] });
    const node = cluster.node(1);
    await node.bootstrap();
    for (const id of [2, 3]) await node.addVoter(id, addressOf(id));
    await writeMany(node, 5);
    await cluster.stop(2);
    const refused = nextEvent(node.events(), 'peer-refused');
    const empty = await cluster.startNode(2, { isNew: true });
    const event = await refused;
    assert.ok(event.type === 'peer-refused' && event.peer === 2);
    assert.match(
      event.error.message,
      /its data was lost or exchanged. Remove node 2 from the cluster and add it as new/,
    );
    await assertRefused(node.addVoter(2, addressOf(2)), 'instance', /call removeMember\(2\) and add it as new/);
    assert.deepEqual([empty.metrics().lastLogIndex, empty.metrics().clusterId], [0, null]);

    await node.removeMember(2);
    await node.addVoter(2, addressOf(2));
    assert.deepEqual(node.voterIds(), [1, 2, 3]);
    await cluster.stop(3);
    await node.propose({ key: 'k', value: 'again' });
    await cluster.applied(node.metrics().lastLogIndex, [1, 2]);
    assert.equal(cluster.value(2, 'k'), 'again');
  });

  test('a node that lost its store and formed a cluster of its own does not disturb the old one', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1, 2, 3] });
    const node = cluster.node(1);
    await node.bootstrap();
    for (const id of [2, 3]) await node.addVoter(id, addressOf(id));
    const { currentTerm } = node.metrics();
    await cluster.stop(2);
    const other = await cluster.startNode(2, { isNew: true });
    await other.bootstrap();
    await other.propose({ key: 'a', value: 'other' });
    await node.propose({ key: 'a', value: 'first' });
    await assertRefused(other.addVoter(1, addressOf(1)), 'cluster', /belongs to cluster/);
    assert.equal(await cluster.node(3).read(() => cluster.value(3, 'a')), 'first');
    assert.equal(cluster.value(2, 'a'), 'other');
    assert.equal(node.metrics().currentTerm, currentTerm);
  });
});
