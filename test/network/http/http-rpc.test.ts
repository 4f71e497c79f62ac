import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { encodeSnapshotHeader } from '../../../src/codec/envelope-bytes.ts';
import { decodeMessage } from '../../../src/codec/message-bytes.ts';
import { encodeFrame } from '../../../src/codec/peer-frame.ts';
import { blankEntry, normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import type { Message } from '../../../src/core/message.ts';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { HttpNetworkOptions } from '../../../src/network/http/network-options.ts';
import type { PeerConnection } from '../../../src/ports/network.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import {
  ChunkSource,
  heartbeat,
  neverAborted,
  RecordingEvents,
  snapshotBytes,
  snapshotHeader,
} from '../../../src/testing/conformance/network-world.ts';
import { serve } from './http-world.ts';
import type { RawAnswer } from './raw-http.ts';
import { call, GOOD_HEADERS } from './raw-http.ts';

const MAX = Number.MAX_SAFE_INTEGER;

/** What the node of these tests answers: grants, refusals, higher terms, conflicts. */
function answerTo(message: Message): Message {
  switch (message.type) {
    case 'vote-request':
      return message.term === 1
        ? { type: 'vote-response', term: 9, granted: false, lastLogId: logId(8, MAX) }
        : { type: 'vote-response', term: message.term, granted: true, lastLogId: logId(0, 0) };
    case 'append-request': {
      const success = message.prevLogId.index === 0;
      return {
        type: 'append-response',
        term: message.term === 1 ? 9 : message.term,
        session: message.session,
        round: message.round,
        prevIndex: message.prevLogId.index,
        success,
        matchIndex: success ? message.entries.length : 0,
        conflictHint: success ? null : logId(2, MAX),
        lastIndex: MAX,
      };
    }
    default:
      return message;
  }
}

const REQUESTS: readonly Message[] = [
  { type: 'vote-request', term: 1, lastLogId: logId(0, 0), transfer: false },
  { type: 'vote-request', term: MAX, lastLogId: logId(MAX, MAX), transfer: true },
  {
    type: 'append-request',
    term: 1,
    session: 0,
    round: 0,
    prevLogId: logId(0, 0),
    entries: [],
    commitIndex: 0,
  },
  {
    type: 'append-request',
    term: MAX,
    session: MAX,
    round: MAX,
    prevLogId: logId(0, 0),
    entries: [blankEntry(logId(1, 1), 5), normalEntry(logId(2, 2), 6, new Uint8Array(0))],
    commitIndex: MAX,
  },
  {
    type: 'append-request',
    term: 3,
    session: 2,
    round: 1,
    prevLogId: logId(2, MAX - 1),
    entries: [normalEntry(logId(3, MAX), 7, new Uint8Array([1]))],
    commitIndex: 4,
  },
];

interface Started {
  readonly addr: string;
  readonly handler: RecordingHandler;
  readonly connection: PeerConnection;
  readonly events: RecordingEvents;
}

async function start(t: TestContext, options: HttpNetworkOptions): Promise<Started> {
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => reply(answerTo(message));
  const served = await serve(handler);
  const network = new HttpNetwork(options);
  await network.open(new RecordingHandler(1));
  t.after(async () => {
    await network.close();
    await served.close();
  });
  const events = new RecordingEvents();
  const connection = network.connect({ nodeId: 2, addr: served.addr, instanceId: null }, events);
  return { addr: served.addr, handler, connection, events };
}

describe('remote calls', () => {
  for (const options of [
    { transport: 'stream' },
    { transport: 'post', postSnapshots: 'chunked' },
    { transport: 'post', postSnapshots: 'full' },
  ] as const) {
    test(`N-01 give the same results as direct ones (${Object.values(options).join(', ')})`, async (t) => {
      const { handler, connection, events } = await start(t, options);
      for (const [index, request] of REQUESTS.entries()) {
        connection.send(request);
        const answers = await events.messages.reach(index + 1);
        assert.deepEqual(answers[index], answerTo(request));
      }
      for (const size of [0, 777_777]) {
        const bytes = snapshotBytes(size);
        const source = new ChunkSource(bytes, 100_000);
        const header = snapshotHeader(`size-${size}`, bytes);
        const calm = { signal: neverAborted(), onProgress: () => undefined };
        const answer = await connection.sendSnapshot(header, (offset) => source.from(offset), calm);
        const direct = await new RecordingHandler(2).receiveSnapshot(1, header);
        assert.ok(direct.accept);
        await direct.sink.write(bytes);
        assert.deepEqual(answer, await direct.sink.finish());
        assert.deepEqual(await handler.sinks.items.at(-1)?.finished.first(), bytes);
      }
      const refusal: Message = { type: 'snapshot-response', term: MAX, session: 0, matchIndex: 0 };
      handler.snapshotRefusal = refusal;
      const bytes = snapshotBytes(10);
      const calm = { signal: neverAborted(), onProgress: () => undefined };
      const source = new ChunkSource(bytes, 5);
      const declined = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm);
      assert.deepEqual(await declined, refusal);
    });
  }

  test('an answer that comes late goes with the next request', async (t) => {
    const { handler, connection, events } = await start(t, { transport: 'post' });
    handler.onMessage = null;
    connection.send(heartbeat(1));
    const { reply } = await handler.messages.first();
    connection.send(heartbeat(2));
    // The second request goes out when the first one was held long enough.
    const [, second] = await handler.messages.reach(2);
    reply(heartbeat(10));
    second?.reply(heartbeat(20));
    assert.deepEqual(await events.messages.reach(2), [heartbeat(10), heartbeat(20)]);
  });
});

interface Piece {
  readonly id: string;
  readonly offset: number;
  readonly isLast?: boolean;
}

describe('posted pieces of a snapshot', () => {
  const contents = snapshotBytes(9);

  async function post(addr: string, { id, offset, isLast = false }: Piece): Promise<RawAnswer> {
    const header = snapshotHeader(id, contents);
    const body = Buffer.concat([
      ...encodeFrame({ type: 'snapshot-begin', id: 0, body: [encodeSnapshotHeader(header)] }),
      ...encodeFrame({ type: 'snapshot-chunk', id: 0, body: [contents.subarray(offset, offset + 3)] }),
      ...(isLast ? encodeFrame({ type: 'snapshot-end', id: 0, body: [] }) : []),
    ]);
    const headers = { ...GOOD_HEADERS, 'x-zlayer-snapshot-offset': String(offset) };
    return await call(addr, { path: '/raft/snapshot', headers, body });
  }

  function messageOf({ body }: RawAnswer): string {
    return JSON.parse(body.toString()).message;
  }

  test('S-25 pieces go on where the receiver is; a new id restarts; a gap is refused', async (t) => {
    const { addr, handler } = await start(t, {});
    const wrongStart = await post(addr, { id: 'ss1', offset: 2 });
    assert.equal(wrongStart.status, 409);
    assert.match(messageOf(wrongStart), /expected ss1\+0, got ss1\+2/);
    assert.equal(wrongStart.headers['x-zlayer-snapshot-offset'], '0');
    assert.equal((await post(addr, { id: 'ss1', offset: 0 })).status, 204);
    const otherId = await post(addr, { id: 'ss2', offset: 3 });
    assert.equal(otherId.status, 409);
    assert.match(messageOf(otherId), /expected ss2\+0, got ss2\+3/);
    assert.equal((await post(addr, { id: 'ss2', offset: 0 })).status, 204);
    const second = await post(addr, { id: 'ss2', offset: 3 });
    assert.equal(second.status, 204);
    assert.equal(second.headers['x-zlayer-snapshot-offset'], '6');
    const gap = await post(addr, { id: 'ss2', offset: 8 });
    assert.equal(gap.status, 409);
    assert.match(messageOf(gap), /expected ss2\+6, got ss2\+8/);
    const again = await post(addr, { id: 'ss2', offset: 3 });
    assert.equal(again.status, 409, 'a repeated piece is not taken twice');
    assert.equal(again.headers['x-zlayer-snapshot-offset'], '6');
    const last = await post(addr, { id: 'ss2', offset: 6, isLast: true });
    assert.equal(last.status, 200);
    assert.equal(decodeMessage(last.body).type, 'snapshot-response');
    assert.deepEqual(await handler.sinks.items.at(-1)?.finished.first(), contents);
    assert.equal(handler.sinks.items.length, 2, 'one stream for each id');
  });

  test('pieces that arrive twice at the same time are taken once', async (t) => {
    const { addr, handler } = await start(t, {});
    const answers = await Promise.all([1, 2, 3].map(async () => await post(addr, { id: 's', offset: 0 })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409, 409]);
    assert.equal(handler.sinks.items.at(-1)?.receivedBytes, 3);
  });
});
