import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicateEffect } from '../../src/core/effect.ts';
import { logId } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { Replicator } from '../../src/runtime/replicator.ts';
import { FakeNetwork } from '../support/fake-network.ts';
import { basicNode, entries } from '../support/fake-node.ts';
import { FakeLogStore } from '../support/fake-stores.ts';
import { settle } from '../support/fake-time.ts';

/** A log of 1 to 20, of which 11 to 20 are cached. */
async function makeKit() {
  const store = new FakeLogStore();
  await store.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'i' });
  await store.append(entries(1, 1, 21));
  const cache = new LogCache(10, 1e9);
  const cached = entries(1, 11, 21);
  cache.append(cached);
  const network = new FakeNetwork();
  const kit = { store, cache, cached, network, lost: [] as number[], failures: [] as unknown[], currentTerm: 1 };
  const replicator = new Replicator(
    {
      network,
      logStore: store,
      cache,
      maxPayloadBytes: 1e6,
      isCurrent: ({ term }) => term === kit.currentTerm,
      onReadFailure: (error) => kit.failures.push(error),
      onLost: (peer) => kit.lost.push(peer),
    },
    2,
    basicNode(2),
    { onMessage: () => undefined, onUnreachable: () => undefined },
  );
  return Object.assign(kit, { replicator, connection: network.to(2) });
}

function replicate(fromIndex: number, toIndex: number, term: number = 1): ReplicateEffect {
  const prevLogId = logId(1, fromIndex - 1);
  return { type: 'replicate', to: 2, term, session: 3, round: 4, prevLogId, fromIndex, toIndex, commitIndex: 9 };
}

function ranges(messages: readonly Message[]): string[] {
  return messages.map((message) =>
    message.type === 'append-request'
      ? `${message.entries[0]?.logId.index}-${message.entries.at(-1)?.logId.index}`
      : message.type,
  );
}

test('cached entries are sent at once, as the array that was appended', async () => {
  const { replicator, connection, cached } = await makeKit();
  replicator.replicate(replicate(11, 21));
  const [message] = connection.take();
  assert.ok(message?.type === 'append-request');
  assert.equal(message.entries, cached);
  const { term, session, round, prevLogId, commitIndex } = message;
  assert.deepEqual(
    { term, session, round, prevLogId, commitIndex },
    { term: 1, session: 3, round: 4, prevLogId: logId(1, 10), commitIndex: 9 },
  );
});

test('entries from the store keep their order among themselves and before cached ones', async () => {
  const { replicator, connection, store } = await makeKit();
  store.gate.hold('read');
  replicator.replicate(replicate(1, 6));
  replicator.replicate(replicate(6, 11));
  replicator.replicate(replicate(11, 16));
  await settle();
  assert.deepEqual(connection.sent, []);
  store.gate.release();
  await settle();
  assert.deepEqual(ranges(connection.take()), ['1-5', '6-10', '11-15']);
  replicator.replicate(replicate(16, 21));
  assert.deepEqual(ranges(connection.take()), ['16-20']);
});

test('small messages do not wait for entries from the store', async () => {
  const { replicator, connection, store } = await makeKit();
  store.gate.hold('read');
  replicator.replicate(replicate(1, 6));
  replicator.send({ type: 'timeout-now', term: 1 });
  await settle();
  assert.deepEqual(ranges(connection.take()), ['timeout-now']);
});

test('an append of a term that is over is dropped, before or after its entries were read', async () => {
  const kit = await makeKit();
  kit.store.gate.hold('read');
  kit.replicator.replicate(replicate(1, 6));
  kit.replicator.replicate(replicate(6, 11));
  await settle();
  kit.currentTerm = 2;
  kit.store.gate.release();
  await settle();
  assert.deepEqual([kit.connection.sent, kit.lost, kit.failures], [[], [], []]);
  assert.equal(kit.store.gate.count('read'), 1);
});

test('entries that were purged meanwhile count as lost: the core looks for the position anew', async () => {
  const kit = await makeKit();
  await kit.store.purge(logId(1, 5));
  kit.replicator.replicate(replicate(1, 6));
  await settle();
  assert.deepEqual([kit.connection.sent, kit.lost, kit.failures], [[], [2], []]);
});

test('a log that can not be read is a failure of the node', async () => {
  const kit = await makeKit();
  const broken = new Error('bad sector');
  kit.store.gate.failNext('read', broken);
  kit.replicator.replicate(replicate(1, 6));
  await settle();
  assert.deepEqual([kit.connection.sent, kit.failures], [[], [broken]]);
});

test('what a full queue drops is reported as lost', async () => {
  const kit = await makeKit();
  kit.connection.isFull = true;
  kit.replicator.replicate(replicate(11, 16));
  assert.deepEqual(kit.lost, [2]);
});
