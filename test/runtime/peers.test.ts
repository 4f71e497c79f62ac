import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '../../src/core/ids.ts';
import type { BasicNode } from '../../src/core/membership/membership.ts';
import type { Message } from '../../src/core/message.ts';
import { PeerRefusedError, UnreachableError } from '../../src/errors.ts';
import type { NodeEvent } from '../../src/runtime/events.ts';
import { Events } from '../../src/runtime/events.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { Peers } from '../../src/runtime/peers.ts';
import { FakeNetwork } from '../support/fake-network.ts';
import { basicNode } from '../support/fake-node.ts';
import { FakeLogStore } from '../support/fake-stores.ts';

const ANSWER: Message = { type: 'heartbeat-response', term: 1, session: 1, round: 1, verifiedIndex: 0 };
const GONE = new UnreachableError('n2:1', 'connection refused');

function makeKit() {
  const network = new FakeNetwork();
  const events = new Events();
  const seen: NodeEvent[] = [];
  events.listen((event) => seen.push(event));
  const lost: NodeId[] = [];
  const messages: NodeId[] = [];
  const peers = new Peers({
    nodeId: 1,
    network,
    events,
    logStore: new FakeLogStore(),
    cache: new LogCache(0, 1e9),
    maxPayloadBytes: 1e6,
    isCurrent: () => true,
    onReadFailure: (error) => {
      throw error;
    },
    onLost: (peer) => lost.push(peer),
    onMessage: (from) => messages.push(from),
  });
  return { network, seen, lost, messages, peers };
}

function members(...ids: NodeId[]): Map<NodeId, BasicNode> {
  return new Map(ids.map((id) => [id, basicNode(id)]));
}

const nobody = (): boolean => false;

test('there is a line to each member but oneself', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2, 3), nobody);
  peers.sync(members(1, 2, 3), nobody);
  assert.deepEqual(
    network.connections.map(({ peer }) => peer),
    [2, 3].map((nodeId) => ({ nodeId, addr: `n${nodeId}:1`, instanceId: null })),
  );
  assert.equal(peers.connection(2), network.to(2));
  assert.equal(peers.connection(9), null);
});

test('a lost peer is told to the core each time, and as an event once', () => {
  const { network, peers, seen, lost, messages } = makeKit();
  peers.sync(members(1, 2), nobody);
  const { events } = network.to(2);
  events.onUnreachable(GONE);
  events.onUnreachable(GONE);
  assert.deepEqual(lost, [2, 2]);
  assert.deepEqual(seen, [{ type: 'peer-unreachable', peer: 2, error: GONE }]);
  assert.equal(peers.isUnreachable(2), true);
  events.onMessage(ANSWER);
  events.onMessage(ANSWER);
  assert.deepEqual(seen.slice(1), [{ type: 'peer-reachable', peer: 2 }]);
  assert.deepEqual([messages, peers.isUnreachable(2)], [[2, 2], false]);
  events.onUnreachable(GONE);
  assert.equal(seen.length, 3);
});

test('a refusal is another event than a lost peer', () => {
  const { network, peers, seen } = makeKit();
  peers.sync(members(1, 2), nobody);
  const error = new PeerRefusedError('instance', 'another store');
  network.to(2).events.onUnreachable(error);
  assert.deepEqual(seen, [{ type: 'peer-refused', peer: 2, error }]);
});

test('a peer that was lost and then refuses is told of as both', () => {
  const { network, peers, seen } = makeKit();
  peers.sync(members(1, 2), nobody);
  const { events } = network.to(2);
  const refused = new PeerRefusedError('instance', 'another store');
  events.onUnreachable(GONE);
  events.onUnreachable(refused);
  events.onUnreachable(refused);
  assert.deepEqual(
    seen.map(({ type }) => type),
    ['peer-unreachable', 'peer-refused'],
  );
});

test('a new address or store gets a new line, and a clean record', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2, 3), nobody);
  const old = network.to(2);
  old.events.onUnreachable(GONE);
  const moved = new Map(members(1, 2, 3)).set(2, { ...basicNode(2), addr: 'n2:9' });
  peers.sync(moved, nobody);
  assert.deepEqual([old.isClosed, network.to(2).peer.addr, network.connections.length], [true, 'n2:9', 3]);
  assert.equal(peers.isUnreachable(2), false);
  peers.sync(new Map(moved).set(3, { ...basicNode(3), instanceId: 'new' }), nobody);
  assert.deepEqual([network.to(3).peer.instanceId, network.connections.length], ['new', 4]);
});

test('who left keeps its line while the leader has something to tell it', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2, 3), nobody);
  peers.sync(members(1, 2), (peer) => peer === 3);
  assert.equal(network.to(3).isClosed, false);
  peers.send(3, { type: 'timeout-now', term: 1 });
  assert.equal(network.to(3).sent.length, 1);
  peers.sync(members(1, 2), nobody);
  assert.equal(network.to(3).isClosed, true);
  assert.equal(peers.connection(3), null);
});

test('what is for nobody is dropped', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2), nobody);
  peers.send(7, { type: 'timeout-now', term: 1 });
  assert.deepEqual(network.to(2).sent, []);
});

test('an old line that still reports something after its end does not mark the new one', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2), nobody);
  const old = network.to(2);
  peers.sync(new Map(members(1, 2)).set(2, { ...basicNode(2), addr: 'n2:9' }), nobody);
  old.events.onUnreachable(GONE);
  assert.equal(peers.isUnreachable(2), false);
});

test('close ends all lines', () => {
  const { network, peers } = makeKit();
  peers.sync(members(1, 2, 3), nobody);
  peers.close();
  assert.ok(network.connections.every(({ isClosed }) => isClosed));
  assert.equal(peers.connection(2), null);
});
