import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsensusError, FatalError, IndeterminateError } from '../../../src/errors.ts';
import type { NodeEvent } from '../../../src/runtime/events.ts';
import { watch } from '../../support/fake-node.ts';
import { ScriptedPeers } from '../../support/scripted-peers.ts';

const BROKEN = new Error('unexpected');

/** Each breaks the node at another place; `then` is what brings it there. */
const PLACES: readonly (readonly [string, (peers: ScriptedPeers) => void])[] = [
  [
    'the state machine',
    ({ node }) => {
      node.stateMachine.onApply = () => {
        throw BROKEN;
      };
    },
  ],
  ['the log store', ({ node }) => node.logStore.gate.failNext('append', BROKEN)],
  [
    'a connection',
    ({ network }) => {
      network.to(2).onSend = () => {
        throw BROKEN;
      };
    },
  ],
  [
    'the core',
    ({ node }) => {
      node.runtime.core.stepAll = () => {
        throw BROKEN;
      };
    },
  ],
  [
    'the observer',
    ({ node }) => {
      node.observer.record = () => {
        throw BROKEN;
      };
    },
  ],
  [
    'a listener of events',
    ({ node }) => {
      node.runtime.onTurn(() => {
        throw BROKEN;
      });
    },
  ],
];

for (const [where, breakAt] of PLACES) {
  test(`rule 6 an unexpected throw in ${where} stops the node for good, and everybody learns it`, async () => {
    const peers = await new ScriptedPeers().lead();
    const { time, node, network } = peers;
    peers.silent.add(2).add(3);
    const waiting = [
      node.propose('a', { timeoutMs: 60_000 }),
      node.runtime.reads.position('read-index', { timeoutMs: 60_000 }),
      node.runtime.reads.whenApplied(1000, { timeoutMs: 60_000 }),
      node.runtime.changes.changeMembership({ type: 'remove-voters', ids: [3] }, false, { timeoutMs: 60_000 }),
    ].map((call) => watch<unknown>(call));
    const iterator = node.runtime.events.iterate();
    peers.silent.clear();
    breakAt(peers);
    await time.advance(300);

    const { stopped } = node.runtime;
    assert.ok(stopped instanceof FatalError);
    assert.equal(stopped.cause, BROKEN);
    for (const { result } of waiting) {
      if (result?.status === 'fulfilled') continue;
      assert.ok(result !== null, 'a call still waits');
      const error: unknown = result.reason;
      assert.ok(error === stopped || (error instanceof IndeterminateError && error.cause !== undefined), String(error));
    }
    assert.throws(() => node.runtime.assertRunning(), stopped);
    assert.equal(network.isClosed, true);
    assert.ok(network.connections.every(({ isClosed }) => isClosed));
    for (const { gate } of [node.logStore, node.snapshotStore, node.stateMachine]) assert.equal(count(gate), 1);
    assert.equal(time.timerCount, 0);
    assert.ok(node.logger.lines.some(({ level }) => level === 'error'));
    const events: NodeEvent[] = [];
    for await (const event of iterator) events.push(event);
    assert.deepEqual(events.at(-1), { type: 'stopped', error: stopped });
    assert.equal(node.runtime.metrics().state, 'shutdown');
  });
}

function count(gate: { readonly calls: readonly string[] }): number {
  return gate.calls.filter((call) => call === 'close').length;
}

test('rule 6 after the end nothing is written or sent, whatever still arrives', async () => {
  const peers = await new ScriptedPeers().lead();
  const { time, node, network } = peers;
  node.runtime.fail(BROKEN);
  await time.runTurns();
  const writes = node.logStore.writes.length;
  peers.takeSent();
  peers.receive(2, { type: 'heartbeat-request', term: 99, session: 1, round: 1, commitIndex: 0 });
  network.to(3).events.onMessage({ type: 'heartbeat-response', term: 1, session: 1, round: 9, verifiedIndex: 2 });
  node.runtime.post({ type: 'elect' });
  await time.advance(5000);
  assert.deepEqual([node.logStore.writes.length, peers.takeSent()], [writes, []]);
  assert.equal(node.runtime.core.state.hardState.term, 1);
});

test('rule 6 the first failure is the one that is told; a shutdown after it joins', async () => {
  const peers = await new ScriptedPeers().lead();
  const { node } = peers;
  node.runtime.fail(BROKEN);
  const first = node.runtime.stopped;
  node.runtime.fail(new Error('second'));
  await node.shutdown();
  await node.shutdown();
  assert.equal(node.runtime.stopped, first);
  assert.equal(node.eventsOf('stopped').length, 1);
  assert.equal(node.logStore.gate.count('close'), 1);
});

test('rule 6 stores that fail to close do not keep the node from ending', async () => {
  const peers = await new ScriptedPeers().lead();
  const { node } = peers;
  node.stateMachine.gate.failNext('close');
  node.snapshotStore.gate.failNext('close');
  await node.shutdown();
  assert.equal(node.logStore.gate.count('close'), 1);
});

test('rule 6 calls made after the end are refused at once', async () => {
  const peers = await new ScriptedPeers().lead();
  const { node } = peers;
  node.runtime.fail(BROKEN);
  const { stopped } = node.runtime;
  await assert.rejects(node.runtime.reads.whenApplied(1000, { timeoutMs: 1000 }), stopped ?? undefined);
  await assert.rejects(node.runtime.reads.position('read-index', { timeoutMs: 1000 }), stopped ?? undefined);
  await assert.rejects(node.runtime.changes.transfer(2, { timeoutMs: 1000 }), (error) => ConsensusError.is(error));
});

test('rule 6 a start that fails closes what it opened', async () => {
  for (const place of ['logStore', 'snapshotStore', 'stateMachine'] as const) {
    const { node, network } = new ScriptedPeers();
    const broken = new Error(`no ${place}`);
    const gate: { failNext(name: 'open', error: Error): void } = node[place].gate;
    gate.failNext('open', broken);
    await assert.rejects(node.start(), broken);
    assert.equal(network.isClosed, true);
    for (const part of [node.logStore, node.snapshotStore, node.stateMachine]) assert.equal(count(part.gate), 1);
  }
});
