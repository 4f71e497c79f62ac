import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/core/message.ts';
import { encodeText } from '../../support/fake-state-machine.ts';
import { ScriptedPeers } from '../../support/scripted-peers.ts';

function appendsIn(messages: readonly Message[]): number[][] {
  return messages.flatMap((message) =>
    message.type === 'append-request' ? [message.entries.map(({ logId }) => logId.index)] : [],
  );
}

test('rule 1 all requests of one turn are one step, one write and one message for each peer', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const steps: number[] = [];
  peers.spyOnSteps((inputs) => steps.push(inputs));
  const answers: Promise<unknown>[] = [];
  for (let request = 0; request < 5; request += 1) time.io(() => answers.push(node.propose(`a${request}`)));
  for (let request = 0; request < 5; request += 1) time.io(() => answers.push(node.propose(`b${request}`)));
  await time.runTurn();
  assert.equal(steps.length, 1);
  assert.deepEqual(node.logStore.writes, ['append 3-12']);
  const indexes = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  assert.deepEqual(appendsIn(peers.takeSent(2)), [indexes]);
  assert.deepEqual(appendsIn(peers.takeSent(3)), [indexes]);
  await time.runTurns();
  assert.equal((await Promise.all(answers)).length, 10);
});

test('rule 1 messages, requests and reads of one turn share a step', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const steps: number[] = [];
  peers.spyOnSteps((inputs) => steps.push(inputs));
  time.io(() => void node.propose('a'));
  peers.receive(2, { type: 'vote-request', term: 1, lastLogId: { term: 1, index: 1 }, transfer: false });
  time.io(() => void node.runtime.reads.position('read-index', { timeoutMs: 1000 }));
  time.io(() => void node.propose('b'));
  await time.runTurn();
  assert.equal(steps.length, 1);
  assert.ok((steps[0] ?? 0) >= 3, `${steps[0]} inputs in the step`);
});

test('rule 1 while the disk is busy the following turns gather in one write', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  node.logStore.holdWrites();
  const answers: Promise<unknown>[] = [];
  for (let turn = 0; turn < 8; turn += 1) {
    answers.push(node.propose(`t${turn}`));
    await time.runTurn();
  }
  node.logStore.gate.release();
  await time.runTurns();
  await Promise.all(answers);
  const appends = node.logStore.writes.filter((write) => write.startsWith('append'));
  assert.deepEqual(appends, ['append 3-3', 'append 4-4', 'append 5-5', 'append 6-6', 'append 7-10']);
});

test('rule 1 a follower writes and acknowledges all appends of one turn together', async () => {
  const peers = await new ScriptedPeers().follow();
  const { time, node } = peers;
  const replies: Message[] = [];
  node.logStore.writes.length = 0;
  const [first] = await node.logStore.read(1, 2, 1);
  assert.ok(first !== undefined);
  for (const index of [2, 3, 4]) {
    const prevTerm = index === 2 ? first.logId.term : 5;
    const id = { term: 5, index };
    const entry = { logId: id, kind: 'normal' as const, timeMs: 1, payload: encodeText('x'), membership: null };
    const prevLogId = { term: prevTerm, index: index - 1 };
    const rest = { session: 1, round: 1, commitIndex: 0 };
    peers.receive(2, { type: 'append-request', term: 5, prevLogId, entries: [entry], ...rest }, replies);
  }
  await time.runTurn();
  assert.deepEqual(node.logStore.writes, ['append 2-4']);
  await time.runTurns();
  assert.ok(replies.some((reply) => reply.type === 'append-response' && reply.success && reply.matchIndex === 4));
});

test('rule 7 one copy of a request serves disk, network and state machine', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node } = peers;
  const payload = encodeText('once');
  const answer = node.runtime.proposals.add(payload, { timeoutMs: 1000 });
  node.runtime.schedule();
  await time.runTurn();
  const sent = peers.takeSent(2).flatMap((message) => (message.type === 'append-request' ? message.entries : []));
  assert.equal(sent[0]?.payload, payload);
  await time.runTurns();
  await answer;
  const [stored] = await node.logStore.read(3, 4, 1e6);
  assert.equal(stored?.payload, payload);
  assert.equal(node.stateMachine.journal.at(-1)?.payload, payload);
});
