/** Replication between whole nodes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';

describe('replication', () => {
  test('R-19 a write next to the addition of a learner reaches everybody', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3], spares: [4] });
    const { raft } = cluster.node(1);
    await writeMany(cluster.node(1), 50);
    const adding = raft.addLearner(4, { addr: addressOf(4) });
    const writing = raft.clientWrite({ key: 'a', value: 1 });
    await Promise.all([adding, writing]);
    const { lastLogIndex } = raft.metrics();
    assert.equal(lastLogIndex, 54);
    await cluster.applied(lastLogIndex);
    assert.equal(cluster.node(4).metrics().lastLogIndex, lastLogIndex);
    assert.equal(cluster.node(4).metrics().state, 'learner');
    for (const id of cluster.ids) assert.equal(cluster.value(id, 'a'), 1);
  });

  test('R-20 replication waits for no heartbeat', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      learners: [2],
      config: {
        heartbeatIntervalMs: 10_000,
        electionTimeoutMinMs: 20_000,
        electionTimeoutMaxMs: 30_000,
        maxPayloadEntries: 2,
      },
    });
    await Promise.all(['a', 'b'].map((key) => writeMany(cluster.node(1), 5, key)));
    const { lastLogIndex } = cluster.node(1).metrics();
    await cluster.node(2).wait(3000).appliedIndex(lastLogIndex);
    assert.deepEqual([cluster.value(2, 'a'), cluster.value(2, 'b')], [5, 5]);
  });
});
