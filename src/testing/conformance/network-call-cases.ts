/** Requests, handshakes and closing. */
import assert from 'node:assert/strict';
import { logId } from '../../core/ids.ts';
import { ConsensusError, NotLeaderError } from '../../errors.ts';
import type { PeerRequest, PeerResponse } from '../../ports/network.ts';
import { expectRejection } from './expect.ts';
import { RecordingHandler } from './network-handler.ts';
import type { NetworkWorld } from './network-world.ts';
import { heartbeat, neverAborted, RecordingEvents, startNode, startPair } from './network-world.ts';

const READ_INDEX: PeerRequest = { type: 'read-index', timeoutMs: 5000 };

export async function answersRequests(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const exchanges: readonly { request: PeerRequest; response: PeerResponse }[] = [
    {
      request: { type: 'propose', payload: new Uint8Array([1, 0, 255]), timeoutMs: 1000 },
      response: { type: 'proposed', logId: logId(2, Number.MAX_SAFE_INTEGER), response: new Uint8Array([9]) },
    },
    {
      request: { type: 'propose', payload: new Uint8Array(3 * 1024 * 1024).fill(7), timeoutMs: 1 },
      response: { type: 'proposed', logId: logId(2, 3), response: new Uint8Array(0) },
    },
    { request: READ_INDEX, response: { type: 'read-index', readLogId: logId(3, 4) } },
    {
      request: READ_INDEX,
      response: { type: 'failed', error: { code: 'NOT_LEADER', message: 'm', leaderId: 3, leaderAddr: 'c:3' } },
    },
    {
      request: READ_INDEX,
      response: { type: 'failed', error: { code: 'BUSY', message: '', leaderId: null, leaderAddr: null } },
    },
  ];
  for (const { request, response } of exchanges) {
    two.handler.onRequest = (received) => {
      assert.equal(received.from, 1);
      assert.deepEqual(plainRequest(received.request), plainRequest(request));
      received.respond(response);
    };
    const answer = await connection.request(request, { signal: neverAborted() });
    assert.deepEqual(plainResponse(answer), plainResponse(response));
  }
}

export async function answersOutOfOrder(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const signal = neverAborted();
  const calls = [1, 2, 3].map((byte) =>
    connection.request({ type: 'propose', payload: new Uint8Array([byte]), timeoutMs: 5000 }, { signal }),
  );
  const requests = await two.handler.requests.reach(3);
  for (const { request, respond } of [...requests].reverse()) {
    const index = request.type === 'propose' ? (request.payload[0] ?? 0) : 0;
    respond({ type: 'read-index', readLogId: logId(1, index) });
  }
  const responses = await Promise.all(calls);
  assert.deepEqual(
    responses,
    [1, 2, 3].map((index) => ({ type: 'read-index', readLogId: { term: 1, index } })),
  );
}

export async function failedRequestNamesTheError(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  two.handler.onRequest = ({ fail }) =>
    fail(new NotLeaderError(2, 3, { addr: 'c:3', instanceId: null, metadata: null }));
  const response = await connection.request(READ_INDEX, { signal: neverAborted() });
  assert.equal(response.type, 'failed');
  assert.ok(response.type === 'failed');
  assert.equal(response.error.code, 'NOT_LEADER');
  assert.equal(response.error.leaderId, 3);
  assert.equal(response.error.leaderAddr, 'c:3');
}

export async function abortedRequestEndsOnBothSides(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const abort = new AbortController();
  const call = connection.request(READ_INDEX, { signal: abort.signal });
  const { signal } = await two.handler.requests.first();
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const reason = new Error('the user gave up');
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await ended;
  const call2 = connection.request(READ_INDEX, { signal: abort.signal });
  await assert.rejects(call2, (error) => error === reason, 'an aborted signal starts nothing');
  assert.equal(two.handler.requests.items.length, 1);
}

export async function requestToNobodyIsSafeToRetry(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const peer = { nodeId: 2, addr: await world.reserveAddr(), instanceId: null };
  const connection = one.network.connect(peer, new RecordingEvents());
  await expectRejection(() => connection.request(READ_INDEX, { signal: neverAborted() }), 'UNREACHABLE');
}

export async function requestCutOffIsIndeterminate(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const call = connection.request(READ_INDEX, { signal: neverAborted() });
  const rejected = expectRejection(() => call, 'INDETERMINATE');
  await two.handler.requests.first();
  await two.close();
  await rejected;
}

export async function closingEndsWhatHangs(world: NetworkWorld): Promise<void> {
  const { one, two, connection } = await startPair(world);
  const call = connection.request(READ_INDEX, { signal: neverAborted() });
  const rejected = expectRejection(() => call, 'INDETERMINATE');
  await two.handler.requests.first();
  const hangingAddr = await world.hangingAddr();
  const hanging = one.network.connect({ nodeId: 3, addr: hangingAddr, instanceId: null }, new RecordingEvents());
  hanging.send(heartbeat(1));
  const started = hanging.request(READ_INDEX, { signal: neverAborted() });
  const ended = assert.rejects(started, (error) => ConsensusError.is(error));
  hanging.close();
  await ended;
  await one.network.close();
  await one.network.close();
  await rejected;
  assert.equal(connection.send(heartbeat(1)), false);
}

export async function handshakeTellsWhoAnswers(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const identities = [{}, { clusterId: null }, { clusterName: 'ü "quoted"', instanceId: 'ä b' }];
  for (const [index, overrides] of identities.entries()) {
    const other = await startNode(world, new RecordingHandler(index + 2, overrides));
    const identity = await one.network.handshake(other.addr, { signal: neverAborted() });
    assert.deepEqual({ ...identity }, other.handler.local);
  }
}

export async function handshakeFailsClearly(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const addr = await world.reserveAddr();
  await assert.rejects(one.network.handshake(addr, { signal: neverAborted() }), (error) => {
    assert.ok(ConsensusError.is(error) && error.code === 'UNREACHABLE', String(error));
    return error.message.includes(addr);
  });
  const abort = new AbortController();
  const hanging = one.network.handshake(await world.hangingAddr(), { signal: abort.signal });
  const reason = new Error('enough');
  const rejected = assert.rejects(hanging, (error) => error === reason);
  abort.abort(reason);
  await rejected;
}

function plainRequest(request: PeerRequest): unknown {
  return request.type === 'propose'
    ? { ...request, payload: Buffer.from(request.payload).toString('base64') }
    : request;
}

function plainResponse(response: PeerResponse): unknown {
  return response.type === 'proposed'
    ? { ...response, response: Buffer.from(response.response).toString('base64') }
    : response;
}
