import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { RaftService } from '../../../src/network/http/raft-service.ts';
import { raftService } from '../../../src/network/http/raft-service.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import { heartbeat, RecordingEvents } from '../../../src/testing/conformance/network-world.ts';
import { closeServer, listen, serve } from './http-world.ts';
import { sendBytes } from './raw-http.ts';
import { makeCertificate } from './self-signed.ts';

interface Started {
  readonly addr: string;
  readonly server: Server;
  readonly raft: RaftService;
  readonly handler: RecordingHandler;
}

/** A server with the service and an application that echoes bodies. */
async function startApp(t: TestContext): Promise<Started> {
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => reply(message);
  const raft = raftService({ inbound: handler });
  const server = createServer((request, response) => {
    if (raft.handles(request)) {
      raft(request, response);
    } else {
      void echo(request).then((text) => response.end(text));
    }
  });
  const addr = await listen(server);
  t.after(async () => {
    await raft.close();
    await closeServer(server);
  });
  return { addr, server, raft, handler };
}

async function echo(request: IncomingMessage): Promise<string> {
  const chunks = await request.toArray();
  return `${request.method} ${request.url} ${request.headers.connection ?? '-'} ${Buffer.concat(chunks).toString()}`;
}

async function talk(t: TestContext, addr: string): Promise<RecordingEvents> {
  const network = new HttpNetwork();
  t.after(async () => await network.close());
  await network.open(new RecordingHandler(1));
  const events = new RecordingEvents();
  network.connect({ nodeId: 2, addr, instanceId: null }, events).send(heartbeat(1));
  await events.messages.first();
  return events;
}

const H2C = 'host: x\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\n';

describe('upgrades', () => {
  test('the first request finds a server that did not listen for upgrades, and the stream follows', async (t) => {
    const { addr, server, raft } = await startApp(t);
    assert.equal(server.listenerCount('upgrade'), 0);
    await talk(t, addr);
    assert.equal(server.listenerCount('upgrade'), 1);
    assert.equal(raft.stats().openStreams, 1);
    await raft.close();
    assert.equal(server.listenerCount('upgrade'), 0);
  });

  test('upgrades for nobody are served as plain requests, before and after the service listens', async (t) => {
    const { addr, server } = await startApp(t);
    const bare = `GET /a HTTP/1.1\r\n${H2C}\r\n`;
    const withBody = `POST /b HTTP/1.1\r\n${H2C}content-length: 5\r\n\r\nhello`;
    const before = [await sendBytes(addr, bare), await sendBytes(addr, withBody)];
    await talk(t, addr);
    const after = [await sendBytes(addr, bare), await sendBytes(addr, withBody)];
    for (const [answers, connection] of [
      [before, 'Upgrade, HTTP2-Settings, close'],
      [after, 'shouldUpgradeCallback' in server ? 'Upgrade, HTTP2-Settings, close' : 'HTTP2-Settings, close'],
    ] as const) {
      assert.ok(answers[0]?.endsWith(`GET /a ${connection} `), answers[0]);
      assert.ok(answers[1]?.endsWith(`POST /b ${connection} hello`), answers[1]);
    }
  });

  test('the same on a TLS server', async (t) => {
    const certificate = makeCertificate('x');
    const raft = raftService({ inbound: new RecordingHandler(2) });
    const server = createTlsServer(certificate, (request, response) => {
      void echo(request).then((text) => response.end(text));
    });
    raft.attach(server);
    const addr = await listen(server);
    t.after(async () => {
      await raft.close();
      await closeServer(server);
    });
    const socket = connectTls({ host: '127.0.0.1', port: Number(addr.split(':')[1]), ca: certificate.cert });
    socket.write(`GET /a HTTP/1.1\r\n${H2C}\r\n`);
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /GET \/a (Upgrade, )?HTTP2-Settings, close $/);
  });

  test('upgrades that somebody else listens for are left alone', async (t) => {
    const { addr, server } = await startApp(t);
    server.on('upgrade', (request, socket) => {
      if (request.headers.upgrade === 'other') {
        socket.end('HTTP/1.1 101 Other\r\n\r\n');
      }
    });
    await talk(t, addr);
    const answer = await sendBytes(
      addr,
      'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: other\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 101 Other/);
  });

  test('two services share a server', async (t) => {
    const [two, three] = [new RecordingHandler(2), new RecordingHandler(3)];
    const services = [
      raftService({ inbound: two }, { prefix: '/a' }),
      raftService({ inbound: three }, { prefix: '/b' }),
    ];
    const server = createServer((request, response) => {
      const service = services.find((candidate) => candidate.handles(request));
      if (service === undefined) {
        void echo(request).then((text) => response.end(text));
      } else {
        service(request, response);
      }
    });
    const addr = await listen(server);
    t.after(async () => {
      for (const service of services) {
        await service.close();
      }
      await closeServer(server);
    });
    for (const [prefix, handler] of [
      ['/a', two],
      ['/b', three],
    ] as const) {
      const network = new HttpNetwork({ prefix });
      t.after(async () => await network.close());
      await network.open(new RecordingHandler(1));
      const nodeId = handler.local.nodeId;
      network.connect({ nodeId, addr, instanceId: null }, new RecordingEvents()).send(heartbeat(nodeId));
      assert.equal((await handler.messages.first()).from, 1);
    }
    assert.deepEqual(
      services.map((service) => service.stats().openStreams),
      [1, 1],
    );
    assert.ok((await sendBytes(addr, `GET /c HTTP/1.1\r\n${H2C}\r\n`)).includes('GET /c'));
  });

  test('an application that handles all upgrades itself can hand them over', async (t) => {
    const handler = new RecordingHandler(2);
    handler.onMessage = ({ message, reply }) => reply(message);
    const raft = raftService({ inbound: handler });
    const server = createServer(raft);
    server.on('upgrade', (request, socket, head) => {
      if (raft.handles(request)) {
        raft.handleUpgrade(request, socket, head);
      } else {
        socket.destroy();
      }
    });
    const addr = await listen(server);
    t.after(async () => {
      await raft.close();
      await closeServer(server);
    });
    const events = await talk(t, addr);
    assert.equal(raft.stats().openStreams, 1, 'though the service heard of the upgrade itself, too');
    assert.equal(handler.messages.items.length, 1);
    assert.equal(events.messages.items.length, 1);
  });

  test('no more streams than allowed are open at a time', async (t) => {
    const handler = new RecordingHandler(2);
    const served = await serve(handler, { maxStreams: 1 });
    t.after(async () => await served.close());
    const events = new RecordingEvents();
    for (const nodeId of [4, 5]) {
      const network = new HttpNetwork();
      t.after(async () => await network.close());
      await network.open(new RecordingHandler(nodeId));
      network.connect({ nodeId: 2, addr: served.addr, instanceId: null }, events).send(heartbeat(nodeId));
      await Promise.race([handler.messages.reach(nodeId - 3), events.unreachable.first()]);
    }
    assert.equal(served.service.stats().openStreams, 1);
    assert.equal(served.service.stats().refused['not-ready'], 1);
    assert.match((await events.unreachable.first()).message, /streams are open already/);
  });

  test('closing the service ends its streams, so that the server can close', async (t) => {
    const { addr, server, raft } = await startApp(t);
    const events = await talk(t, addr);
    const closed = once(server, 'close');
    server.close();
    await raft.close();
    await closed;
    assert.match((await events.unreachable.first()).message, /stops listening|closed/);
    assert.equal(raft.stats().openStreams, 0);
  });

  test('a target that shuts down closes its service', async (t) => {
    const shutdown = new AbortController();
    const handler = new RecordingHandler(2);
    handler.onMessage = ({ message, reply }) => reply(message);
    const raft = raftService({ inbound: handler, shutdownSignal: shutdown.signal });
    const server = createServer(raft);
    const addr = await listen(server);
    await talk(t, addr);
    const closed = once(server, 'close');
    server.close();
    shutdown.abort();
    await closed;
    assert.equal(raft.stats().openStreams, 0);
  });
});
