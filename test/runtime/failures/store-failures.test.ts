import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FatalError } from '../../../src/errors.ts';
import type { FakeNode } from '../../support/fake-node.ts';
import { FakeCluster, watch } from '../../support/fake-node.ts';

const BROKEN = new Error('injected');

async function formed(config: object = {}): Promise<FakeCluster> {
  return await new FakeCluster({ config }).form();
}

/** Writes through the leader and runs until it is applied by all who still run. */
async function write(cluster: FakeCluster, text: string): Promise<void> {
  const { leader } = cluster;
  const answer = leader.propose(text);
  await cluster.time.until(() => running(cluster).every(({ stateMachine }) => stateMachine.state.includes(text)));
  assert.equal((await answer).response, `done ${text}`);
}

function running(cluster: FakeCluster): FakeNode[] {
  return [...cluster.nodes.values()].filter(({ runtime }) => runtime.stopped === null);
}

function assertFatal({ runtime, logStore }: FakeNode): void {
  assert.ok(runtime.stopped instanceof FatalError, 'the node still runs');
  const { cause } = runtime.stopped;
  // A later write may be the first to say that an earlier one failed.
  assert.ok(cause === BROKEN || (cause instanceof Error && cause.cause === BROKEN), String(cause));
  assert.equal(logStore.gate.count('close'), 1);
}

/** The two others carry on, and lose nothing. */
async function assertOthersGoOn(cluster: FakeCluster, failed: FakeNode, before: readonly string[]): Promise<void> {
  const others = [...cluster.nodes.keys()].filter((id) => id !== failed.id);
  await cluster.elected(others);
  await write(cluster, 'after');
  assert.equal(running(cluster).length, 2);
  for (const { stateMachine } of running(cluster)) {
    for (const text of before) assert.ok(stateMachine.state.includes(text), `${text} is lost`);
  }
  await cluster.close();
}

for (const role of ['leader', 'follower'] as const) {
  for (const call of ['append', 'saveCommitted'] as const) {
    test(`a failed ${call} on a ${role} stops it; nothing that is missing was acknowledged, the others carry on`, async () => {
      const cluster = await formed();
      await write(cluster, 'before');
      const [follower] = cluster.followers;
      const node = role === 'leader' ? cluster.leader : follower;
      assert.ok(node !== undefined);
      node.logStore.gate.failNext(call, BROKEN);
      const answer = watch(cluster.leader.propose('during'));
      await cluster.time.advance(200);
      assertFatal(node);
      await assertOthersGoOn(cluster, node, answer.status() === 'fulfilled' ? ['before', 'during'] : ['before']);
    });
  }
}

test('a failed hard state means no vote: the node stops before it grants one', async () => {
  const cluster = await formed();
  await write(cluster, 'before');
  const { leader, followers } = cluster;
  const [voter, candidate] = followers;
  assert.ok(voter !== undefined && candidate !== undefined);
  cluster.hub.isolate(`n${leader.id}:1`);
  voter.logStore.gate.failNext('saveHardState', BROKEN);
  await cluster.time.advance(3000);
  assertFatal(voter);
  assert.equal(candidate.isLeader, false);
  cluster.hub.heal();
  await assertOthersGoOn(cluster, voter, ['before']);
});

test('a candidate that cannot write its own vote never leads', async () => {
  const cluster = await formed();
  const { leader, followers } = cluster;
  const [candidate, voter] = followers;
  assert.ok(candidate !== undefined && voter !== undefined);
  candidate.logStore.gate.failNext('saveHardState', BROKEN);
  voter.runtime.post({ type: 'switch', tick: true, heartbeat: true, elect: false });
  cluster.hub.isolate(`n${leader.id}:1`);
  await cluster.time.advance(2000);
  assertFatal(candidate);
  assert.equal(candidate.eventsOf('role-changed').filter(({ role }) => role === 'leader').length, 0);
  voter.runtime.post({ type: 'switch', tick: true, heartbeat: true, elect: true });
  cluster.hub.heal();
  await assertOthersGoOn(cluster, candidate, []);
});

test('a failed truncation stops the follower before it acknowledges what should take its place', async () => {
  const cluster = await formed();
  await write(cluster, 'before');
  const old = cluster.leader;
  cluster.hub.isolate(`n${old.id}:1`);
  const lost = watch(old.propose('uncommitted', { timeoutMs: 60_000 }));
  await cluster.time.advance(100);
  await cluster.elected(cluster.followers.map(({ id }) => id));
  await cluster.time.advance(1000);
  old.logStore.gate.failNext('truncate', BROKEN);
  cluster.hub.heal();
  await cluster.time.advance(1000);
  assertFatal(old);
  assert.equal(lost.status(), 'rejected');
  for (const { stateMachine } of running(cluster)) assert.ok(!stateMachine.state.includes('uncommitted'));
  await assertOthersGoOn(cluster, old, ['before']);
});

test('a failed purge stops the node', async () => {
  const cluster = await formed({ snapshotLogsSinceLast: 5, maxInSnapshotLogToKeep: 0 });
  const [node] = cluster.followers;
  assert.ok(node !== undefined);
  node.logStore.gate.failNext('purge', BROKEN);
  for (let request = 0; request < 8; request += 1) await write(cluster, `r${request}`);
  assertFatal(node);
  await assertOthersGoOn(cluster, node, ['r0', 'r7']);
});

test('a failed identity stops the node that joins before it promises anything', async () => {
  const cluster = await formed();
  const joiner = await cluster.add(4);
  joiner.logStore.gate.failNext('saveIdentity', BROKEN);
  const nodes = new Map([[4, { addr: 'n4:1', instanceId: null, metadata: null }]]);
  const added = cluster.leader.runtime.changes.changeMembership({ type: 'add-nodes', nodes }, false, {
    timeoutMs: 5000,
  });
  watch(added);
  await cluster.time.advance(500);
  assertFatal(joiner);
  assert.equal(cluster.leader.runtime.metrics().replication?.get(4)?.matchIndex, 0);
  await added;
  await write(cluster, 'after');
  await cluster.close();
});

test('a failed identity stops the node that forms a cluster too, and the caller learns it', async () => {
  const cluster = new FakeCluster();
  const node = await cluster.add(1);
  node.logStore.gate.failNext('saveIdentity', BROKEN);
  await assert.rejects(node.runtime.identity.join('cluster'), BROKEN);
  await cluster.time.runTurns();
  assertFatal(node);
});

for (const call of ['create', 'write', 'publish'] as const) {
  test(`a snapshot store that fails at ${call} stops that node alone`, async () => {
    const cluster = await formed({ snapshotLogsSinceLast: 5, maxInSnapshotLogToKeep: 0 });
    const [node] = cluster.followers;
    assert.ok(node !== undefined);
    node.snapshotStore.gate.failNext(call, BROKEN);
    const requests = Array.from({ length: 12 }, (_, request) => `r${request}`);
    for (const request of requests) await write(cluster, request);
    await cluster.time.runTurns();
    assertFatal(node);
    assert.deepEqual(node.eventsOf('snapshot-built'), []);
    assert.equal(node.snapshotStore.openWriters, 0);
    await assertOthersGoOn(cluster, node, requests);
  });
}

for (const call of ['snapshot', 'chunk'] as const) {
  test(`a state machine that fails at ${call} costs the snapshot, not the node`, async () => {
    const cluster = await formed({ snapshotLogsSinceLast: 5 });
    const { leader } = cluster;
    leader.stateMachine.gate.failNext(call, BROKEN);
    for (let request = 0; request < 12; request += 1) await write(cluster, `r${request}`);
    await cluster.time.runTurns();
    assert.deepEqual(
      leader.eventsOf('snapshot-failed').map(({ error }) => error),
      [BROKEN],
    );
    assert.equal(leader.runtime.stopped, null);
    assert.equal(leader.stateMachine.openViews, 0);
    await cluster.close();
  });
}

test('an apply that throws on one node stops that node alone', async () => {
  const cluster = await formed();
  const [node] = cluster.followers;
  assert.ok(node !== undefined);
  await write(cluster, 'before');
  node.stateMachine.gate.failNext('apply', BROKEN);
  const answer = cluster.leader.propose('during');
  await cluster.time.advance(200);
  assert.equal((await answer).response, 'done during');
  assertFatal(node);
  assert.ok(!node.stateMachine.state.includes('during'));
  await assertOthersGoOn(cluster, node, ['before', 'during']);
});

test('a leader whose apply throws answers nobody', async () => {
  const cluster = await formed();
  const { leader } = cluster;
  leader.stateMachine.gate.failNext('apply', BROKEN);
  const answer = watch(leader.propose('during'));
  await cluster.time.advance(200);
  assertFatal(leader);
  assert.equal(answer.status(), 'rejected');
  await assertOthersGoOn(cluster, leader, ['during']);
});

/** A follower that only a snapshot can help: it was away while the log was cut. */
async function lagging(): Promise<{ readonly cluster: FakeCluster; readonly node: FakeNode }> {
  const cluster = await formed({ snapshotLogsSinceLast: 5, maxInSnapshotLogToKeep: 0 });
  const [node] = cluster.followers;
  assert.ok(node !== undefined);
  cluster.hub.isolate(`n${node.id}:1`);
  for (let request = 0; request < 12; request += 1) {
    watch(cluster.leader.propose(`r${request}`));
    await cluster.time.advance(10);
  }
  return { cluster, node };
}

for (const [call, breakNext] of [
  ['publish', (node: FakeNode) => node.snapshotStore.gate.failNext('publish', BROKEN)],
  ['restore', (node: FakeNode) => node.stateMachine.gate.failNext('restore', BROKEN)],
  ['purge', (node: FakeNode) => node.logStore.gate.failNext('purge', BROKEN)],
] as const) {
  test(`a failed ${call} while a snapshot is installed stops the follower, and it acknowledges nothing`, async () => {
    const { cluster, node } = await lagging();
    breakNext(node);
    const { leader } = cluster;
    cluster.hub.heal();
    await cluster.time.advance(2000);
    assertFatal(node);
    const matchIndex = leader.runtime.metrics().replication?.get(node.id)?.matchIndex ?? 0;
    assert.ok(matchIndex < 10, `the leader believes that it holds ${matchIndex}`);
    await assertOthersGoOn(cluster, node, ['r0', 'r11']);
  });
}

test('a follower that died while it installed a snapshot comes back from its stores', async () => {
  const { cluster, node } = await lagging();
  node.stateMachine.gate.failNext('restore', BROKEN);
  cluster.hub.heal();
  await cluster.time.advance(2000);
  assertFatal(node);
  await cluster.restart(node.id);
  await cluster.time.advance(2000);
  assert.equal(node.runtime.stopped, null);
  assert.deepEqual(node.stateMachine.state, cluster.leader.stateMachine.state);
  await write(cluster, 'after');
  await cluster.close();
});

test('appends that come during a slow installation are kept, and applied after it', async () => {
  const { cluster, node } = await lagging();
  node.stateMachine.gate.hold('restore');
  cluster.hub.heal();
  await cluster.time.until(() => node.stateMachine.gate.heldCount === 1);
  const answers = ['s1', 's2', 's3'].map((text) => cluster.leader.propose(text));
  await cluster.time.advance(200);
  await Promise.all(answers);
  assert.ok(!node.stateMachine.state.includes('s1'));
  node.stateMachine.gate.release();
  await cluster.time.advance(2000);
  assert.equal(node.runtime.stopped, null);
  assert.deepEqual(node.stateMachine.state, cluster.leader.stateMachine.state);
  assert.ok(node.stateMachine.state.includes('s3'));
  await cluster.close();
});

test('an own snapshot that becomes due while one of the leader waits to be installed stays out of its way', async () => {
  const { cluster, node } = await lagging();
  node.stateMachine.gate.hold('restore');
  cluster.hub.heal();
  await cluster.time.until(() => node.stateMachine.gate.heldCount === 1);
  await node.runtime.snapshots.builder.build();
  node.stateMachine.gate.release();
  await cluster.time.advance(2000);
  assert.equal(node.runtime.stopped, null);
  assert.deepEqual(node.stateMachine.state, cluster.leader.stateMachine.state);
  const latest = await node.snapshotStore.inner.latest();
  assert.ok((latest?.snapshot.meta.lastLogId.index ?? 0) >= 10);
  await cluster.close();
});
