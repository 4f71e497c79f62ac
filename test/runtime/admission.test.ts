import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Membership } from '../../src/core/membership/membership.ts';
import { EMPTY_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { PeerRefusal } from '../../src/errors.ts';
import { PeerRefusedError, StoppedError } from '../../src/errors.ts';
import type { Envelope, LocalIdentity } from '../../src/ports/network.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../src/ports/network.ts';
import { checkEnvelope } from '../../src/runtime/admission.ts';
import { basicNode, drive } from '../support/fake-node.ts';
import { ScriptedPeers } from '../support/scripted-peers.ts';

const LOCAL: LocalIdentity = { nodeId: 1, instanceId: 'store-1', clusterId: 'c', clusterName: 'test' };
const ENVELOPE: Envelope = {
  protocolMin: PROTOCOL_MIN,
  protocolMax: PROTOCOL_MAX,
  clusterId: 'c',
  from: 2,
  fromInstanceId: 'store-2',
  to: 1,
  toInstanceId: 'store-1',
};
const MEMBERSHIP: Membership = {
  configs: [[1, 2]],
  nodes: new Map([
    [1, { ...basicNode(1), instanceId: 'store-1' }],
    [2, { ...basicNode(2), instanceId: 'store-2' }],
  ]),
  retainRemoved: false,
};

const REFUSED: readonly (readonly [string, PeerRefusal, Partial<Envelope>])[] = [
  ['a newer protocol', 'version', { protocolMin: PROTOCOL_MAX + 1, protocolMax: PROTOCOL_MAX + 3 }],
  ['an older protocol', 'version', { protocolMin: PROTOCOL_MIN - 1, protocolMax: PROTOCOL_MIN - 1 }],
  ['a message for another node', 'node', { to: 7 }],
  ['a message for another store under this id', 'instance', { toInstanceId: 'store-0' }],
  ['another cluster', 'cluster', { clusterId: 'other' }],
  ['a sender without a cluster', 'cluster', { clusterId: null }],
  ['a known sender that lost its data', 'instance', { clusterId: null, fromInstanceId: 'wiped' }],
];

for (const [what, reason, parts] of REFUSED) {
  test(`${what} is refused for its ${reason}`, () => {
    assert.throws(
      () => checkEnvelope({ ...ENVELOPE, ...parts }, LOCAL, MEMBERSHIP),
      (error) => {
        assert.ok(error instanceof PeerRefusedError);
        assert.deepEqual([error.reason, error.retry], [reason, 'never']);
        return true;
      },
    );
  });
}

const ADMITTED: readonly (readonly [string, Partial<Envelope>, Partial<LocalIdentity>])[] = [
  ['who fits', {}, {}],
  ['a sender that this node does not know yet', { from: 9, fromInstanceId: 'store-9' }, {}],
  ['a sender that was perhaps added again with another store', { fromInstanceId: 'store-2b' }, {}],
  ['a sender that does not know the own store', { toInstanceId: null }, {}],
  ['a version range that overlaps', { protocolMin: 0, protocolMax: PROTOCOL_MAX + 5 }, {}],
  ['any cluster, while the node has none', { clusterId: 'first' }, { clusterId: null }],
  ['a sender without a cluster, while the node has none either', { clusterId: null }, { clusterId: null }],
];

for (const [what, parts, local] of ADMITTED) {
  test(`${what} is admitted`, () => {
    checkEnvelope({ ...ENVELOPE, ...parts }, { ...LOCAL, ...local }, MEMBERSHIP);
    assert.throws(() => checkEnvelope({ ...ENVELOPE, ...parts, to: 7 }, { ...LOCAL, ...local }, EMPTY_MEMBERSHIP));
  });
}

test('a node without a cluster adopts the first that means it, durably, and no other after it', async () => {
  const { node, network, time } = new ScriptedPeers();
  await node.start();
  const { instanceId } = network.inbound.identity();
  const envelope: Envelope = { ...ENVELOPE, clusterId: 'first', toInstanceId: instanceId };
  assert.equal(network.inbound.identity().clusterId, null);
  network.inbound.admit(envelope);
  assert.equal(network.inbound.identity().clusterId, 'first');
  network.inbound.admit(envelope);
  assert.throws(() => network.inbound.admit({ ...envelope, clusterId: 'second' }), PeerRefusedError);
  await time.runTurns();
  assert.deepEqual(
    node.logStore.writes.filter((write) => write.startsWith('identity')),
    ['identity first'],
  );
  await node.shutdown();
  await node.start();
  assert.equal(node.runtime.identity.local.clusterId, 'first');
});

test('an envelope that is refused adopts nothing', async () => {
  const { node, network } = new ScriptedPeers();
  await node.start();
  assert.throws(() => network.inbound.admit({ ...ENVELOPE, toInstanceId: 'another store' }), PeerRefusedError);
  assert.equal(network.inbound.identity().clusterId, null);
});

test('a stopped node admits nobody and answers nothing', async () => {
  const { node, network, time } = await new ScriptedPeers().form();
  await node.shutdown();
  assert.throws(() => network.inbound.admit(ENVELOPE), StoppedError);
  const request = { type: 'read-index', timeoutMs: 10 } as const;
  await assert.rejects(network.inbound.request(2, request, { signal: new AbortController().signal }), StoppedError);
  const replies: unknown[] = [];
  const vote = { type: 'vote-request', term: 9, lastLogId: { term: 9, index: 9 }, transfer: false } as const;
  network.inbound.receive(2, vote, (reply) => replies.push(reply));
  await time.runTurns();
  assert.deepEqual(replies, []);
});

test('a cluster id is joined once; the promise resolves when it is durable', async () => {
  const { node, time } = new ScriptedPeers();
  await node.start();
  node.logStore.holdWrites();
  let isDurable = false;
  const joined = node.runtime.identity.join('c1').then(() => {
    isDurable = true;
  });
  await time.runTurns();
  assert.equal(isDurable, false);
  node.logStore.gate.release();
  await drive(time, joined);
  await node.runtime.identity.join('c2');
  assert.equal(node.runtime.identity.local.clusterId, 'c1');
});
