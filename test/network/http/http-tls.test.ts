import assert from 'node:assert/strict';
import type { ServerOptions } from 'node:https';
import { createServer } from 'node:https';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { HttpNetworkOptions } from '../../../src/network/http/network-options.ts';
import { raftService } from '../../../src/network/http/raft-service.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import { append, heartbeat, neverAborted, RecordingEvents } from '../../../src/testing/conformance/network-world.ts';
import { closeServer, listen, serve } from './http-world.ts';
import { makeCertificate } from './self-signed.ts';

const server = makeCertificate('server');
const client = makeCertificate('client');

async function serveTls(t: TestContext, options: ServerOptions): Promise<{ addr: string; handler: RecordingHandler }> {
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => reply(message);
  const service = raftService({ inbound: handler });
  const tlsServer = createServer(options, service);
  const addr = await listen(tlsServer);
  t.after(async () => {
    await service.close();
    await closeServer(tlsServer);
  });
  return { addr, handler };
}

async function openNetwork(t: TestContext, options: HttpNetworkOptions): Promise<HttpNetwork> {
  const network = new HttpNetwork(options);
  await network.open(new RecordingHandler(1));
  t.after(async () => await network.close());
  return network;
}

describe('TLS', () => {
  for (const transport of ['stream', 'post'] as const) {
    test(`messages of any size pass encrypted (${transport})`, async (t) => {
      const { addr, handler } = await serveTls(t, server);
      const network = await openNetwork(t, { transport, tls: { ca: server.cert } });
      const events = new RecordingEvents();
      const connection = network.connect({ nodeId: 2, addr, instanceId: null }, events);
      connection.send(heartbeat(1));
      connection.send(append(2, 1, 3 * 1024 * 1024));
      assert.equal((await events.messages.reach(2)).length, 2);
      assert.equal(handler.messages.items.length, 2);
      assert.equal((await network.handshake(addr, { signal: neverAborted() })).nodeId, 2);
    });
  }

  test('a server asks for the certificate of its client, which may change between connections', async (t) => {
    const { addr } = await serveTls(t, { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true });
    const stranger = await openNetwork(t, { tls: { ca: server.cert } });
    await assert.rejects(stranger.handshake(addr, { signal: neverAborted() }), { code: 'UNREACHABLE' });
    const credentials = [{}, client];
    let uses = 0;
    const network = await openNetwork(t, {
      tls: () => {
        uses += 1;
        return { ca: server.cert, ...credentials[uses - 1] };
      },
    });
    await assert.rejects(network.handshake(addr, { signal: neverAborted() }), { code: 'UNREACHABLE' });
    assert.equal((await network.handshake(addr, { signal: neverAborted() })).nodeId, 2);
  });

  test('an unknown certificate is named as the cause, with the cure', async (t) => {
    const { addr } = await serveTls(t, server);
    const network = await openNetwork(t, { tls: {} });
    await assert.rejects(network.handshake(addr, { signal: neverAborted() }), {
      code: 'UNREACHABLE',
      message: /TLS refused the peer.*check certificate, ca and servername/,
    });
  });

  test('plain and encrypted nodes do not reach each other, and hear why', async (t) => {
    const { addr } = await serveTls(t, server);
    const plain = await openNetwork(t, {});
    await assert.rejects(plain.handshake(addr, { signal: neverAborted() }), { code: 'UNREACHABLE' });
    const served = await serve(new RecordingHandler(2));
    t.after(async () => await served.close());
    const encrypted = await openNetwork(t, { tls: { ca: server.cert } });
    await assert.rejects(encrypted.handshake(served.addr, { signal: neverAborted() }), {
      code: 'UNREACHABLE',
      message: /does the other side speak TLS/,
    });
  });
});
