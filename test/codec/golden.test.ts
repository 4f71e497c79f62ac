/**
 * Bytes that releases have written: they must stay readable, and the same values must go on giving the same bytes. When
 * one of these tests fails, a format has changed: give it a new version, and keep the old bytes here as its reader's
 * test.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import type { OutgoingFrame } from '../../src/codec/peer-frame.ts';
import { encodeFrame, FRAME_TYPES, FrameReader } from '../../src/codec/peer-frame.ts';
import { decodeRecord, encodeRecord } from '../../src/codec/record.ts';
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../src/core/entry.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import type { Message } from '../../src/core/message.ts';
import { fromHex, join, toHex } from './damage.ts';
import { formats } from './formats.ts';
import { goldenHex } from './golden-hex.ts';

const joint: Membership = {
  configs: [
    [1, 2],
    [2, 3],
  ],
  nodes: new Map([
    [1, { addr: 'a:9000', instanceId: 'i1', metadata: null }],
    [2, { addr: 'b:9000', instanceId: null, metadata: { zone: 'é', weights: [1, 0.5] } }],
    [3, { addr: '', instanceId: '', metadata: false }],
  ]),
  retainRemoved: true,
};
const timeMs = 1_764_000_000_000;
const lastLogId = { term: 2 ** 53 - 1, index: 2 ** 32 };
const stream = { term: 5, session: 6, round: 7 };
const meta = {
  id: 's-1',
  lastLogId,
  lastTimeMs: timeMs,
  membership: { logId: { term: 1, index: 2 }, membership: joint },
};
const snapshot = { meta, sizeBytes: 2 ** 40, checksum: 0xdead_beef, codecId: 'msgpack/1' };
const failure = { code: 'NOT_LEADER', message: 'ask another', leaderId: 3, leaderAddr: 'c:9000' };

const entries: Readonly<Record<string, Entry>> = {
  'normal entry': normalEntry({ term: 3, index: 11 }, timeMs, Uint8Array.of(1, 2, 3)),
  'blank entry': blankEntry(lastLogId, 0),
  'membership entry': membershipEntry({ term: 0, index: 1 }, timeMs, joint),
};

const messages: readonly Message[] = [
  { type: 'pre-vote-request', term: 5, lastLogId },
  { type: 'pre-vote-response', term: 5, lastLogId, granted: true },
  { type: 'vote-request', term: 5, lastLogId, transfer: true },
  { type: 'vote-response', term: 5, lastLogId, granted: false },
  {
    type: 'append-request',
    ...stream,
    prevLogId: { term: 3, index: 9 },
    entries: [
      blankEntry({ term: 3, index: 10 }, timeMs),
      normalEntry({ term: 4, index: 11 }, timeMs, Uint8Array.of(9)),
    ],
    commitIndex: 8,
  },
  {
    type: 'append-response',
    ...stream,
    prevIndex: 9,
    success: false,
    matchIndex: 0,
    conflictHint: { term: 2, index: 4 },
    lastIndex: 12,
  },
  { type: 'heartbeat-request', ...stream, commitIndex: 8 },
  { type: 'heartbeat-response', ...stream, verifiedIndex: 11 },
  { type: 'timeout-now', term: 5 },
  { type: 'snapshot-response', term: 5, session: 6, matchIndex: 11 },
];

const others: Readonly<Record<string, readonly unknown[]>> = {
  envelope: [
    {
      protocolMin: 1,
      protocolMax: 2,
      clusterId: 'c-1',
      from: 1,
      fromInstanceId: 'i1',
      to: 2 ** 53 - 1,
      toInstanceId: null,
    },
  ],
  'local identity': [{ nodeId: 1, instanceId: 'i1', clusterId: null, clusterName: 'zlayer' }],
  'snapshot header': [{ offer: { term: 5, session: 6, meta }, snapshot }],
  'peer request': [
    { type: 'propose', payload: Uint8Array.of(1, 2, 3), timeoutMs: 1.5 },
    { type: 'read-index', timeoutMs: 5000 },
  ],
  'peer response': [
    { type: 'proposed', logId: lastLogId, response: Uint8Array.of(4) },
    { type: 'read-index', readLogId: lastLogId },
    { type: 'failed', error: failure },
  ],
  'remote failure': [failure, { ...failure, leaderId: null, leaderAddr: null, details: { limit: 'x' } }],
  'stored snapshot': [snapshot],
};

const requests: Readonly<Record<string, unknown>> = {
  'plain request': { op: 'put', key: 'k', n: 100, at: new Date(timeMs), list: [null, undefined, -1.5, 2n ** 70n] },
  'request with a Map': { m: new Map([[1, { a: Uint8Array.of(1) }]]), s: new Set(['x']) },
};

const frame: OutgoingFrame = { type: 'snapshot-chunk', id: 0xffff_fffe, body: [Uint8Array.of(1), Uint8Array.of(2)] };

describe('golden bytes', () => {
  for (const [name, entry] of Object.entries(entries)) {
    test(name, () => {
      assert.equal(toHex(encodeRecord(entry)), goldenHex[name]);
      assert.deepStrictEqual(decodeRecord(fromHex(goldenHex[name] ?? ''), 0).entry, entry);
    });
  }

  for (const format of formats) {
    for (const [i, value] of (format.name === 'message' ? messages : (others[format.name] ?? [])).entries()) {
      const name = format.name === 'message' ? `${messages[i]?.type}` : `${format.name} ${i}`;
      test(name, () => {
        assert.equal(toHex(format.encode(value)), goldenHex[name]);
        assert.deepStrictEqual(format.decode(fromHex(goldenHex[name] ?? '')), value);
      });
    }
  }

  const codec = msgpackCodec<unknown, unknown>();
  for (const [name, request] of Object.entries(requests)) {
    test(name, () => {
      assert.equal(toHex(codec.encodeRequest(request)), goldenHex[name]);
      assert.deepStrictEqual(codec.decodeRequest(fromHex(goldenHex[name] ?? '')), request);
    });
  }

  test('frame', () => {
    assert.equal(toHex(join(encodeFrame(frame))), goldenHex['frame']);
    const [read] = new FrameReader({ maxFrameBytes: 100 }).push(fromHex(goldenHex['frame'] ?? ''));
    assert.deepStrictEqual(read, { type: frame.type, id: frame.id, body: Uint8Array.of(1, 2) });
  });

  test('frame types keep their numbers', () => {
    assert.deepStrictEqual(FRAME_TYPES, {
      hello: 1,
      'hello-ack': 2,
      message: 3,
      'message-reply': 4,
      request: 5,
      response: 6,
      'snapshot-begin': 7,
      'snapshot-accept': 8,
      'snapshot-chunk': 9,
      'snapshot-chunk-ack': 10,
      'snapshot-end': 11,
      'snapshot-result': 12,
      error: 13,
      goodbye: 14,
    });
  });

  test('there is one for every kind of value', () => {
    const named = [...Object.keys(entries), ...Object.keys(requests), ...messages.map(({ type }) => type), 'frame'];
    const numbered = Object.entries(others).flatMap(([name, list]) => list.map((_, i) => `${name} ${i}`));
    assert.deepEqual(Object.keys(goldenHex).sort(), [...named, ...numbered].sort());
  });
});
