import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/core/message.ts';
import { heartbeat, ScriptedPeers } from '../../support/scripted-peers.ts';

function types(messages: readonly Message[]): string[] {
  return [...new Set(messages.map(({ type }) => type))].sort();
}

test('rule 2 after a stall a heartbeat that waits in a socket prevents the election', async () => {
  const peers = await new ScriptedPeers().follow();
  const { time, node } = peers;
  time.spend(10_000);
  const replies: Message[] = [];
  peers.receive(2, heartbeat(), replies);
  await time.runTurns();
  assert.deepEqual([types(replies), types(peers.takeSent())], [['heartbeat-response'], []]);
  assert.deepEqual([node.runtime.core.state.role.name, node.runtime.core.state.hardState.term], ['follower', 5]);
});

test('rule 2 after a stall with nothing in the sockets the node campaigns', async () => {
  const peers = await new ScriptedPeers().follow();
  peers.time.spend(10_000);
  await peers.time.runTurn();
  await peers.time.runTurn();
  assert.deepEqual(types(peers.takeSent()), ['pre-vote-request']);
});

test('rule 2 a leader that stalled counts the acknowledgements that wait before it gives up', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  await time.advance(49);
  peers.silent.add(2).add(3);
  await time.advance(10);
  const answers = peers.network.connections.flatMap((connection) =>
    connection.take().flatMap((message) => {
      if (message.type !== 'heartbeat-request') return [];
      const { term, session, round } = message;
      const answer: Message = { type: 'heartbeat-response', term, session, round, verifiedIndex: 2 };
      return [() => connection.events.onMessage(answer)];
    }),
  );
  assert.ok(answers.length >= 2);
  time.spend(5000);
  for (const answer of answers) time.io(answer);
  await time.runTurns();
  assert.equal(node.isLeader, true);
});

test('rule 2 a stalled leader finds its lease expired, however quickly it is asked', async () => {
  const peers = await new ScriptedPeers({ leaseReads: true }).lead();
  const { time, node } = peers;
  await time.advance(100);
  const { leaseUntilMs } = await ask(peers);
  assert.ok(leaseUntilMs !== null && leaseUntilMs > time.nowMs());
  peers.silent.add(2).add(3);
  time.spend(5000);
  const late = node.runtime.reads.position('lease', { timeoutMs: 1000 });
  const refused = assert.rejects(late, /lease|not the leader/);
  await time.runTurns();
  await refused;
});

async function ask({ time, node }: ScriptedPeers) {
  const position = node.runtime.reads.position('lease', { timeoutMs: 1000 });
  await time.runTurns();
  return await position;
}

test('rule 2 jumps of the wall clock change nothing but the time on entries', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const { term } = node.runtime.core.state.hardState;
  for (const jumpMs of [86_400_000, -172_800_000]) {
    time.jumpWallClock(jumpMs);
    await time.advance(1000);
  }
  const answer = node.propose('a');
  await time.runTurns();
  await answer;
  assert.deepEqual([node.isLeader, node.runtime.core.state.hardState.term], [true, term]);
  const times = node.stateMachine.journal.map(({ timeMs }) => timeMs);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
});
