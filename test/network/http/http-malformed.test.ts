import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeRemoteFailure, encodePeerRequest } from '../../../src/codec/envelope-bytes.ts';
import { encodeFrame, FrameReader } from '../../../src/codec/peer-frame.ts';
import { encodeMessages } from '../../../src/network/http/frame-bodies.ts';
import type { RaftServiceOptions } from '../../../src/network/http/service-options.ts';
import type { Logger } from '../../../src/ports/logger.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import { append, heartbeat } from '../../../src/testing/conformance/network-world.ts';
import type { Served } from './http-world.ts';
import { serve } from './http-world.ts';
import { ManualTime } from './manual-time.ts';
import type { RawCall } from './raw-http.ts';
import { call, GOOD_BODY, GOOD_HEADERS, headerLines, sendBytes, without } from './raw-http.ts';

const LIMIT = 64 * 1024;
const POSTED = ['/vote', '/append', '/request', '/snapshot', '/full-snapshot'].map((route) => `/raft${route}`);

interface Started extends Served {
  readonly handler: RecordingHandler;
  /** Nothing of what was sent reached the node, and the service still works. */
  expectUntouched(): Promise<void>;
}

async function start(t: TestContext, options: RaftServiceOptions = {}): Promise<Started> {
  const handler = new RecordingHandler(2);
  const served = await serve(handler, { maxBodyBytes: LIMIT, ...options });
  t.after(async () => await served.close());
  return {
    ...served,
    handler,
    async expectUntouched(): Promise<void> {
      assert.equal(handler.messages.items.length, 0);
      assert.equal(handler.requests.items.length, 0);
      assert.equal(handler.offers.items.length, 0);
      handler.onMessage = ({ message, reply }) => reply(message);
      assert.equal((await call(served.addr)).status, 200);
    },
  };
}

/** Good bytes with a bit flipped, a part cut off, or something added. */
function damaged(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    fc.tuple(fc.nat(good.byteLength - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const bytes = Uint8Array.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      return bytes;
    }),
    fc
      .nat(good.byteLength - 1)
      .map((length) => good.slice(0, length))
      .filter(({ byteLength }) => byteLength > 0),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((tail) => Buffer.concat([good, tail])),
  );
}

describe('malformed requests', () => {
  test('random and damaged bodies are 400 at every endpoint and never reach the node', async (t) => {
    const { addr, service, expectUntouched } = await start(t);
    const bodies = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 200 }), damaged(GOOD_BODY));
    const headers = { ...GOOD_HEADERS, 'x-zlayer-snapshot-offset': '0' };
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...POSTED), bodies, async (path, body) => {
        sent += 1;
        const answer = await call(addr, { path, headers, body });
        assert.equal(answer.status, 400);
        assert.equal(JSON.parse(answer.body.toString()).code, 'PROTOCOL');
      }),
      { numRuns: 200 },
    );
    assert.equal(service.stats().refused.malformed, sent);
    await expectUntouched();
  });

  test('each kind of bad request has its status', async (t) => {
    const { addr, expectUntouched } = await start(t);
    const vote = encodeMessages('message', [
      { type: 'vote-request', term: 1, lastLogId: { term: 0, index: 0 }, transfer: false },
    ]);
    const cases: readonly [string, RawCall, number][] = [
      ['an unknown path', { path: '/raft/votes' }, 404],
      ['a path elsewhere', { path: '/other' }, 404],
      ['a wrong method', { method: 'PUT' }, 405],
      ['a GET of a posted endpoint', { method: 'GET', body: new Uint8Array(0) }, 405],
      ['no sender', { headers: without(GOOD_HEADERS, 'x-zlayer-from') }, 400],
      ['no instance of the sender', { headers: without(GOOD_HEADERS, 'x-zlayer-from-instance') }, 400],
      ['no receiver', { headers: without(GOOD_HEADERS, 'x-zlayer-to') }, 400],
      ['a sender that is no id', { headers: { ...GOOD_HEADERS, 'x-zlayer-from': '0' } }, 400],
      ['a sender beyond 2^53', { headers: { ...GOOD_HEADERS, 'x-zlayer-from': '9007199254740993' } }, 400],
      ['a receiver that is no number', { headers: { ...GOOD_HEADERS, 'x-zlayer-to': '2e0' } }, 400],
      ['half an escape', { headers: { ...GOOD_HEADERS, 'x-zlayer-cluster': '%e' } }, 400],
      ['a very long id', { headers: { ...GOOD_HEADERS, 'x-zlayer-cluster': 'c'.repeat(1000) } }, 400],
      ['headers beyond the limit', { headers: { ...GOOD_HEADERS, 'x-much': 'c'.repeat(20_000) } }, 431],
      ['an empty body', { body: new Uint8Array(0) }, 400],
      ['a vote among the appends', { body: Buffer.concat(vote) }, 400],
      ['an append among the votes', { path: '/raft/vote' }, 400],
      ['an answer as a question', { body: Buffer.concat(encodeMessages('message-reply', [heartbeat(1)])) }, 400],
      ['a snapshot without an offset', { path: '/raft/snapshot' }, 400],
      ['a body beyond the limit', { body: Buffer.concat(encodeMessages('message', [append(1, 1, LIMIT)])) }, 413],
      ['a vote beyond its limit', { path: '/raft/vote', body: new Uint8Array(LIMIT + 1) }, 413],
      ['a stream without an upgrade', { path: '/raft/stream', method: 'GET', body: new Uint8Array(0) }, 501],
    ];
    for (const [what, options, status] of cases) {
      assert.equal((await call(addr, options)).status, status, what);
    }
    await expectUntouched();
  });

  test('a body that is announced as too large is refused before it comes', async (t) => {
    const { addr, expectUntouched } = await start(t);
    const headers = headerLines({ ...GOOD_HEADERS, host: 'x', 'content-length': String(10 * 1024 * 1024) });
    const answer = await sendBytes(addr, `POST /raft/append HTTP/1.1\r\n${headers}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 413 .*connection: close/is);
    await expectUntouched();
  });

  test('a body without an announced length is cut at the limit', async (t) => {
    const { addr, expectUntouched } = await start(t);
    const [host, port] = addr.split(':');
    const request = httpRequest({ host, port, method: 'POST', path: '/raft/append', headers: GOOD_HEADERS });
    request.on('error', () => undefined);
    for (let sent = 0; sent <= LIMIT; sent += 1024) {
      request.write(new Uint8Array(1024));
    }
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 413);
    request.destroy();
    await expectUntouched();
  });

  test('a body that stops coming ends with 408', async (t) => {
    const time = new ManualTime();
    const { addr, service, expectUntouched } = await start(t, { clock: time, timers: time, bodyTimeoutMs: 1000 });
    const headers = headerLines({ ...GOOD_HEADERS, host: 'x', 'content-length': '100' });
    const answer = sendBytes(addr, `POST /raft/append HTTP/1.1\r\n${headers}\r\nhalf`);
    await time.timerSet();
    time.advance(1000);
    assert.match(await answer, /^HTTP\/1\.1 408 /);
    assert.equal(service.stats().refused['too-slow'], 1);
    await expectUntouched();
  });

  test('a body that drips ends with 408 too', async (t) => {
    const time = new ManualTime();
    const { addr, expectUntouched } = await start(t, { clock: time, timers: time, bodyTimeoutMs: 1000 });
    const [host, port] = addr.split(':');
    const request = httpRequest({ host, port, method: 'POST', path: '/raft/append', headers: GOOD_HEADERS });
    request.on('error', () => undefined);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    let isAnswered = false;
    void answered.then(() => {
      isAnswered = true;
    });
    while (!isAnswered) {
      request.write('x');
      await new Promise((resolve) => setImmediate(resolve));
      time.advance(10);
    }
    const [response] = await answered;
    assert.equal(response.statusCode, 408);
    request.destroy();
    await expectUntouched();
  });

  test('a body that breaks off reaches nobody', async (t) => {
    const { addr, service, expectUntouched } = await start(t);
    for (const path of POSTED) {
      const headers = headerLines({
        ...GOOD_HEADERS,
        host: 'x',
        'content-length': '1000',
        'x-zlayer-snapshot-offset': '0',
      });
      const [host, port] = addr.split(':');
      const socket = connect(Number(port), host);
      socket.end(Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${headers}\r\n`), GOOD_BODY]));
      socket.resume();
      await once(socket, 'close');
    }
    assert.equal(service.stats().messages, 0);
    await expectUntouched();
  });

  test('what is no HTTP is answered by the server and reaches nobody', async (t) => {
    const { addr, expectUntouched } = await start(t);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 4, maxLength: 100 }), async (bytes) => {
        const answer = await sendBytes(addr, Buffer.concat([bytes, Buffer.from('\r\n\r\n\r\n\r\n')]));
        assert.match(answer, /^HTTP\/1\.1 400 /);
      }),
      { numRuns: 50 },
    );
    await expectUntouched();
  });

  test('refusals are counted, and logged once per kind and time with the number left out', async (t) => {
    const time = new ManualTime();
    const lines: object[] = [];
    const ignore = (): void => undefined;
    const logger: Logger = { debug: ignore, info: ignore, error: ignore, warn: (fields) => lines.push(fields) };
    const counted: string[] = [];
    const observer = { count: (name: string) => counted.push(name), record: ignore };
    const { addr, service } = await start(t, { clock: time, timers: time, logger, observer });
    for (let round = 0; round < 5; round += 1) {
      await call(addr, { body: new Uint8Array(3) });
    }
    await call(addr, { path: '/other' });
    time.advance(60_000);
    await call(addr, { body: new Uint8Array(3) });
    const kinds = lines.map((line) => ('kind' in line && 'suppressed' in line ? [line.kind, line.suppressed] : null));
    assert.deepEqual(kinds, [
      ['malformed', 0],
      ['no-such-endpoint', 0],
      ['malformed', 4],
    ]);
    assert.equal(service.stats().refused.malformed, 6);
    assert.equal(counted.filter((name) => name === 'http.refused.malformed').length, 6);
  });
});

describe('malformed streams', () => {
  async function openStream(addr: string): Promise<Socket> {
    const [host, port] = addr.split(':');
    const socket = connect(Number(port), host);
    const headers = headerLines({ ...GOOD_HEADERS, host: 'x', connection: 'Upgrade', upgrade: 'zlayer-consensus' });
    socket.write(`GET /raft/stream HTTP/1.1\r\n${headers}\r\n`);
    const [first] = (await once(socket, 'data')) as [Buffer];
    assert.match(first.toString('latin1'), /^HTTP\/1\.1 101 /);
    return socket;
  }

  /** What the service sends until it closes the stream. */
  async function framesUntilClosed(socket: Socket): Promise<ReturnType<FrameReader['push']>> {
    const reader = new FrameReader({ maxFrameBytes: LIMIT });
    const frames: ReturnType<FrameReader['push']> = [];
    socket.on('data', (chunk: Uint8Array) => frames.push(...reader.push(Uint8Array.from(chunk))));
    socket.on('error', () => socket.destroy());
    await once(socket, 'close');
    return frames;
  }

  test('random and damaged frames end the stream with the reason, and never reach the node', async (t) => {
    const { addr, server, service, expectUntouched } = await start(t);
    service.attach(server);
    const good = Buffer.concat(
      encodeFrame({ type: 'message', id: 0, body: encodeMessages('message', [heartbeat(1)]) }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 20, maxLength: 200 }),
      damaged(GOOD_BODY).filter(({ byteLength }) => byteLength === GOOD_BODY.byteLength),
      fc.constant(good),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const socket = await openStream(addr);
        const closed = framesUntilClosed(socket);
        // The flipped length of a frame leaves the reader waiting for more.
        socket.end(sent);
        const failures = (await closed).filter(({ type }) => type === 'error');
        for (const { body } of failures) {
          assert.equal(decodeRemoteFailure(body).code, 'PROTOCOL');
        }
      }),
      { numRuns: 100 },
    );
    assert.equal(service.stats().openStreams, 0);
    await expectUntouched();
  });

  test('each rule of the stream is kept', async (t) => {
    const { addr, server, service, handler } = await start(t);
    service.attach(server);
    const nothing = new Uint8Array(0);
    const cases: readonly [string, Uint8Array[], RegExp][] = [
      [
        'a frame beyond the limit',
        encodeFrame({ type: 'message', id: 0, body: [new Uint8Array(LIMIT)] }),
        /at most 65536/,
      ],
      ['a message that is none', encodeFrame({ type: 'message', id: 0, body: [nothing] }), /invalid message/],
      ['a request with the id 0', requestFrame(0), /request id 0/],
      ['a request id that is in use', [...requestFrame(7), ...requestFrame(7)], /request id 7 is in use/],
      ['a snapshot with the id 0', encodeFrame({ type: 'snapshot-begin', id: 0, body: [nothing] }), /snapshot id 0/],
      ['a hello that is none', encodeFrame({ type: 'hello', id: 0, body: [nothing] }), /invalid envelope/],
    ];
    for (const [what, chunks, reason] of cases) {
      const socket = await openStream(addr);
      const closed = framesUntilClosed(socket);
      socket.write(Buffer.concat(chunks));
      const failure = (await closed).find(({ type }) => type === 'error');
      assert.ok(failure !== undefined, what);
      assert.match(decodeRemoteFailure(failure.body).message, reason, what);
    }
    assert.equal(handler.messages.items.length, 0);
    assert.equal(service.stats().refused.malformed, cases.length);
    assert.ok(
      handler.requests.items.every(({ signal }) => signal.aborted),
      'requests end with their stream',
    );
  });
});

function requestFrame(id: number): Uint8Array[] {
  // A read-index request, as the codec writes it.
  return encodeFrame({ type: 'request', id, body: encodePeerRequest({ type: 'read-index', timeoutMs: 1000 }) });
}
