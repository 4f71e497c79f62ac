import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { ConfigError, ConsensusError, PeerRefusedError } from '../../../src/errors.ts';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import { raftService } from '../../../src/network/http/raft-service.ts';
import type { RaftServiceOptions } from '../../../src/network/http/service-options.ts';
import type { InboundHandler } from '../../../src/ports/network.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import { heartbeat, neverAborted, RecordingEvents } from '../../../src/testing/conformance/network-world.ts';
import type { Served } from './http-world.ts';
import { closeServer, listen, serve } from './http-world.ts';
import { call, GOOD_HEADERS, headerLines, sendBytes, without } from './raw-http.ts';

async function start(
  t: TestContext,
  options: RaftServiceOptions = {},
): Promise<Served & { readonly handler: RecordingHandler }> {
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => reply(message);
  const served = await serve(handler, options);
  t.after(async () => await served.close());
  return { ...served, handler };
}

function bearer(token: string): Record<string, string> {
  return { ...GOOD_HEADERS, authorization: `Bearer ${token}` };
}

const UPGRADE_LINE = 'GET /raft/stream HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: zlayer-consensus\r\n';

describe('who is let in', () => {
  test('N-02 token and protocol version are checked before anything reaches the node', async (t) => {
    const { addr, handler, service } = await start(t, { authToken: 'secret' });
    const good = bearer('secret');
    const cases: readonly [string, Record<string, string>, number][] = [
      ['no token', { ...GOOD_HEADERS }, 401],
      ['another token', bearer('Secret'), 401],
      ['a longer token', bearer('secrets'), 401],
      ['an empty token', bearer(''), 401],
      ['another scheme', { ...GOOD_HEADERS, authorization: 'Basic secret' }, 401],
      ['the token', good, 200],
      ['no version (BUG-13)', without(good, 'x-zlayer-protocol'), 426],
      ['the same version', { ...good, 'x-zlayer-protocol': '1-1' }, 200],
      ['an overlapping range', { ...good, 'x-zlayer-protocol': '1-9' }, 200],
      ['a later version', { ...good, 'x-zlayer-protocol': '2-3' }, 426],
      ['no range', { ...good, 'x-zlayer-protocol': '1' }, 426],
      ['another cluster', { ...good, 'x-zlayer-cluster': 'cluster-b' }, 409],
      ['another node', { ...good, 'x-zlayer-to': '3' }, 409],
      ['another instance', { ...good, 'x-zlayer-to-instance': 'wiped' }, 409],
      ['no cluster yet', without(good, 'x-zlayer-cluster'), 200],
    ];
    let reached = 0;
    for (const [what, headers, status] of cases) {
      const answer = await call(addr, { headers });
      assert.equal(answer.status, status, what);
      reached += status === 200 ? 1 : 0;
      assert.equal(handler.messages.items.length, reached, `${what}: what is refused does not reach the node`);
    }
    const { refused } = service.stats();
    assert.deepEqual([refused.unauthenticated, refused.version, refused.cluster, refused.node], [5, 3, 1, 1]);
  });

  test('N-02 the same checks guard the upgrade', async (t) => {
    const { addr, handler, service, server } = await start(t, { authToken: 'secret' });
    service.attach(server);
    const good = bearer('secret');
    const cases: readonly [Record<string, string>, number][] = [
      [{ ...GOOD_HEADERS }, 401],
      [bearer('wrong'), 401],
      [without(good, 'x-zlayer-protocol'), 426],
      [{ ...good, 'x-zlayer-protocol': '5-5' }, 426],
      [{ ...good, 'x-zlayer-cluster': 'cluster-b' }, 409],
      [without(good, 'x-zlayer-from'), 400],
    ];
    for (const [headers, status] of cases) {
      const answer = await sendBytes(addr, `${UPGRADE_LINE}${headerLines(headers)}\r\n`);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    assert.equal(handler.admitted.items.length, 0);
    assert.equal(service.stats().openStreams, 0);
  });

  test('N-02 a version mismatch is named as such on both sides, with the supported range', async (t) => {
    const { addr } = await start(t);
    const answer = await call(addr, { headers: { ...GOOD_HEADERS, 'x-zlayer-protocol': '7-9' } });
    const { code, message } = JSON.parse(answer.body.toString());
    assert.equal(code, 'PEER_REFUSED');
    assert.match(message, /protocol version mismatch.*7-9.*supported are 1-1/);
    // A peer of another release answers the client like this.
    const other = createServer((_request, response) => {
      response.writeHead(426, { 'x-zlayer-protocol': '7-9' });
      response.end(answer.body);
    });
    const otherAddr = await listen(other);
    t.after(async () => await closeServer(other));
    const network = new HttpNetwork();
    t.after(async () => await network.close());
    await network.open(new RecordingHandler(1));
    await assert.rejects(network.handshake(otherAddr, { signal: neverAborted() }), (error) => {
      assert.ok(error instanceof PeerRefusedError && error.reason === 'version');
      return /protocol version mismatch/.test(error.message);
    });
    const events = new RecordingEvents();
    network.connect({ nodeId: 2, addr: otherAddr, instanceId: null }, events).send(heartbeat(1));
    assert.match((await events.unreachable.first()).message, /protocol version mismatch/);
  });

  test('a client checks the version of good answers too', async (t) => {
    const other = createServer((_request, response) => {
      response.writeHead(204, { 'x-zlayer-protocol': '7-9' });
      response.end();
    });
    const addr = await listen(other);
    t.after(async () => await closeServer(other));
    const network = new HttpNetwork({ transport: 'post' });
    t.after(async () => await network.close());
    await network.open(new RecordingHandler(1));
    await assert.rejects(network.handshake(addr, { signal: neverAborted() }), { code: 'PEER_REFUSED' });
  });

  test('BUG-14 a client talks to no node but the one it means, even if that node would talk to it', async (t) => {
    const cases = [
      { own: new RecordingHandler(3), reason: 'node' },
      { own: new RecordingHandler(2, { instanceId: 'wiped' }), reason: 'instance' },
      { own: new RecordingHandler(2, { clusterId: 'cluster-b' }), reason: 'cluster' },
    ] as const;
    for (const transport of ['stream', 'post'] as const) {
      for (const { own, reason } of cases) {
        own.admit = () => undefined;
        const served = await serve(own);
        const network = new HttpNetwork({ transport });
        t.after(async () => {
          await network.close();
          await served.close();
        });
        await network.open(new RecordingHandler(1));
        const events = new RecordingEvents();
        const peer = { nodeId: 2, addr: served.addr, instanceId: 'instance-2' };
        network.connect(peer, events).send(heartbeat(1));
        const error = await events.unreachable.first();
        assert.ok(error instanceof PeerRefusedError, String(error));
        assert.equal(error.reason, reason);
        assert.equal(own.messages.items.length, 0);
      }
    }
  });

  test('strangers learn nothing about a node from a 401', async (t) => {
    const { addr } = await start(t, { authToken: 'secret' });
    for (const path of ['/raft/handshake', '/raft/append', '/raft/stream']) {
      const method = path === '/raft/stream' ? 'GET' : 'POST';
      const { status, headers, body } = await call(addr, { path, method, body: new Uint8Array(0) });
      assert.equal(status, 401);
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('x-zlayer')),
        [],
      );
      assert.doesNotMatch(body.toString(), /cluster-a|instance-2|version/);
    }
  });

  test('tokens rotate without a stop: both are accepted in between, and a function is asked each time', async (t) => {
    const accepted = ['old', 'new'];
    const { addr } = await start(t, { authToken: () => accepted });
    let sent = 'old';
    const network = new HttpNetwork({ authToken: () => sent });
    t.after(async () => await network.close());
    await network.open(new RecordingHandler(1));
    const handshake = async (): Promise<number> => (await network.handshake(addr, { signal: neverAborted() })).nodeId;
    assert.equal(await handshake(), 2);
    sent = 'new';
    assert.equal(await handshake(), 2);
    accepted.shift();
    assert.equal(await handshake(), 2);
    sent = 'old';
    await assert.rejects(handshake(), (error) => {
      assert.ok(ConsensusError.is(error) && error.code === 'UNAUTHENTICATED' && error.retry === 'never');
      return /401.*authToken/.test(error.message);
    });
  });

  test('a wrong token is reported once and not tried again and again', async (t) => {
    const { addr, service } = await start(t, { authToken: 'right' });
    const network = new HttpNetwork({ authToken: 'wrong', backoffMinMs: 1, backoffMaxMs: 1 });
    t.after(async () => await network.close());
    await network.open(new RecordingHandler(1));
    const events = new RecordingEvents();
    const connection = network.connect({ nodeId: 2, addr, instanceId: null }, events);
    for (let round = 1; round <= 20; round += 1) {
      connection.send(heartbeat(round));
      await events.unreachable.first();
      await assert.rejects(network.handshake(addr, { signal: neverAborted() }), { code: 'UNAUTHENTICATED' });
    }
    assert.equal(events.unreachable.items.length, 1);
    assert.equal(service.stats().refused.unauthenticated, 21);
  });

  test('BUG-12 tokens are compared as digests in constant time, against each accepted one', async (t) => {
    const { isAuthorized } = await import('../../../src/network/http/bearer-token.ts');
    const compare = t.mock.method(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    t.after(() => {
      compare.mock.restore();
      syncBuiltinESMExports();
    });
    for (const [header, isRight] of [
      ['Bearer a', true],
      ['Bearer bb', true],
      ['Bearer c', false],
      ['nonsense', false],
      [undefined, false],
    ] as const) {
      compare.mock.resetCalls();
      assert.equal(isAuthorized(header, ['a', 'bb']), isRight);
      assert.equal(compare.mock.callCount(), 2, 'no early exit');
      for (const { arguments: operands } of compare.mock.calls) {
        assert.deepEqual(
          operands.map((operand) => operand.byteLength),
          [32, 32],
          'lengths tell nothing',
        );
      }
    }
  });

  test('a node that is not ready answers 503, and the peer comes back', async (t) => {
    const handler = new RecordingHandler(2);
    const target: { inbound: InboundHandler | null } = { inbound: null };
    const service = raftService(target);
    const server = createServer(service);
    const addr = await listen(server);
    const network = new HttpNetwork({ backoffMinMs: 1, backoffMaxMs: 1 });
    t.after(async () => {
      await network.close();
      await service.close();
      await closeServer(server);
    });
    await network.open(new RecordingHandler(1));
    const answer = await call(addr);
    assert.equal(answer.status, 503);
    const events = new RecordingEvents();
    const connection = network.connect({ nodeId: 2, addr, instanceId: null }, events);
    connection.send(heartbeat(1));
    const error = await events.unreachable.first();
    assert.ok(error instanceof PeerRefusedError && error.reason === 'not-ready');
    target.inbound = handler;
    connection.send(heartbeat(2));
    assert.equal((await handler.messages.first()).from, 1);
  });
});

describe('options', () => {
  test('BUG-26 every wrong option of the client is named at once, and no token is shown', () => {
    assert.throws(
      () =>
        new HttpNetwork({
          authToken: 'with space',
          prefix: 'raft/',
          rpcTimeoutMs: 0,
          connectTimeoutMs: Number.NaN,
          maxFrameBytes: 10,
          maxPendingRequests: 1.5,
          transport: 'smoke' as 'post',
        }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(error.problems.map(({ field }) => field).sort(), [
          'authToken',
          'connectTimeoutMs',
          'maxFrameBytes',
          'maxPendingRequests',
          'prefix',
          'rpcTimeoutMs',
          'transport',
        ]);
        return !error.message.includes('with space');
      },
    );
  });

  test('options that do not fit together are refused', () => {
    assert.throws(() => new HttpNetwork({ backoffMinMs: 10, backoffMaxMs: 5 }), /backoffMaxMs/);
    assert.throws(() => new HttpNetwork({ maxFrameBytes: 2048, snapshotChunkBytes: 2048 }), /snapshotChunkBytes/);
  });

  test('every wrong option of the service is named at once', () => {
    const options = { authToken: [], prefix: '', maxBodyBytes: -1, replyHoldMs: 0 };
    assert.throws(
      () => raftService({ inbound: null }, options),
      (error) => {
        assert.ok(error instanceof ConfigError);
        const fields = error.problems.map(({ field }) => field).sort();
        assert.deepEqual(fields, ['authToken', 'maxBodyBytes', 'prefix', 'replyHoldMs']);
        return true;
      },
    );
  });
});
