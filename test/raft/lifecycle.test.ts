/** From the first start over restarts to the end of a node. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { LogId } from '../../src/core/ids.ts';
import { NO_LOG_ID } from '../../src/core/ids.ts';
import {
  AlreadyInitializedError,
  FatalError,
  IndeterminateError,
  MembershipError,
  PeerRefusedError,
  StoppedError,
} from '../../src/errors.ts';
import type { Raft } from '../../src/raft/raft.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import type { Cluster, KvRequest, KvResponse } from '../support/cluster.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';
import { override } from '../support/override.ts';

type KvRaft = Raft<KvRequest, KvResponse>;

/** Every kind of call, by name. */
function callsOf(raft: KvRaft): readonly (readonly [string, () => Promise<unknown>])[] {
  const node = { addr: addressOf(9) };
  const lastLogId = NO_LOG_ID;
  const heartbeat = { type: 'heartbeat-request', term: 9, session: 1, round: 1, commitIndex: 0 } as const;
  const append = { ...heartbeat, type: 'append-request', prevLogId: lastLogId, entries: [] } as const;
  return [
    ['clientWrite', () => raft.clientWrite({ key: 'a', value: 1 })],
    ['ensureLinearizable', () => raft.ensureLinearizable()],
    ['getReadLogId', () => raft.getReadLogId()],
    ['initialize', () => raft.initialize(new Map([[1, node]]))],
    ['addLearner', () => raft.addLearner(9, node)],
    ['changeMembership', () => raft.changeMembership([1])],
    ['elect', () => raft.trigger().elect()],
    ['heartbeat', () => raft.trigger().heartbeat()],
    ['snapshot', () => raft.trigger().snapshot()],
    ['purgeLog', () => raft.trigger().purgeLog(1)],
    ['transferLeadership', () => raft.trigger().transferLeadership()],
    ['withRaftState', () => raft.withRaftState((state) => state.commitIndex)],
    ['getSnapshot', () => raft.getSnapshot()],
    ['wait', () => raft.wait().logIndex(1000)],
    ['vote', () => raft.vote(2, { type: 'vote-request', term: 9, lastLogId, transfer: false })],
    ['preVote', () => raft.preVote(2, { type: 'pre-vote-request', term: 9, lastLogId })],
    ['appendEntries', () => raft.appendEntries(2, append)],
    ['heartbeat RPC', () => raft.heartbeat(2, heartbeat)],
    ['timeoutNow', () => raft.timeoutNow(2, { type: 'timeout-now', term: 9 })],
  ];
}

async function assertAllReject(raft: KvRaft, kind: typeof StoppedError | typeof FatalError): Promise<void> {
  for (const [name, call] of callsOf(raft)) {
    await assert.rejects(call(), kind, name);
  }
  assert.throws(() => raft.runtimeConfig().tick(true), kind);
}

function assertPassive(cluster: Cluster): void {
  for (const id of cluster.ids) {
    const { raft } = cluster.node(id);
    const { state, lastLogIndex, currentTerm, votedFor, clusterId } = raft.metrics();
    assert.deepEqual([state, lastLogIndex, currentTerm, votedFor, clusterId], ['learner', 0, 0, null, null]);
    assert.equal(raft.isInitialized(), false);
  }
}

describe('first start', () => {
  test('Y-01 nodes are passive until one of them is initialised', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3], isFormed: false });
    for (const id of cluster.ids) await cluster.node(id).raft.trigger().elect();
    await assert.rejects(cluster.node(1).raft.clientWrite({ key: 'a', value: 1 }));
    assertPassive(cluster);

    const { raft } = cluster.node(1);
    const stored = await raft.initialize(new Map(cluster.ids.map((id) => [id, { addr: addressOf(id) }])));
    assert.equal(stored.logId.index, 1);
    await cluster.applied(2);
    const states = cluster.ids.map((id) => cluster.node(id).metrics().state);
    assert.deepEqual(states.toSorted(), ['follower', 'follower', 'leader']);
    for (const id of cluster.ids) {
      const { lastApplied, membership, committedMembership } = cluster.node(id).metrics();
      assert.equal(lastApplied.index, 2);
      assert.deepEqual(membership.membership.configs, [[1, 2, 3]]);
      assert.deepEqual(committedMembership, membership);
      assert.equal(cluster.node(id).isInitialized(), true);
    }
    const clusterIds = new Set(cluster.ids.map((id) => cluster.node(id).metrics().clusterId));
    assert.equal(clusterIds.size, 1);
    assert.ok(!clusterIds.has(null));
  });

  test('Y-02 a node must be among those it forms a cluster of', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], isFormed: false });
    for (const id of cluster.ids) {
      const call = cluster.node(id).raft.initialize(new Map([[9, { addr: addressOf(9) }]]));
      const error = await call.catch((e: unknown) => e);
      assert.ok(error instanceof MembershipError);
      assert.equal(error.refusal?.code, 'not-in-members');
      assert.ok(error.refusal.code === 'not-in-members' && error.refusal.nodeId === id);
      assert.deepEqual(error.refusal.membership.configs, [[9]]);
    }
    const own = cluster.node(1).raft.initialize(new Map([[1, { addr: '' }]]));
    await assert.rejects(own, /address must be a text that is not empty/);
    assertPassive(cluster);
  });

  test('Y-03 a second initialisation is told apart from other failures and changes nothing', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    await cluster.applied(2);
    const before = raft.metrics();
    const call = raft.initialize(new Map([[1, { addr: addressOf(1) }]]));
    const error = await call.catch((e: unknown) => e);
    assert.ok(error instanceof AlreadyInitializedError);
    assert.deepEqual(error.lastLogId, { term: 1, index: 2 });
    assert.match(error.message, /term 1/);
    const after = raft.metrics();
    assert.deepEqual(
      [after.lastLogIndex, after.clusterId, after.currentTerm],
      [before.lastLogIndex, before.clusterId, before.currentTerm],
    );
  });

  test('a bootstrap that a crash cut short can be repeated, a cluster that was joined cannot', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], isFormed: false });
    for (const [id, makeId] of [
      [1, (instanceId: string) => `${instanceId}/made-here`],
      [2, () => 'another-instance/made-there'],
    ] as const) {
      await cluster.stop(id);
      const { logStore } = cluster.member(id);
      const { identity } = await logStore.open({ nodeId: id, clusterName: 'test', newInstanceId: 'x' });
      await logStore.saveIdentity({ ...identity, clusterId: makeId(identity.instanceId) });
      await logStore.close();
      await cluster.startNode(id);
    }
    assert.equal(cluster.node(1).isInitialized(), false);
    assert.equal(await cluster.node(1).bootstrapIfNeeded(), true);
    assert.match(String(cluster.node(1).metrics().clusterId), /made-here$/);
    assert.equal(cluster.node(2).isInitialized(), true);
    await assert.rejects(cluster.node(2).bootstrap(), AlreadyInitializedError);
  });
});

describe('the end of a node', () => {
  test('Y-06 after a shutdown every call fails promptly, and a second one is harmless', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    for (const id of cluster.ids) {
      const { raft } = cluster.node(id);
      const waiting = raft.wait(60_000).logIndex(1000);
      const rejected = assert.rejects(waiting, StoppedError);
      assert.equal(raft.shutdownSignal.aborted, false);
      await raft.shutdown();
      await rejected;
      assert.ok(raft.shutdownSignal.reason instanceof StoppedError);
      assert.equal(raft.metrics().state, 'shutdown');
      await raft.wait().state('shutdown');
      await assertAllReject(raft, StoppedError);
      await raft.shutdown();
    }
  });

  test('Y-06 nothing of a stopped node keeps the process alive', async () => {
    const child = fork(new URL('exit-after-shutdown.ts', import.meta.url));
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [0, null]);
  });

  test('a call that nothing else waits for ends before the process does', async () => {
    const child = fork(new URL('call-before-exit.ts', import.meta.url));
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [0, null]);
  });

  test('requests of a node that is no member are refused, and leave nothing in the log', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    const { lastLogIndex } = raft.metrics();
    const { signal } = new AbortController();
    const request = { type: 'propose', payload: new Uint8Array(8), timeoutMs: 1000 } as const;
    await assert.rejects(raft.inbound.request(9, request, { signal }), PeerRefusedError);
    assert.equal(raft.metrics().lastLogIndex, lastLogIndex);
  });

  test('Y-07 an exception inside the node is fatal for the call under way and for all later ones', async (t) => {
    let isBroken = false;
    const clock = override(systemClock, {
      wallMs: () => {
        if (isBroken) throw new Error('the clock is broken');
        return systemClock.wallMs();
      },
    });
    const cluster = await startCluster(t, { ids: [1], ports: { clock } });
    const { raft } = cluster.node(1);
    isBroken = true;
    const error = await raft.clientWrite({ key: 'a', value: 1 }).catch((e: unknown) => e);
    // The request was handed to the turn that broke: what became of it nobody can say.
    assert.ok(error instanceof IndeterminateError && error.cause instanceof FatalError, String(error));
    assert.match(error.cause.message, /the clock is broken/);
    await assertAllReject(raft, FatalError);
    assert.ok(raft.metrics().stopped instanceof FatalError);
  });

  test('an exception of the state machine stops the node for good, and every other one that applies the request', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      onApply: ({ key }) => {
        if (key === 'poison') throw new Error('apply failed');
      },
    });
    const { raft } = await cluster.leader();
    const call = raft.clientWrite({ key: 'poison', value: 1 });
    const error = await call.catch((e: unknown) => e);
    assert.ok(error instanceof IndeterminateError && error.cause instanceof FatalError, String(error));
    assert.match(error.cause.message, /apply failed/);
    await assertAllReject(raft, FatalError);
    // The next leader commits it again and stops too; the last one is no quorum.
    const second = await Promise.any([2, 3].map((id) => cluster.node(id).raft.wait().state('shutdown')));
    assert.ok(second.stopped instanceof FatalError);
    assert.match(second.stopped.message, /apply failed/);
  });

  test('one broken state machine does not stop the others', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      onApply: (_request, id) => {
        if (id === 2) throw new Error('apply failed');
      },
    });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    await cluster.node(2).wait().state('shutdown');
    assert.equal(await cluster.node(3).propose({ key: 'a', value: 2 }), 1);
    assert.equal(await cluster.node(3).read(() => cluster.value(3, 'a')), 2);
  });
});

describe('restarts', () => {
  test('Y-09 a single voter applies its whole log again when nothing says how far it was', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      adapt: (parts) => ({ ...parts, logStore: override(parts.logStore, { saveCommitted: async () => undefined }) }),
    });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    const { lastLogIndex } = cluster.node(1).metrics();
    const node = await cluster.restart(1);
    await node.wait().state('leader');
    await node.wait().appliedIndexAtLeast(lastLogIndex);
    assert.equal(cluster.value(1, 'a'), 1);
    assert.equal(cluster.member(1).journal.length, 1);
  });

  test('Y-10 a single voter leads again at once, also with a vote it never used', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      config: { electionTimeoutMinMs: 3000, electionTimeoutMaxMs: 4000 },
    });
    await cluster.restart(1);
    await cluster.node(1).wait(1000).state('leader');
    await cluster.node(1).propose({ key: 'a', value: 1 });

    const { currentTerm } = cluster.node(1).metrics();
    await cluster.stop(1);
    const { logStore } = cluster.member(1);
    await logStore.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'x' });
    await logStore.saveHardState({ term: currentTerm + 1, votedFor: 1 });
    await logStore.close();
    const node = await cluster.startNode(1);
    const { currentTerm: newTerm } = await node.wait(1000).state('leader');
    assert.ok(newTerm > currentTerm + 1);
    assert.equal(await node.propose({ key: 'a', value: 2 }), 1);
  });

  test('Y-12 a vote for itself does not make a node without a membership a candidate', async (t) => {
    const cluster = await startCluster(t, { ids: [1], isFormed: false });
    await cluster.stop(1);
    const { logStore } = cluster.member(1);
    await logStore.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'x' });
    await logStore.saveHardState({ term: 1, votedFor: 1 });
    await logStore.close();
    const { raft } = await cluster.startNode(1);
    await raft.trigger().elect();
    await assert.rejects(raft.clientWrite({ key: 'a', value: 1 }));
    const { state, currentTerm, votedFor, currentLeader } = raft.metrics();
    assert.deepEqual([state, currentTerm, votedFor, currentLeader], ['learner', 1, 1, null]);
  });

  test('Y-18 a whole cluster comes back with its membership and its data', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      spares: [3, 4],
      config: { snapshotLogsSinceLast: 0, maxInSnapshotLogToKeep: 0 },
    });
    const leader = cluster.node(1);
    await leader.addVoter(3, addressOf(3));
    await leader.addLearner(4, addressOf(4));
    await writeMany(leader, 20);
    await cluster.applied(leader.metrics().lastLogIndex);
    const snapshots = await Promise.all(cluster.ids.map((id) => cluster.node(id).raft.trigger().snapshot()));
    const purgedTo = (upTo: LogId | undefined) => upTo ?? NO_LOG_ID;
    await Promise.all(
      cluster.ids.map((id, position) => cluster.node(id).wait().purged(purgedTo(snapshots[position]?.meta.lastLogId))),
    );
    await writeMany(leader, 5, 'later');
    const { lastLogIndex, membership } = leader.metrics();
    await cluster.applied(lastLogIndex);

    for (const id of cluster.ids) await cluster.stop(id);
    for (const id of cluster.ids) await cluster.startNode(id);
    for (const id of cluster.ids) {
      assert.deepEqual(cluster.node(id).metrics().membership, membership);
    }
    const next = await cluster.leader();
    assert.equal(await next.propose({ key: 'k', value: 'after' }), 20);
    await cluster.applied(next.metrics().lastLogIndex);
    for (const id of cluster.ids) {
      assert.deepEqual([cluster.value(id, 'k'), cluster.value(id, 'later')], ['after', 5]);
    }
    assert.equal(cluster.node(4).metrics().state, 'learner');
    assert.deepEqual([next.voterIds(), next.learnerIds()], [[1, 2, 3], [4]]);
  });
});

describe('switches of a running node', () => {
  test('Y-20 without elections nobody campaigns; whose switch is on again wins', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    const { currentTerm } = cluster.node(1).metrics();
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().elect(false);
    cluster.isolate(1);
    // It gives up after an election timeout without a quorum: by then the others would have campaigned.
    await cluster.node(1).wait().state('follower');
    for (const id of [2, 3]) {
      const { state, currentTerm: term } = cluster.node(id).metrics();
      assert.deepEqual([state, term], ['follower', currentTerm]);
    }
    cluster.node(2).raft.runtimeConfig().elect(true);
    const { currentTerm: newTerm } = await cluster.node(2).wait().state('leader');
    assert.ok(newTerm > currentTerm);
    await cluster.node(3).wait().currentLeader(2);
  });

  test('Y-20 without ticks there is no heartbeat, but proposals are replicated', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3], config: { heartbeatIntervalMs: 10 } });
    const leader = cluster.node(1);
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(false);
    await leader.propose({ key: 'a', value: 0 });
    const rounds = new Set<number>();
    cluster.hub.filter((_envelope, message) => {
      if (message.type === 'heartbeat-request') rounds.add(message.round);
      return 'deliver';
    });
    const endMs = systemClock.nowMs() + 100;
    let value = 0;
    while (systemClock.nowMs() < endMs) {
      value += 1;
      await leader.propose({ key: 'a', value });
    }
    await cluster.applied(leader.metrics().lastLogIndex);
    // What tells the others of a commit repeats the last round; a heartbeat would start another.
    assert.ok(rounds.size <= 1, `rounds ${[...rounds].join(', ')}`);
    assert.equal(cluster.value(3, 'a'), value);
    for (const id of cluster.ids) cluster.node(id).raft.runtimeConfig().tick(true);
    await leader.ensureLinearizable();
    assert.ok(rounds.size >= 2);
  });
});
