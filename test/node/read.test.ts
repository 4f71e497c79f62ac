/** Reads through any node, each as fresh as it asks for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BusyError, NotLeaderError, QuorumNotEnoughError, TimeoutError } from '../../src/errors.ts';
import type { Network, PeerConnection } from '../../src/ports/network.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import type { KvNode } from '../support/cluster.ts';
import { startCluster } from '../support/cluster.ts';
import { override } from '../support/override.ts';

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => null,
    (e: unknown) => e,
  );

/** How many heartbeat rounds a leader has started. */
async function roundsOf(node: KvNode): Promise<number> {
  return await node.raft.withRaftState(({ role }) =>
    role.name === 'leader' ? role.leader.rounds.current : Number.NaN,
  );
}

describe('linearizable reads', () => {
  test('every node sees what was acknowledged before the call', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], learners: [3] });
    for (let value = 1; value <= 50; value += 1) {
      await cluster.node(1).propose({ key: 'a', value });
      const values = await Promise.all(cluster.ids.map((id) => cluster.node(id).read(() => cluster.value(id, 'a'))));
      assert.deepEqual(values, [value, value, value]);
    }
    const readLogId = await cluster.node(3).ensureLinearizable();
    assert.deepEqual(readLogId, cluster.node(1).metrics().committed);
    assert.ok(cluster.node(3).metrics().lastApplied.index >= readLogId.index);
  });

  test('those that wait on a follower share a question to the leader', async (t) => {
    let questions = 0;
    const counting = (network: Network): Network =>
      override(network, {
        connect: (peer, events) => {
          const connection = network.connect(peer, events);
          const request: PeerConnection['request'] = (question, options) => {
            questions += 1;
            return connection.request(question, options);
          };
          return override(connection, { request });
        },
      });
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: { maxPendingReads: 300 },
      adapt: (parts, id) => (id === 2 ? { ...parts, network: counting(parts.network) } : parts),
    });
    const node = cluster.node(2);
    const reads = Array.from({ length: 300 }, () => node.read(() => cluster.value(2, 'a')));
    assert.ok((await failureOf(node.read(() => 1))) instanceof BusyError);
    await Promise.all(reads);
    assert.equal(questions, 2);
  });

  test('a leader that hangs is waited for, and replaced', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    cluster.hang(1);
    assert.equal(await cluster.node(2).read(() => cluster.value(2, 'a')), 1);
  });

  test('they outlive a change of the leader', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    cluster.isolate(1);
    // Node 1 still thinks that it leads; it must not answer by itself.
    const outdated = failureOf(cluster.node(1).read(() => cluster.value(1, 'a'), { timeoutMs: 900 }));
    const value = await cluster.node(2).read(() => cluster.value(2, 'a'));
    assert.equal(value, 1);
    await cluster.node(3).propose({ key: 'a', value: 2 });
    const error = await outdated;
    assert.ok(error instanceof NotLeaderError || error instanceof QuorumNotEnoughError, String(error));
    assert.equal(error.retry, 'safe');
    const healed = cluster.node(1).read(() => cluster.value(1, 'a'));
    cluster.heal();
    assert.equal(await healed, 2);
  });

  test('a leader without a quorum asks again until the deadline, and not faster than heartbeats', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      config: { electionTimeoutMinMs: 2000, electionTimeoutMaxMs: 4000 },
    });
    cluster.hang(2);
    cluster.hang(3);
    const before = await roundsOf(cluster.node(1));
    const startedMs = systemClock.nowMs();
    const error = await failureOf(cluster.node(1).read(() => 1, { timeoutMs: 500 }));
    assert.ok(error instanceof QuorumNotEnoughError || error instanceof TimeoutError, String(error));
    assert.ok(systemClock.nowMs() - startedMs >= 400);
    const rounds = (await roundsOf(cluster.node(1))) - before;
    assert.ok(rounds <= 30, `${rounds} rounds in ten heartbeat intervals`);
  });

  test('on a node of no cluster they fail at once', async (t) => {
    const cluster = await startCluster(t, { ids: [1], isFormed: false });
    const error = await failureOf(cluster.node(1).read(() => 1, { timeoutMs: 60_000 }));
    assert.ok(error instanceof NotLeaderError);
  });

  test("a query must be synchronous; what it throws is the caller's", async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const node = cluster.node(1);
    await assert.rejects(
      node.read(async () => 1),
      TypeError,
    );
    await assert.rejects(
      node.read(() => {
        throw new Error('of the query');
      }),
      /of the query/,
    );
  });
});

describe('cheaper reads', () => {
  test('stale ones need nobody, also without a leader', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    await cluster.applied(3);
    await cluster.stop(1);
    assert.equal(await cluster.node(2).read(() => cluster.value(2, 'a'), { consistency: 'stale' }), 1);
  });

  test('a bounded age costs a round now and then, and holds', async (t) => {
    let offsetMs = 0;
    const clock = override(systemClock, { nowMs: () => systemClock.nowMs() + offsetMs });
    const cluster = await startCluster(t, { ids: [1, 2, 3], ports: { clock } });
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(false);
    const node = cluster.node(1);
    const options = { consistency: 'stale', maxAgeMs: 10_000 } as const;
    await node.read(() => 1, options);
    const before = await roundsOf(node);
    await node.read(() => 1, options);
    assert.equal(await roundsOf(node), before, 'fresh enough from the read before');
    offsetMs += 20_000;
    await node.read(() => 1, options);
    assert.equal(await roundsOf(node), before + 1);
    await assert.rejects(
      node.read(() => 1, { maxAgeMs: 10 }),
      TypeError,
    );
    await assert.rejects(
      node.read(() => 1, { consistency: 'stale', maxAgeMs: -1 }),
      RangeError,
    );
  });

  test('of a position: they wait until it is applied here', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2] });
    cluster.cut(1, 2);
    const { logId } = await cluster.node(1).raft.clientWrite({ key: 'a', value: 1 });
    const byLogId = cluster.node(2).read(() => cluster.value(2, 'a'), { consistency: { atLeast: logId } });
    const byIndex = cluster.node(2).read(() => cluster.value(2, 'a'), { consistency: { atLeast: logId.index } });
    const tooFar = failureOf(cluster.node(2).read(() => 1, { consistency: { atLeast: 1000 }, timeoutMs: 50 }));
    assert.equal(cluster.value(2, 'a'), undefined);
    assert.ok((await tooFar) instanceof TimeoutError);
    cluster.heal();
    assert.deepEqual(await Promise.all([byLogId, byIndex]), [1, 1]);
    await assert.rejects(
      cluster.node(2).read(() => 1, { consistency: { atLeast: -1 } }),
      RangeError,
    );
  });

  test('of a leader: no round, and refused elsewhere and by an isolated one', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(false);
    const before = await roundsOf(cluster.node(1));
    assert.equal(await cluster.node(1).read(() => cluster.value(1, 'a'), { consistency: 'leader' }), 1);
    assert.equal(await roundsOf(cluster.node(1)), before);
    const error = await failureOf(cluster.node(2).read(() => 1, { consistency: 'leader' }));
    assert.ok(error instanceof NotLeaderError);
    assert.equal(error.leaderId, 1);
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(true);
    cluster.isolate(1);
    await cluster
      .node(1)
      .wait()
      .metrics(() => !cluster.node(1).isLeader(), 'the leader to know that it is alone');
    assert.ok((await failureOf(cluster.node(1).read(() => 1, { consistency: 'leader' }))) instanceof NotLeaderError);
  });

  test('by lease: no round while it holds, a round when it expired, and a round elsewhere', async (t) => {
    let offsetMs = 0;
    const clock = override(systemClock, { nowMs: () => systemClock.nowMs() + offsetMs });
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      config: { leaseReads: true, electionTimeoutMinMs: 5000, electionTimeoutMaxMs: 9000 },
      ports: { clock },
    });
    await cluster.node(1).ensureLinearizable();
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(false);
    await cluster.node(1).propose({ key: 'a', value: 1 });
    const before = await roundsOf(cluster.node(1));
    const read = (id: number) => cluster.node(id).read(() => cluster.value(id, 'a'), { consistency: 'lease' });
    assert.equal(await read(1), 1);
    assert.equal(await roundsOf(cluster.node(1)), before);
    offsetMs += 60_000;
    assert.equal(await read(1), 1);
    assert.equal(await roundsOf(cluster.node(1)), before + 1);
    assert.equal(await read(2), 1);
  });

  test('by lease where leases are off: as linearizable', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    assert.equal(await cluster.node(1).read(() => cluster.value(1, 'a'), { consistency: 'lease' }), 1);
  });
});
