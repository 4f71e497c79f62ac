/** Messages: order, answers, refusal, loss. */
import assert from 'node:assert/strict';
import { blankEntry, membershipEntry, normalEntry } from '../../core/entry.ts';
import { logId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { ConsensusError, PeerRefusedError } from '../../errors.ts';
import type { LocalIdentity, Peer } from '../../ports/network.ts';
import { RecordingHandler } from './network-handler.ts';
import type { NetworkWorld } from './network-world.ts';
import {
  append,
  heartbeat,
  heartbeatAnswer,
  neverAborted,
  RecordingEvents,
  startNode,
  startNodeAt,
  startPair,
} from './network-world.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const BIG_BYTES = 5 * 1024 * 1024;

/** Every kind of message, with empty, absent and extreme values. */
const ALL_MESSAGES: readonly Message[] = [
  { type: 'pre-vote-request', term: MAX, lastLogId: logId(MAX, MAX) },
  { type: 'pre-vote-response', term: 0, granted: false, lastLogId: logId(0, 0) },
  { type: 'vote-request', term: 2 ** 40, lastLogId: logId(2 ** 33, 2 ** 52), transfer: true },
  { type: 'vote-response', term: MAX, granted: true, lastLogId: logId(1, MAX) },
  { type: 'append-request', term: 1, session: 0, round: MAX, prevLogId: logId(0, 0), entries: [], commitIndex: 0 },
  {
    type: 'append-request',
    term: 7,
    session: MAX,
    round: 1,
    prevLogId: logId(6, 10),
    entries: [
      blankEntry(logId(7, 11), 1_700_000_000_000),
      normalEntry(logId(7, 12), 1_700_000_000_001, new Uint8Array(0)),
      normalEntry(logId(7, 13), 1_700_000_000_002, new Uint8Array([0, 255, 128])),
      membershipEntry(logId(7, 14), 1_700_000_000_003, {
        configs: [[1, 2], [MAX]],
        nodes: new Map([
          [1, { addr: 'a:1', instanceId: null, metadata: null }],
          [MAX, { addr: 'ü:2', instanceId: 'i', metadata: { zone: ['x', 1, null, true], empty: {} } }],
        ]),
        retainRemoved: true,
      }),
    ],
    commitIndex: MAX,
  },
  {
    type: 'append-response',
    term: 7,
    session: 3,
    round: 4,
    prevIndex: 1,
    success: true,
    matchIndex: MAX,
    conflictHint: null,
    lastIndex: MAX,
  },
  {
    type: 'append-response',
    term: 7,
    session: 3,
    round: 4,
    prevIndex: 0,
    success: false,
    matchIndex: 0,
    conflictHint: logId(2, 5),
    lastIndex: 0,
  },
  { type: 'heartbeat-request', term: 9, session: 1, round: 2, commitIndex: 3 },
  { type: 'heartbeat-response', term: 9, session: 1, round: 2, verifiedIndex: 6 },
  { type: 'timeout-now', term: MAX },
  { type: 'snapshot-response', term: 4, session: 8, matchIndex: MAX },
];

export async function deliversInOrder(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const rounds = Array.from({ length: 500 }, (_, index) => index + 1);
  for (const round of rounds) {
    assert.equal(connection.send(heartbeat(round)), true);
  }
  const heartbeats = await two.handler.messages.reach(rounds.length);
  assert.deepEqual(
    heartbeats.map(({ message }) => roundOf(message)),
    rounds,
  );
  assert.deepEqual(new Set(heartbeats.map(({ from }) => from)), new Set([1]));
  for (const round of rounds) {
    connection.send(append(round, 3, 200));
  }
  const all = await two.handler.messages.reach(2 * rounds.length);
  assert.deepEqual(
    all.slice(rounds.length).map(({ message }) => roundOf(message)),
    rounds,
  );
}

export async function deliversEveryKind(world: NetworkWorld): Promise<void> {
  const { two, connection, events } = await startPair(world);
  two.handler.onMessage = ({ message, reply }) => reply(message);
  for (const [index, message] of ALL_MESSAGES.entries()) {
    connection.send(message);
    const received = await two.handler.messages.reach(index + 1);
    assert.deepEqual(plain(received[index]?.message), plain(message));
    const answers = await events.messages.reach(index + 1);
    assert.deepEqual(plain(answers[index]), plain(message));
  }
}

export async function routesAnswers(world: NetworkWorld): Promise<void> {
  const { one, two, connection, events } = await startPair(world);
  const three = await startNode(world, new RecordingHandler(3));
  const otherEvents = new RecordingEvents();
  const other = three.network.connect({ nodeId: 2, addr: two.addr, instanceId: null }, otherEvents);
  connection.send(heartbeat(1));
  other.send(heartbeat(2));
  const received = await two.handler.messages.reach(2);
  // The later question is answered first.
  for (const { from, reply } of [...received].sort((a, b) => b.from - a.from)) {
    reply(heartbeatAnswer(from));
  }
  assert.deepEqual((await events.messages.reach(1)).map(roundOf), [1]);
  assert.deepEqual((await otherEvents.messages.reach(1)).map(roundOf), [3]);
  assert.equal(one.handler.messages.items.length, 0, 'an answer is no message of its own');
}

export async function unansweredMessageBlocksNothing(world: NetworkWorld): Promise<void> {
  const { two, connection, events } = await startPair(world);
  two.handler.onMessage = ({ message, reply }) => {
    if (roundOf(message) === 2) {
      reply(heartbeatAnswer(2));
    }
  };
  connection.send(heartbeat(1));
  connection.send(heartbeat(2));
  assert.equal(roundOf(await events.messages.first()), 2);
}

/** BUG-2: bodies above 2 MB were refused. */
export async function deliversBigAppends(world: NetworkWorld): Promise<void> {
  const { two, connection, events } = await startPair(world);
  two.handler.onMessage = ({ reply }) => reply(heartbeat(1));
  const messages = [append(1, 300, 16 * 1024), append(2, 1, BIG_BYTES)];
  for (const [index, message] of messages.entries()) {
    assert.equal(connection.send(message), true);
    const received = await two.handler.messages.reach(index + 1);
    assert.deepEqual(plain(received[index]?.message), plain(message));
    await events.messages.reach(index + 1);
  }
}

export async function reportsUnreachable(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const addr = await world.reserveAddr();
  const events = new RecordingEvents();
  one.network.connect({ nodeId: 2, addr, instanceId: null }, events).send(heartbeat(1));
  const error = await events.unreachable.first();
  assert.ok(ConsensusError.is(error) && error.code === 'UNREACHABLE', String(error));
  assert.match(error.message, new RegExp(escapeRegExp(addr)));
}

export async function comesBackByItself(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const addr = await world.reserveAddr();
  const events = new RecordingEvents();
  const connection = one.network.connect({ nodeId: 2, addr, instanceId: null }, events);
  connection.send(heartbeat(1));
  await events.unreachable.first();
  const two = await startNodeAt(world, addr, new RecordingHandler(2));
  for (let round = 2; two.handler.messages.items.length === 0; round += 1) {
    connection.send(heartbeat(round));
    // Lets time pass for an adapter that waits before it tries again.
    await one.network.handshake(addr, { signal: neverAborted() });
  }
  assert.notEqual(roundOf((await two.handler.messages.first()).message), 1, 'the lost message stays lost');
}

export async function deadPeerDisturbsNoOther(world: NetworkWorld): Promise<void> {
  const { one, two, connection } = await startPair(world);
  const events = new RecordingEvents();
  const hanging = one.network.connect({ nodeId: 3, addr: await world.hangingAddr(), instanceId: null }, events);
  const dead = one.network.connect({ nodeId: 4, addr: await world.reserveAddr(), instanceId: null }, events);
  for (let round = 1; round <= 50; round += 1) {
    hanging.send(append(round, 1, 1000));
    dead.send(append(round, 1, 1000));
    connection.send(heartbeat(round));
  }
  assert.equal((await two.handler.messages.reach(50)).length, 50);
}

/** BUG-14: a wrong or recycled address was accepted. */
export async function refusesStrangers(world: NetworkWorld): Promise<void> {
  const two = await startNode(world, new RecordingHandler(2));
  const cases: readonly { reason: string; own: Partial<LocalIdentity>; peer: Omit<Peer, 'addr'> }[] = [
    { reason: 'cluster', own: { clusterId: 'cluster-b' }, peer: { nodeId: 2, instanceId: null } },
    { reason: 'node', own: {}, peer: { nodeId: 7, instanceId: null } },
    { reason: 'instance', own: {}, peer: { nodeId: 2, instanceId: 'wiped' } },
  ];
  for (const { reason, own, peer } of cases) {
    const one = await startNode(world, new RecordingHandler(1, own));
    const events = new RecordingEvents();
    const connection = one.network.connect({ ...peer, addr: two.addr }, events);
    connection.send(heartbeat(1));
    const error = await events.unreachable.first();
    assert.ok(error instanceof PeerRefusedError, String(error));
    assert.equal(error.reason, reason);
    const askedBefore = two.handler.refused.items.length;
    for (let round = 2; round <= 30; round += 1) {
      connection.send(heartbeat(round));
      await one.network.handshake(two.addr, { signal: neverAborted() });
    }
    assert.equal(events.unreachable.items.length, 1, 'a refusal is reported once');
    assert.equal(two.handler.refused.items.length, askedBefore, 'a node that refused is not asked again');
    const response = connection.request({ type: 'read-index', timeoutMs: 1000 }, { signal: neverAborted() });
    await assert.rejects(response, PeerRefusedError);
    await one.close();
  }
  assert.equal(two.handler.messages.items.length, 0, 'no message reaches a node that it is not meant for');
  assert.equal(two.handler.requests.items.length, 0);
}

export async function boundsItsQueue(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const addr = await world.hangingAddr();
  const connection = one.network.connect({ nodeId: 2, addr, instanceId: null }, new RecordingEvents());
  const bytesEach = Math.ceil(world.maxQueueBytes / 16);
  let sent = 0;
  while (connection.send(append(sent, 1, bytesEach))) {
    sent += 1;
    assert.ok(sent <= 17, `${sent} messages of ${bytesEach} bytes are waiting`);
  }
  assert.ok(sent >= 1, 'there is room for one message');
}

export async function closedConnectionSendsNothing(world: NetworkWorld): Promise<void> {
  const { one, two, connection, events } = await startPair(world);
  connection.send(heartbeat(1));
  const { reply } = await two.handler.messages.first();
  connection.close();
  connection.close();
  reply(heartbeatAnswer(1));
  assert.equal(connection.send(heartbeat(2)), false);
  await one.network.handshake(two.addr, { signal: neverAborted() });
  assert.equal(two.handler.messages.items.length, 1);
  assert.equal(events.messages.items.length, 0, 'a closed connection reports no answers');
  assert.equal(events.unreachable.items.length, 0, 'closing is no failure of the peer');
}

function roundOf(message: Message): number {
  return 'round' in message ? message.round : -1;
}

/** Views, Buffers and Maps as plain values. */
function plain(message: Message | undefined): unknown {
  if (message?.type !== 'append-request') {
    return message;
  }
  return {
    ...message,
    entries: message.entries.map((entry) => ({ ...entry, payload: Buffer.from(entry.payload).toString('base64') })),
  };
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
