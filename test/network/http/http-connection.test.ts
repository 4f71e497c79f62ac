import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { ConsensusError, PeerRefusedError } from '../../../src/errors.ts';
import { Backoff } from '../../../src/network/http/backoff.ts';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { HttpNetworkOptions } from '../../../src/network/http/network-options.ts';
import { Silence } from '../../../src/network/http/silence.ts';
import type { PeerConnection } from '../../../src/ports/network.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import {
  append,
  heartbeat,
  heartbeatAnswer,
  neverAborted,
  RecordingEvents,
} from '../../../src/testing/conformance/network-world.ts';
import { closeServer, listen, reserveAddr, serve } from './http-world.ts';
import { ManualTime } from './manual-time.ts';
import { startHttpProxy, startTcpProxy } from './proxies.ts';

interface Line {
  readonly time: ManualTime;
  readonly connection: PeerConnection;
  readonly events: RecordingEvents;
  readonly network: HttpNetwork;
}

async function connectTo(t: TestContext, addr: string, options: HttpNetworkOptions = {}): Promise<Line> {
  const time = new ManualTime();
  const random = { next: () => 1 };
  const network = new HttpNetwork({ clock: time, timers: time, random, ...options });
  t.after(async () => await network.close());
  await network.open(new RecordingHandler(1));
  const events = new RecordingEvents();
  return { time, events, network, connection: network.connect({ nodeId: 2, addr, instanceId: null }, events) };
}

function answering(): RecordingHandler {
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => {
    if ('round' in message) {
      reply(heartbeatAnswer(message.round));
    }
  };
  return handler;
}

/** Lets what is under way on sockets arrive. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('backoff', () => {
  test('doubles up to its cap, is random in its upper half, and ends with a success', () => {
    const time = new ManualTime();
    let drawn = 1;
    const backoff = new Backoff({ minMs: 100, maxMs: 1000 }, { clock: time, random: { next: () => drawn } });
    assert.equal(backoff.remainingMs, 0);
    const pauses = [1, 2, 3, 4, 5, 6].map(() => {
      backoff.fail();
      return backoff.remainingMs;
    });
    assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000]);
    drawn = 0;
    backoff.fail();
    assert.equal(backoff.remainingMs, 500);
    time.advance(500);
    assert.equal(backoff.remainingMs, 0);
    backoff.succeed();
    drawn = 1;
    backoff.fail();
    assert.equal(backoff.remainingMs, 100, 'the first success clears it');
  });
});

describe('a connection that failed', () => {
  test('keeps votes and heartbeats for the next try, which comes as soon as the backoff is over', async (t) => {
    const addr = await reserveAddr();
    const { time, connection, events } = await connectTo(t, addr, { backoffMinMs: 100 });
    connection.send(heartbeat(1));
    await events.unreachable.first();
    connection.send({ type: 'pre-vote-request', term: 2, lastLogId: { term: 1, index: 1 } });
    const handler = answering();
    const served = await serve(handler, { port: Number(addr.split(':')[1]) });
    t.after(async () => await served.close());
    time.advance(99);
    await turns();
    assert.equal(handler.messages.items.length, 0);
    time.advance(1);
    assert.equal((await handler.messages.first()).message.type, 'pre-vote-request');
    assert.equal(events.unreachable.items.length, 1);
  });

  test('drops appends meanwhile and says so once a turn', async (t) => {
    const { connection, events } = await connectTo(t, await reserveAddr());
    connection.send(heartbeat(1));
    await events.unreachable.first();
    for (let round = 1; round <= 10; round += 1) {
      assert.equal(connection.send(append(round, 1, 10)), true);
    }
    const errors = await events.unreachable.reach(2);
    await turns();
    assert.equal(errors.length, 2);
    assert.equal(errors[1], errors[0]);
  });

  test('a peer that ends every connection is asked once per backoff, not once per message', async (t) => {
    let connections = 0;
    const server = createNetServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    const addr = await listen(server);
    t.after(() => server.close());
    const { time, connection, events } = await connectTo(t, addr, { backoffMinMs: 100, backoffMaxMs: 100 });
    for (let round = 1; round <= 5; round += 1) {
      for (let message = 0; message < 20; message += 1) {
        connection.send(heartbeat(message));
        connection.send(append(message, 1, 10));
      }
      const reports = events.unreachable.items.length;
      time.advance(100);
      await events.unreachable.reach(reports + 1);
    }
    assert.ok(connections <= 12, `${connections} connections for 200 messages`);
  });

  test('a refusal is tried again after a long pause, and heals when the peer was put right', async (t) => {
    const addr = await reserveAddr();
    const port = Number(addr.split(':')[1]);
    const wrong = await serve(new RecordingHandler(7), { port });
    const { time, connection, events } = await connectTo(t, addr, { refusedRetryMs: 30_000 });
    connection.send(heartbeat(1));
    assert.ok((await events.unreachable.first()) instanceof PeerRefusedError);
    await wrong.close();
    const handler = answering();
    const right = await serve(handler, { port });
    t.after(async () => await right.close());
    time.advance(29_999);
    connection.send(heartbeat(2));
    await turns();
    assert.equal(handler.messages.items.length, 0);
    time.advance(1);
    connection.send(heartbeat(3));
    await events.messages.first();
    assert.equal(events.unreachable.items.length, 1);
  });

  test('a request fails at once while the connection rests, and with the reason', async (t) => {
    const { connection, events } = await connectTo(t, await reserveAddr());
    connection.send(heartbeat(1));
    const error = await events.unreachable.first();
    const call = connection.request({ type: 'read-index', timeoutMs: 1000 }, { signal: neverAborted() });
    await assert.rejects(call, (reason) => reason === error);
  });
});

describe('a peer that is silent', () => {
  test('is no failure while it gives signs of life', async (t) => {
    const handler = new RecordingHandler(2);
    const served = await serve(handler);
    t.after(async () => await served.close());
    const { time, connection, events } = await connectTo(t, served.addr, { rpcTimeoutMs: 1000 });
    for (let round = 1; round <= 50; round += 1) {
      connection.send(heartbeat(round));
      await handler.messages.reach(round);
      await turns(2);
      time.advance(200);
    }
    assert.equal(events.unreachable.items.length, 0);
    assert.equal(handler.admitted.items.length > 2, true, 'it was asked for signs of life');
  });

  test('is given up after rpcTimeoutMs when it is stopped, and found again when it goes on', async (t) => {
    const handler = answering();
    const served = await serve(handler);
    const proxy = await startTcpProxy(served.addr);
    t.after(async () => {
      await proxy.close();
      await served.close();
    });
    const { time, connection, events } = await connectTo(t, proxy.addr, { rpcTimeoutMs: 1000, backoffMinMs: 10 });
    connection.send(heartbeat(1));
    await events.messages.first();
    proxy.freeze();
    const startedAtMs = time.nowMs();
    while (events.unreachable.items.length === 0) {
      connection.send(heartbeat(2));
      await turns(2);
      time.advance(100);
    }
    assert.match((await events.unreachable.first()).message, /no answer for 1000 ms/);
    const tookMs = time.nowMs() - startedAtMs;
    assert.ok(tookMs >= 1000 && tookMs <= 1500, `${tookMs} ms`);
    proxy.thaw();
    time.advance(1000);
    connection.send(heartbeat(3));
    await events.messages.reach(2);
  });

  test('is not blamed for a stall of this process: what arrived meanwhile is read first', () => {
    const time = new ManualTime();
    const happened: string[] = [];
    let afterReading = (): void => undefined;
    const silence = new Silence({
      limitMs: 1000,
      ports: {
        clock: time,
        timers: {
          setTimer: () => ({ cancel: () => undefined }),
          nextTurn: (callback) => {
            afterReading = callback;
          },
        },
      },
      onProbe: () => happened.push('probe'),
      onSilent: () => happened.push('silent'),
    });
    silence.onSent();
    time.advance(5000);
    silence.onSent();
    assert.deepEqual(happened, ['probe'], 'however long the stall was, the peer is asked first');
    time.advance(5000);
    silence.onSent();
    assert.deepEqual(happened, ['probe']);
    silence.onReceived();
    afterReading();
    assert.deepEqual(happened, ['probe'], 'the answer lay in the socket');
    silence.onSent();
    time.advance(500);
    silence.onSent();
    time.advance(500);
    silence.onSent();
    afterReading();
    assert.deepEqual(happened, ['probe', 'probe', 'silent']);
  });

  test('a peer that never finishes connecting is given up after connectTimeoutMs', async (t) => {
    const server = createNetServer();
    const addr = await listen(server);
    t.after(() => server.close());
    const { time, connection, events } = await connectTo(t, addr, { connectTimeoutMs: 700 });
    const connected = once(server, 'connection');
    connection.send(heartbeat(1));
    const [socket] = await connected;
    time.advance(700);
    assert.match((await events.unreachable.first()).message, /no connection within 700 ms/);
    socket.destroy();
  });
});

describe('errors name cause and cure', () => {
  async function failureOf(t: TestContext, addr: string): Promise<ConsensusError> {
    const { network } = await connectTo(t, addr);
    const error = await network.handshake(addr, { signal: neverAborted() }).then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(ConsensusError.is(error), String(error));
    assert.ok(error.message.includes(addr), error.message);
    return error;
  }

  test('BUG-15 each way to fail is told apart', async (t) => {
    const refused = await failureOf(t, await reserveAddr());
    assert.match(refused.message, /refused; is the node running.*ECONNREFUSED/);

    const unknown = await failureOf(t, 'no-such-host.invalid:9000');
    assert.match(unknown.message, /(host name is unknown|DNS server did not answer).*(ENOTFOUND|EAI_AGAIN)/);

    assert.match((await failureOf(t, 'nowhere')).message, /not of the form host:port/);
    assert.match((await failureOf(t, '127.0.0.1:70000')).message, /not of the form host:port/);

    const other = createServer((_request, response) => response.end('hello'));
    const otherAddr = await listen(other);
    t.after(async () => await closeServer(other));
    assert.match((await failureOf(t, otherAddr)).message, /something else answers there \(HTTP 200/);

    const unmounted = createServer((_request, response) => response.writeHead(404).end());
    const unmountedAddr = await listen(unmounted);
    t.after(async () => await closeServer(unmounted));
    assert.match(
      (await failureOf(t, unmountedAddr)).message,
      /no Raft endpoint is there \(404\): is raftService mounted/,
    );

    const chatty = createNetServer((socket) => socket.end('SSH-2.0-x\r\n'));
    const chattyAddr = await listen(chatty);
    t.after(() => chatty.close());
    assert.match((await failureOf(t, chattyAddr)).message, /the answer is not HTTP/);

    const resetting = createNetServer((socket) => socket.resetAndDestroy());
    const resettingAddr = await listen(resetting);
    t.after(() => resetting.close());
    assert.match((await failureOf(t, resettingAddr)).message, /reset; the process may have ended/);
  });

  test('a message larger than the peer takes is refused here, with the limits to change; others pass', async (t) => {
    const handler = answering();
    const served = await serve(handler, { maxBodyBytes: 10_000 });
    t.after(async () => await served.close());
    for (const transport of ['stream', 'post'] as const) {
      const { connection, events } = await connectTo(t, served.addr, { transport });
      connection.send(heartbeat(1));
      await events.messages.first();
      connection.send(append(2, 1, 20_000));
      const error = await events.unreachable.first();
      assert.ok(ConsensusError.is(error) && error.code === 'PROTOCOL', String(error));
      assert.match(error.message, /maxBodyBytes/);
      connection.send(append(3, 1, 1000));
      await events.messages.reach(2);
    }
  });

  test('a response larger than this node takes leaves the outcome open, and the connection as it is', async (t) => {
    const handler = answering();
    handler.onRequest = ({ respond }) =>
      respond({ type: 'proposed', logId: { term: 1, index: 1 }, response: new Uint8Array(20_000) });
    const served = await serve(handler);
    t.after(async () => await served.close());
    const limits = { maxFrameBytes: 10_000, snapshotChunkBytes: 1000 };
    const request = { type: 'propose', payload: new Uint8Array(1), timeoutMs: 1000 } as const;
    const onStream = await connectTo(t, served.addr, limits);
    const response = await onStream.connection.request(request, { signal: neverAborted() });
    assert.ok(response.type === 'failed' && response.error.code === 'INDETERMINATE');
    assert.match(response.error.message, /20\d{3} bytes.*10000, maxFrameBytes/);
    const posted = await connectTo(t, served.addr, { ...limits, transport: 'post' });
    const call = posted.connection.request(request, { signal: neverAborted() });
    await assert.rejects(call, { code: 'INDETERMINATE' });
    for (const { connection, events } of [onStream, posted]) {
      connection.send(heartbeat(1));
      await events.messages.first();
      assert.equal(events.unreachable.items.length, 0);
    }
  });

  test('a refusal that comes again after a good time is reported again', async (t) => {
    const addr = await reserveAddr();
    const port = Number(addr.split(':')[1]);
    const { time, connection, events } = await connectTo(t, addr);
    for (let round = 1; round <= 2; round += 1) {
      const wrong = await serve(new RecordingHandler(7), { port });
      connection.send(heartbeat(round));
      const reports = await events.unreachable.reach(2 * round - 1);
      assert.ok(reports.at(-1) instanceof PeerRefusedError, String(reports.at(-1)));
      await wrong.close();
      time.advance(30_000);
      const right = await serve(answering(), { port });
      connection.send(heartbeat(round));
      await events.messages.reach(round);
      await right.close();
      await events.unreachable.reach(2 * round);
      time.advance(30_000);
    }
  });
});

describe('where no stream is possible', () => {
  for (const upgrades of ['strip', 'swallow'] as const) {
    test(`messages are posted (a proxy ${upgrades}s upgrades), until a stream is possible`, async (t) => {
      const handler = answering();
      const served = await serve(handler);
      const proxy = await startHttpProxy(served.addr, upgrades);
      t.after(async () => {
        await proxy.close();
        await served.close();
      });
      const { time, connection, events } = await connectTo(t, proxy.addr, { streamRetryMs: 60_000 });
      connection.send(heartbeat(1));
      if (upgrades === 'swallow') {
        await time.timerSet();
        await turns(50);
        // Half of the time to connect is for the upgrade.
        time.advance(1000);
      }
      await events.messages.first();
      connection.send(append(2, 3, 1_000_000));
      await events.messages.reach(2);
      assert.equal(served.service.stats().openStreams, 0);
      proxy.upgrades = 'pass';
      time.advance(60_000);
      connection.send(heartbeat(3));
      for (let round = 4; served.service.stats().openStreams === 0; round += 1) {
        connection.send(heartbeat(round));
        await turns(2);
      }
      const before = events.messages.items.length;
      connection.send(heartbeat(100));
      await events.messages.reach(before + 1);
      assert.equal(events.unreachable.items.length, 0);
    });
  }
});
