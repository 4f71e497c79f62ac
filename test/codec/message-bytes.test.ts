// The codec's part of scenario N-01: log ids up to 2^53 - 1 and fields that are empty or absent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { decodeMessage, encodeMessage, MESSAGE_TYPES } from '../../src/codec/message-bytes.ts';
import { encodeEntries } from '../../src/codec/record.ts';
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry, normalEntry } from '../../src/core/entry.ts';
import type { AppendRequest, Message } from '../../src/core/message.ts';
import { ProtocolError } from '../../src/errors.ts';
import { messages } from './arbitraries.ts';
import { assertForgeryIsRefusedOrWhole, assertRefused, join } from './damage.ts';

const APPEND_HEADER_BYTES = 63;
const MAX = Number.MAX_SAFE_INTEGER;

const refusal = {
  error: ProtocolError,
  decode: decodeMessage,
  encode: (value: unknown): Uint8Array => join(encodeMessage(value as Message)),
};

function append(entries: readonly Entry[], fields: Partial<AppendRequest> = {}): AppendRequest {
  const prevLogId = { term: 2, index: 10 };
  return { type: 'append-request', term: 5, session: 3, round: 4, prevLogId, entries, commitIndex: 9, ...fields };
}

function entry(term: number, index: number, size = 0): Entry {
  return normalEntry({ term, index }, 1000, new Uint8Array(size).fill(index));
}

function withSealedHeader(bytes: Uint8Array): Uint8Array {
  const forged = Uint8Array.from(bytes);
  new DataView(forged.buffer).setUint32(0, crc32(forged.subarray(4, APPEND_HEADER_BYTES)), true);
  return forged;
}

describe('message bytes', () => {
  test('carry log ids up to 2^53 - 1 and absent hints', () => {
    const lastLogId = { term: MAX, index: MAX };
    const none = { term: 0, index: 0 };
    const extremes: Message[] = [
      { type: 'vote-request', term: MAX, lastLogId, transfer: true },
      { type: 'pre-vote-response', term: 0, lastLogId: none, granted: false },
      append([blankEntry(lastLogId, MAX)], { term: MAX, prevLogId: { term: MAX, index: MAX - 1 }, commitIndex: MAX }),
      append([], { prevLogId: none, term: 0, session: 0, round: 0, commitIndex: 0 }),
      {
        type: 'append-response',
        term: MAX,
        session: MAX,
        round: MAX,
        prevIndex: MAX,
        success: false,
        matchIndex: 0,
        conflictHint: lastLogId,
        lastIndex: MAX,
      },
      {
        type: 'append-response',
        term: 1,
        session: 1,
        round: 1,
        prevIndex: 0,
        success: true,
        matchIndex: 1,
        conflictHint: null,
        lastIndex: 1,
      },
    ];
    for (const message of extremes) {
      assert.deepStrictEqual(decodeMessage(join(encodeMessage(message))), message);
    }
  });

  test('hold the entries of an append as they are for the disk, without a copy', () => {
    const entries = Array.from({ length: 300 }, (_, i) => entry(5, 11 + i, 256));
    const chunks = encodeMessage(append(entries));
    assert.equal(chunks.length, 2);
    assert.equal(chunks[1], encodeEntries(entries));
    assert.equal(encodeMessage(append(entries, { session: 8 }))[1], chunks[1]);
    const received = join(chunks);
    const message = decodeMessage(received);
    assert.deepStrictEqual(message, append(entries));
    assert.ok(message.type === 'append-request');
    for (const { payload } of message.entries) {
      assert.equal(payload.buffer, received.buffer);
    }
    assert.equal(encodeEntries(message.entries).buffer, received.buffer);
  });

  test('refuse entries that leave a hole or go back', () => {
    const wrong: AppendRequest[] = [
      append([entry(5, 12)]),
      append([entry(5, 10)]),
      append([entry(5, 11), entry(5, 13)]),
      append([entry(5, 11), entry(5, 11)]),
      append([entry(1, 11)]),
      append([entry(4, 11), entry(3, 12)]),
      append([entry(6, 11)]),
    ];
    for (const message of wrong) {
      assertRefused(refusal.encode(message), refusal, JSON.stringify(message.entries.map(({ logId }) => logId)));
    }
  });

  test('refuse a number or length of entries that does not fit the rest', () => {
    const bytes = refusal.encode(append([entry(5, 11, 20), entry(5, 12, 20)]));
    const countAt = APPEND_HEADER_BYTES - 8;
    const lengthAt = APPEND_HEADER_BYTES - 4;
    for (const at of [countAt, lengthAt]) {
      for (const value of [0, 1, 3, 0x7fff_ffff, 0xffff_ffff]) {
        const forged = Uint8Array.from(bytes);
        new DataView(forged.buffer).setUint32(at, value, true);
        assertRefused(withSealedHeader(forged), refusal, `${value} at ${at}`);
      }
    }
  });

  test('are refused, or understood to the last bit, where the header of an append is forged', () => {
    const appends = messages.filter((message) => message.type === 'append-request' && message.entries.length > 0);
    fc.assert(
      fc.property(appends, fc.nat(APPEND_HEADER_BYTES - 1), fc.nat(255), (message, at, byte) => {
        const bytes = Uint8Array.from(refusal.encode(message));
        bytes[at] = byte;
        assertForgeryIsRefusedOrWhole(withSealedHeader(bytes), refusal);
      }),
      { numRuns: 500 },
    );
  });

  test('say in their error which record is damaged', () => {
    const bytes = refusal.encode(append([entry(5, 11, 20), entry(5, 12, 20)]));
    bytes[bytes.byteLength - 1] = 0;
    assert.throws(
      () => decodeMessage(bytes),
      (error) => error instanceof ProtocolError && /entries of an append: at byte 56: the checksum/.test(error.message),
    );
  });

  test('of an unknown type are refused', () => {
    const bytes = Uint8Array.from(refusal.encode({ type: 'timeout-now', term: 1 }));
    bytes[6] = Math.max(...Object.values(MESSAGE_TYPES)) + 1;
    new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)), true);
    assert.throws(
      () => decodeMessage(bytes),
      (error) => error instanceof ProtocolError && /unknown type 11/.test(error.message),
    );
  });

  test('are never made of values that they could not give back', () => {
    for (const term of [-1, 0.5, Number.NaN, 2 ** 53]) {
      assert.throws(() => encodeMessage({ type: 'timeout-now', term }), RangeError);
    }
  });
});
