/** What a node tells about itself, and waiting for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoppedError, TimeoutError } from '../../src/errors.ts';
import type { RaftMetrics } from '../../src/runtime/metrics.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';
import { collect } from '../support/collect.ts';
import { override } from '../support/override.ts';

describe('metrics', () => {
  test('X-01 every node knows the leader', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    assert.deepEqual(
      cluster.ids.map((id) => cluster.node(id).raft.currentLeader()),
      [1, 1, 1],
    );
    assert.deepEqual(
      cluster.ids.map((id) => cluster.node(id).raft.serverMetrics().state),
      ['leader', 'follower', 'follower'],
    );
  });

  test('X-02 the age of the last contact with a quorum grows until a quorum answers', async (t) => {
    // The clock of all nodes is moved by hand where the scenario waits; elections are off, so nothing else happens.
    let offsetMs = 0;
    const clock = override(systemClock, { nowMs: () => systemClock.nowMs() + offsetMs });
    const config = { heartbeatIntervalMs: 50, checkQuorum: false };
    const cluster = await startCluster(t, { ids: [1, 2, 3], config, ports: { clock } });
    for (const id of cluster.ids) {
      cluster.node(id).raft.runtimeConfig().elect(false);
      cluster.node(id).raft.runtimeConfig().heartbeat(false);
    }
    const { raft } = cluster.node(1);
    const ageOf = ({ millisSinceQuorumAck }: RaftMetrics): number => millisSinceQuorumAck ?? Number.NaN;
    await raft.ensureLinearizable();
    assert.ok(ageOf(raft.metrics()) >= 0);
    offsetMs += 500;
    assert.ok(ageOf(raft.metrics()) > 400);
    await raft.trigger().heartbeat();
    await raft.wait().metrics((m) => ageOf(m) < 100, 'a quorum to answer');
    await cluster.stop(2);
    await cluster.stop(3);
    offsetMs += 500;
    await raft.trigger().heartbeat();
    await raft.trigger().heartbeat();
    await assert.rejects(raft.ensureLinearizable());
    assert.ok(ageOf(raft.metrics()) > 400);

    const single = await startCluster(t, { ids: [1], learners: [2], ports: { clock } });
    offsetMs += 500;
    assert.equal(single.node(1).metrics().millisSinceQuorumAck, 0);
    assert.equal(single.node(2).metrics().millisSinceQuorumAck, null);
  });

  test('X-03 the purged position is that of the store', async (t) => {
    const config = { snapshotLogsSinceLast: 0, maxInSnapshotLogToKeep: 0 };
    const cluster = await startCluster(t, { ids: [1, 2, 3], config });
    const { raft } = cluster.node(1);
    await writeMany(cluster.node(1), 10);
    await raft.trigger().snapshot();
    const { lastApplied } = raft.metrics();
    await raft.wait().purged(lastApplied);
    assert.equal(raft.metrics().lastLogIndex, lastApplied.index);
    await cluster.stop(1);
    const { logStore } = cluster.member(1);
    const { lastPurged } = await logStore.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'x' });
    assert.deepEqual(lastPurged, lastApplied);
    await logStore.close();
  });

  test('X-03 what the metrics call applied is in the state machine', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2] });
    const { lastLogIndex } = cluster.node(1).metrics();
    const seen = [1, 2].map(async (id) => {
      await cluster
        .node(id)
        .wait()
        .appliedIndexAtLeast(lastLogIndex + 1);
      return cluster.value(id, 'a');
    });
    await cluster.node(1).raft.clientWrite({ key: 'a', value: 1 });
    assert.deepEqual(await Promise.all(seen), [1, 1]);
  });

  test('X-08 a function can read the state of the core, until the node stops', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    const { raft } = cluster.node(1);
    await writeMany(cluster.node(1), 3);
    assert.equal(await raft.withRaftState((state) => state.commitIndex), raft.metrics().lastLogIndex);
    await assert.rejects(
      raft.withRaftState(() => {
        throw new Error('of the caller');
      }),
      /of the caller/,
    );
    await cluster.stop(1);
    await assert.rejects(
      raft.withRaftState((state) => state.commitIndex),
      StoppedError,
    );
  });

  test('parts of the metrics are to be had alone', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    const all = raft.metrics();
    assert.equal(raft.dataMetrics().lastApplied.index, all.lastApplied.index);
    assert.deepEqual(raft.serverMetrics().membership, all.membership);
    assert.equal(raft.config().clusterName, 'test');
  });

  test('a watch yields the latest metrics only, and ends with the node', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    const watch = raft.watch();
    const first = await watch.next();
    assert.equal(first.done, false);
    await writeMany(cluster.node(1), 20);
    const next = await watch.next();
    assert.ok(next.done !== true);
    assert.equal(next.value.lastApplied.index, 22, 'what happened in between is skipped');
    const rest = collect(watch);
    await cluster.stop(1);
    assert.equal((await rest).at(-1)?.state, 'shutdown');
    const late = await collect(raft.watch());
    assert.deepEqual(
      late.map(({ state }) => state),
      ['shutdown'],
    );
    const left = raft.watch();
    await left.return?.();
    assert.deepEqual(await left.next(), { done: true, value: undefined });
  });
});

describe('waiting', () => {
  test('X-06 a wait ends with its condition, its deadline, or the node', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    await raft.wait().state('leader');
    await raft.wait().currentLeader(1);
    await raft.wait().appliedIndex(2);
    const error = await raft
      .wait(20)
      .appliedIndex(3)
      .catch((e: unknown) => e);
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /waiting for applied-index 3 \(last seen on node 1: leader, term 1, .* applied 2,/);
    const waiting = raft.wait().appliedIndex(3);
    const rejected = assert.rejects(waiting, StoppedError);
    await raft.shutdown();
    await rejected;
    await assert.rejects(raft.wait().appliedIndex(3), StoppedError);
  });

  test('every condition can be met', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2], config: { maxInSnapshotLogToKeep: 0 } });
    const { raft } = cluster.node(1);
    await raft.clientWrite({ key: 'a', value: 1 });
    await raft.trigger().snapshot();
    const last = { term: 1, index: 4 };
    const wait = raft.wait();
    await Promise.all([
      wait.metrics((m) => m.id === 1),
      wait.vote({ term: 1, votedFor: 1 }),
      wait.currentLeader(1),
      wait.log(4),
      wait.logAtLeast(3),
      wait.logIndex(4),
      wait.logIndexAtLeast(3),
      wait.appliedIndex(4),
      wait.appliedIndexAtLeast(3),
      wait.state('leader'),
      wait.members([2, 1]),
      wait.voterIds([1]),
      wait.snapshot(last),
      wait.purged(last),
      wait.ge({ type: 'term', value: 1 }),
      wait.ge({ type: 'vote', value: { term: 1, votedFor: null } }),
      wait.ge({ type: 'applied', value: { term: 1, index: 2 } }),
      wait.eq({ type: 'applied', value: last }),
      wait.eq({ type: 'snapshot', value: last }),
      wait.ge({ type: 'purged', value: { term: 0, index: 9 } }),
    ]);
    const unmet = raft.wait(10);
    for (const waiting of [
      unmet.vote({ term: 1, votedFor: 2 }),
      unmet.currentLeader(null),
      unmet.log(3),
      unmet.logAtLeast(5),
      unmet.state('follower'),
      unmet.members([1]),
      unmet.voterIds([1, 2]),
      unmet.snapshot({ term: 1, index: 3 }),
      unmet.purged({ term: 0, index: 4 }),
      unmet.ge({ type: 'last-log-index', value: 5 }),
      unmet.eq({ type: 'term', value: 2 }),
    ]) {
      await assert.rejects(waiting, TimeoutError);
    }
  });

  test('a wait can be aborted, and a predicate that throws fails the wait alone', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    const abort = new AbortController();
    const aborted = assert.rejects(raft.wait(undefined, { signal: abort.signal }).logIndex(9), /enough/);
    const failed = assert.rejects(
      raft.wait().metrics(({ lastLogIndex }) => {
        if (lastLogIndex > 2) throw new Error('of the caller');
        return false;
      }),
      /of the caller/,
    );
    abort.abort(new Error('enough'));
    await aborted;
    await assert.rejects(raft.wait(undefined, { signal: abort.signal }).logIndex(9), /enough/);
    await raft.clientWrite({ key: 'a', value: 1 });
    await failed;
    assert.equal(raft.metrics().state, 'leader');
  });

  test('events are told in order and end with the node', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2] });
    const { raft } = cluster.node(1);
    const listening = collect(raft.events());
    await raft.addLearner(2, { addr: addressOf(2) });
    await raft.trigger().snapshot();
    await cluster.stop(1);
    const types = (await listening).map(({ type }) => type);
    assert.deepEqual(
      types.filter((type) => type === 'membership-changed' || type === 'snapshot-built' || type === 'stopped'),
      ['membership-changed', 'membership-changed', 'snapshot-built', 'stopped'],
    );
    assert.deepEqual(await collect(raft.events()), []);
  });
});
