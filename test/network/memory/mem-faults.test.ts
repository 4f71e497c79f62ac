import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, ConsensusError } from '../../../src/errors.ts';
import type { MemHubOptions } from '../../../src/network/memory/mem-hub.ts';
import { MemHub } from '../../../src/network/memory/mem-hub.ts';
import type { MemNetwork } from '../../../src/network/memory/mem-network.ts';
import type { TimerHandle, Timers } from '../../../src/ports/clock.ts';
import type { PeerConnection } from '../../../src/ports/network.ts';
import type { Random } from '../../../src/ports/random.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import {
  append,
  heartbeat,
  neverAborted,
  RecordingEvents,
  snapshotBytes,
  snapshotHeader,
} from '../../../src/testing/conformance/network-world.ts';

const READ_INDEX = { type: 'read-index', timeoutMs: 100 } as const;

/** Timers that run when the test says so, in the order of their delays. */
class ManualTimers implements Timers {
  readonly #due: { readonly delayMs: number; readonly callback: () => void }[] = [];

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    this.#due.push({ delayMs, callback });
    return { cancel: () => undefined };
  }

  nextTurn(callback: () => void): void {
    this.setTimer(0, callback);
  }

  runAll(): void {
    for (const { callback } of this.#due.splice(0).sort((a, b) => a.delayMs - b.delayMs)) {
      callback();
    }
  }
}

/** Returns the given numbers, over and over. */
function fixedRandom(...numbers: readonly number[]): Random {
  let calls = 0;
  return {
    next(): number {
      calls += 1;
      return numbers[(calls - 1) % numbers.length] ?? 0;
    },
    uniqueId: () => `id-${calls}`,
  };
}

interface Pair {
  readonly hub: MemHub;
  readonly one: RecordingHandler;
  readonly two: RecordingHandler;
  readonly twoNetwork: MemNetwork;
  readonly oneNetwork: MemNetwork;
  readonly connection: PeerConnection;
  readonly events: RecordingEvents;
}

async function startPair(options: MemHubOptions = {}): Promise<Pair> {
  const hub = new MemHub(options);
  const [one, two] = [new RecordingHandler(1), new RecordingHandler(2)];
  two.onMessage = ({ message, reply }) => reply(message);
  const [oneNetwork, twoNetwork] = [hub.network('n1:1'), hub.network('n2:1')];
  await oneNetwork.open(one);
  await twoNetwork.open(two);
  const events = new RecordingEvents();
  const connection = oneNetwork.connect({ nodeId: 2, addr: 'n2:1', instanceId: null }, events);
  return { hub, one, two, oneNetwork, twoNetwork, connection, events };
}

function rounds(items: readonly { readonly message: object }[]): readonly unknown[] {
  return items.map(({ message }) => ('round' in message ? message.round : null));
}

describe('MemHub without faults', () => {
  test('a message and its answer pass while send is running, by reference', async () => {
    const { two, connection, events } = await startPair();
    const message = append(1, 2, 10);
    connection.send(message);
    assert.equal(two.messages.items[0]?.message, message);
    assert.equal(events.messages.items[0], message);
  });

  test('a connection is admitted once, and again by a restarted node', async () => {
    const { hub, two, twoNetwork, connection, events } = await startPair();
    connection.send(heartbeat(1));
    connection.send(heartbeat(2));
    assert.equal(two.admitted.items.length, 1);
    await twoNetwork.close();
    connection.send(heartbeat(3));
    assert.equal(events.unreachable.items.length, 1);
    const restarted = new RecordingHandler(2);
    await hub.network('n2:1').open(restarted);
    connection.send(heartbeat(4));
    assert.equal(restarted.admitted.items.length, 1);
    assert.deepEqual(rounds(restarted.messages.items), [4]);
  });

  test('two open networks can not share an address', async () => {
    const { hub } = await startPair();
    await assert.rejects(hub.network('n1:1').open(new RecordingHandler(3)), ConfigError);
  });

  test('a network that is not open is misuse', () => {
    const network = new MemHub().network('a');
    assert.throws(() => network.connect({ nodeId: 1, addr: 'b', instanceId: null }, new RecordingEvents()), TypeError);
  });
});

describe('MemHub faults', () => {
  test('isolate stops both directions and is reported; heal ends it', async () => {
    const { hub, one, two, twoNetwork, connection, events } = await startPair();
    hub.isolate('n2:1');
    connection.send(heartbeat(1));
    const backEvents = new RecordingEvents();
    twoNetwork.connect({ nodeId: 1, addr: 'n1:1', instanceId: null }, backEvents).send(heartbeat(2));
    assert.equal(two.messages.items.length + one.messages.items.length, 0);
    assert.equal(events.unreachable.items.length, 1);
    assert.equal(backEvents.unreachable.items.length, 1);
    hub.heal();
    connection.send(heartbeat(3));
    assert.deepEqual(rounds(two.messages.items), [3]);
    assert.equal(events.messages.items.length, 1);
  });

  test('a one-way cut lets the other direction through', async () => {
    const { hub, two, connection, events } = await startPair();
    hub.cut('n2:1', 'n1:1', { oneWay: true });
    connection.send(heartbeat(1));
    assert.equal(two.messages.items.length, 1);
    assert.equal(events.messages.items.length, 0, 'the answer is lost');
    assert.equal(events.unreachable.items.length, 0, 'a lost answer looks like a slow one');
    const call = connection.request(READ_INDEX, { signal: neverAborted() });
    const { respond } = await two.requests.first();
    respond({ type: 'read-index', readLogId: { term: 1, index: 1 } });
    await assert.rejects(call, (error) => ConsensusError.is(error) && error.code === 'INDETERMINATE');
    hub.heal('n1:1');
    connection.send(heartbeat(2));
    assert.equal(events.messages.items.length, 1);
  });

  test('a cut in the forward direction makes a request unreachable', async () => {
    const { hub, connection } = await startPair();
    hub.cut('n1:1', 'n2:1');
    const call = connection.request(READ_INDEX, { signal: neverAborted() });
    await assert.rejects(call, (error) => ConsensusError.is(error) && error.code === 'UNREACHABLE');
  });

  test('a hanging node gets what waited for it when it is healed', async () => {
    const { hub, two, connection, events } = await startPair({ maxQueueBytes: 10_000 });
    hub.hang('n2:1');
    assert.equal(connection.send(append(1, 1, 8000)), true);
    assert.equal(connection.send(append(2, 1, 8000)), false);
    const call = connection.request(READ_INDEX, { signal: neverAborted() });
    assert.equal(two.messages.items.length, 0);
    hub.heal('n2:1');
    assert.deepEqual(rounds(two.messages.items), [1]);
    assert.equal(events.unreachable.items.length, 0);
    const { respond } = await two.requests.first();
    respond({ type: 'read-index', readLogId: { term: 1, index: 1 } });
    assert.equal((await call).type, 'read-index');
  });

  test('delays keep the order unless told otherwise', async () => {
    for (const keepOrder of [true, false]) {
      const timers = new ManualTimers();
      const { hub, two, connection } = await startPair({ timers, random: fixedRandom(0.9, 0.1) });
      hub.delay({ minMs: 10, maxMs: 20, keepOrder });
      connection.send(heartbeat(1));
      connection.send(heartbeat(2));
      assert.equal(two.messages.items.length, 0);
      timers.runAll();
      assert.deepEqual(rounds(two.messages.items), keepOrder ? [1, 2] : [2, 1]);
    }
  });

  test('drops and duplicates follow the random source', async () => {
    const { hub, two, connection, events } = await startPair({ random: fixedRandom(0.5, 0.05) });
    two.onMessage = null;
    hub.drop(0.1);
    for (const round of [1, 2, 3, 4]) {
      connection.send(heartbeat(round));
    }
    assert.deepEqual(rounds(two.messages.items), [1, 3]);
    hub.drop(0);
    hub.duplicate(0.1);
    connection.send(heartbeat(5));
    connection.send(heartbeat(6));
    assert.deepEqual(rounds(two.messages.items), [1, 3, 5, 6, 6]);
    assert.equal(events.unreachable.items.length, 0);
  });

  test('a filter sees messages and answers with their envelopes', async () => {
    const { hub, two, connection, events } = await startPair();
    const seen: string[] = [];
    hub.filter((envelope, message) => {
      seen.push(`${envelope.from}>${envelope.to} ${message.type}`);
      return message.type === 'heartbeat-request' && message.round === 2 ? 'drop' : 'deliver';
    });
    connection.send(heartbeat(1));
    connection.send(heartbeat(2));
    assert.deepEqual(seen, ['1>2 heartbeat-request', '2>1 heartbeat-request', '1>2 heartbeat-request']);
    assert.deepEqual(rounds(two.messages.items), [1]);
    hub.filter(() => 'unreachable');
    connection.send(heartbeat(3));
    assert.equal(events.unreachable.items.length, 1);
    assert.equal(two.messages.items.length, 1);
  });

  test('a link cut during a snapshot breaks it, and it resumes when healed', async () => {
    const { hub, two, connection } = await startPair();
    const bytes = snapshotBytes(1000);
    const starts: number[] = [];
    async function* chunks(offset: number): AsyncGenerator<Uint8Array> {
      starts.push(offset);
      for (let at = offset; at < bytes.byteLength; at += 100) {
        if (at === 500 && starts.length === 1) {
          hub.cut('n1:1', 'n2:1');
        }
        yield bytes.slice(at, at + 100);
      }
    }
    const options = { signal: neverAborted(), onProgress: () => undefined };
    const broken = connection.sendSnapshot(snapshotHeader('s', bytes), chunks, options);
    await assert.rejects(broken, (error) => ConsensusError.is(error) && error.code === 'UNREACHABLE');
    assert.equal(two.sinks.items[0]?.aborted.items.length, 1);
    hub.heal();
    await connection.sendSnapshot(snapshotHeader('s', bytes), chunks, options);
    assert.deepEqual(starts, [0, 500]);
  });

  test('a fault that needs timers or randomness says so', () => {
    const hub = new MemHub();
    assert.throws(() => hub.delay({ minMs: 1, maxMs: 2 }), /pass \{ timers \}/);
    assert.throws(() => hub.drop(0.5), /pass \{ random \}/);
    assert.throws(() => hub.duplicate(0.5), /pass \{ random \}/);
  });
});
