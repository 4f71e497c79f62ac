/** What a consumer of the library does first, over real HTTP on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { ConsensusNode } from 'zlayer-consensus';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { HttpNetwork, raftService } from 'zlayer-consensus/network/http';
import { MemLogStore, MemStateMachine } from 'zlayer-consensus/storage/memory';

interface Member {
  readonly node: ConsensusNode<number, number>;
  /** As if the process had died: nothing is answered any more. */
  stop(): Promise<void>;
}

async function startMember(id: number): Promise<Member> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stateMachine = new MemStateMachine<{ sum: number }, number, number>({
    initialState: () => ({ sum: 0 }),
    apply(state, request) {
      state.sum += request;
      return state.sum;
    },
  });
  const node = await new ConsensusNodeBuilder<number, number>(id, address)
    .withConfig({ heartbeatIntervalMs: 50, electionTimeoutMinMs: 300, electionTimeoutMaxMs: 600 })
    .buildWith(new MemLogStore(), stateMachine, new HttpNetwork());
  const service = raftService(node.raft);
  server.on('request', service);
  service.attach(server);
  return {
    node,
    async stop() {
      server.close();
      server.closeAllConnections();
      await service.close();
      await node.shutdown();
    },
  };
}

async function stopAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.stop()));
}

test('K-01 three nodes over HTTP replicate 100 writes to everyone', { timeout: 30_000 }, async () => {
  const members = await Promise.all([1, 2, 3].map(startMember));
  const [one, two, three] = members.map(({ node }) => node);
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  try {
    await one.bootstrap();
    await one.addLearner(2, two.address, { blocking: true });
    await one.addLearner(3, three.address, { blocking: true });
    await one.changeMembership([1, 2, 3], { retain: false });
    for (let write = 0; write < 100; write += 1) await one.propose(1);
    assert.equal(one.leaderId(), 1);
    assert.equal(one.voterCount(), 3);
    for (const node of [one, two, three]) await node.wait(15_000).appliedIndexAtLeast(100);
    for (const { node } of members) assert.ok(node.metrics().lastApplied.index >= 100);
  } finally {
    await stopAll(members);
  }
});

test('K-03 when the leader dies the survivors agree on another one, and writes go on', {
  timeout: 30_000,
}, async () => {
  const members = await Promise.all([1, 2, 3].map(startMember));
  const [first, ...survivors] = members;
  assert.ok(first !== undefined);
  try {
    await first.node.bootstrap();
    for (const { node } of survivors) await first.node.addVoter(node.nodeId, node.address);
    assert.equal(await first.node.propose(1), 1);
    await first.stop();
    const leaders = await Promise.all(
      survivors.map(async ({ node }) => {
        await node
          .wait(15_000)
          .metrics(({ currentLeader }) => currentLeader !== null && currentLeader !== 1, 'a new leader');
        return node.leaderId();
      }),
    );
    assert.equal(leaders[0], leaders[1]);
    const leader = survivors.find(({ node }) => node.nodeId === leaders[0]);
    assert.equal(await leader?.node.propose(1), 2);
    for (const { node } of survivors) await node.wait(10_000).appliedIndexAtLeast(4);
  } finally {
    await stopAll(survivors);
  }
});

test('K-04 a second node over HTTP joins as a learner and applies everything', { timeout: 30_000 }, async () => {
  const members = await Promise.all([1, 2].map(startMember));
  const [one, two] = members.map(({ node }) => node);
  assert.ok(one !== undefined && two !== undefined);
  try {
    await one.bootstrap();
    await one.wait(5000).currentLeader(1);
    await one.addLearner(2, two.address, { blocking: true });
    for (let write = 0; write < 5; write += 1) await one.propose(1);
    assert.deepEqual([one.leaderId(), one.voterIds(), one.learnerIds()], [1, [1], [2]]);
    for (const node of [one, two]) await node.wait(5000).appliedIndexAtLeast(5);
  } finally {
    await stopAll(members);
  }
});
