import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Frame, FrameType } from '../../src/codec/peer-frame.ts';
import { encodeFrame, FRAME_HEADER_BYTES, FRAME_TYPES, FrameReader } from '../../src/codec/peer-frame.ts';
import { ProtocolError } from '../../src/errors.ts';
import { assertFlipsAreRefused, assertRefused, join } from './damage.ts';

const maxFrameBytes = 1024 * 1024;

interface Sent {
  readonly type: FrameType;
  readonly id: number;
  readonly body: readonly Uint8Array[];
}

const frames: fc.Arbitrary<Sent> = fc.record({
  type: fc.constantFrom(...(Object.keys(FRAME_TYPES) as FrameType[])),
  id: fc.nat(0xffff_ffff),
  body: fc.array(fc.uint8Array({ maxLength: 3000, size: 'max' }), { maxLength: 4 }),
});

/** The stream, cut at these places. */
function cut(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...places.map((place) => place % (stream.byteLength + 1)), stream.byteLength])];
  ends.sort((a, b) => a - b);
  // Copies, so that no frame can be completed from memory behind its chunk.
  return ends.map((end, i) => stream.slice(ends[i - 1] ?? 0, end));
}

function received(chunks: readonly Uint8Array[]): Frame[] {
  const reader = new FrameReader({ maxFrameBytes });
  return chunks.flatMap((chunk) => reader.push(chunk));
}

function expected(sent: readonly Sent[]): Frame[] {
  return sent.map(({ type, id, body }) => ({ type, id, body: join(body) }));
}

function streamOf(sent: readonly Sent[]): Uint8Array {
  return join(sent.flatMap(encodeFrame));
}

/** Complete and nothing else, or it counts as refused. */
function readWhole(bytes: Uint8Array): Frame[] {
  const reader = new FrameReader({ maxFrameBytes });
  const found = reader.push(bytes);
  if (found.length === 0) {
    // Nothing was taken for a frame: the rest is awaited, and the next frame shows that this one never ends well.
    found.push(...reader.push(new Uint8Array(maxFrameBytes)));
  }
  return found;
}

describe('frames', () => {
  test('come out of the stream as they went in, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (sent, places) => {
        assert.deepStrictEqual(received(cut(streamOf(sent), places)), expected(sent));
      }),
      { numRuns: 200 },
    );
  });

  test('come out byte by byte, each as soon as it is complete', () => {
    const sent: Sent[] = [
      { type: 'hello', id: 1, body: [Uint8Array.of(1, 2, 3)] },
      { type: 'goodbye', id: 0, body: [] },
    ];
    const reader = new FrameReader({ maxFrameBytes });
    const completedAt: number[] = [];
    streamOf(sent).forEach((byte, i) => {
      if (reader.push(Uint8Array.of(byte)).length > 0) {
        completedAt.push(i);
      }
    });
    assert.deepEqual(completedAt, [FRAME_HEADER_BYTES + 2, 2 * FRAME_HEADER_BYTES + 2]);
  });

  test('of a large body arrive from small chunks with a bounded number of copies', (t) => {
    const body = new Uint8Array(8 * 1024 * 1024).map((_, i) => i);
    const stream = streamOf([{ type: 'snapshot-chunk', id: 9, body: [body] }]);
    const reader = new FrameReader({ maxFrameBytes: stream.byteLength });
    const allocate = t.mock.method(Buffer, 'allocUnsafeSlow');
    const found: Frame[] = [];
    for (let at = 0; at < stream.byteLength; at += 1000) {
      found.push(...reader.push(stream.subarray(at, at + 1000)));
    }
    assert.equal(found.length, 1);
    assert.equal(Buffer.compare(found[0]?.body ?? new Uint8Array(0), body), 0);
    // What is copied never exceeds what is allocated for it.
    const allocatedBytes = allocate.mock.calls.reduce((sum, call) => sum + call.arguments[0], 0);
    assert.ok(allocatedBytes >= stream.byteLength && allocatedBytes < 3 * stream.byteLength, `${allocatedBytes}`);
  });

  test('are views of the chunk that holds them whole', () => {
    const stream = streamOf([{ type: 'message', id: 0, body: [new Uint8Array(100)] }]);
    const [frame] = new FrameReader({ maxFrameBytes }).push(stream);
    assert.equal(frame?.body.buffer, stream.buffer);
  });

  test('refuse every flipped bit', () => {
    fc.assert(
      fc.property(frames, (sent) => {
        assertFlipsAreRefused(streamOf([sent]), { decode: readWhole, error: ProtocolError });
      }),
      { numRuns: 10 },
    );
  });

  test('cut short are never taken for frames', () => {
    const stream = streamOf([{ type: 'message', id: 7, body: [new Uint8Array(50).fill(1)] }]);
    for (let length = 0; length < stream.byteLength; length++) {
      assert.deepEqual(new FrameReader({ maxFrameBytes }).push(stream.slice(0, length)), []);
    }
  });

  test('that are too long are refused as soon as they are announced', () => {
    const limit = FRAME_HEADER_BYTES + 10;
    const fits = streamOf([{ type: 'message', id: 7, body: [new Uint8Array(10)] }]);
    assert.equal(new FrameReader({ maxFrameBytes: limit }).push(fits).length, 1);
    const tooLong = streamOf([{ type: 'message', id: 7, body: [new Uint8Array(11)] }]);
    const decode = (bytes: Uint8Array): Frame[] => new FrameReader({ maxFrameBytes: limit }).push(bytes);
    assertRefused(tooLong.slice(0, FRAME_HEADER_BYTES), { decode, error: ProtocolError }, 'the header alone');
    assert.throws(() => decode(tooLong), /a frame of 27 bytes, but at most 26 are allowed/);
  });

  test('of another version, magic, type or flags are refused with the reason', () => {
    const reasons = [/not a frame/, /version 255/, /unknown type 255/, /unknown flags 255/];
    reasons.forEach((reason, at) => {
      const bytes = streamOf([{ type: 'message', id: 7, body: [] }]);
      bytes[at] = 255;
      new DataView(bytes.buffer).setUint32(12, crc32(bytes.subarray(0, 12)), true);
      assert.throws(
        () => readWhole(bytes),
        (error) => error instanceof ProtocolError && reason.test(error.message),
      );
    });
  });

  test('after a damaged one are not read any more', () => {
    const good = streamOf([{ type: 'message', id: 1, body: [] }]);
    const bad = Uint8Array.from(good);
    bad[FRAME_HEADER_BYTES - 1] = (bad[FRAME_HEADER_BYTES - 1] ?? 0) ^ 1;
    const reader = new FrameReader({ maxFrameBytes });
    assert.equal(reader.push(good).length, 1);
    assert.throws(() => reader.push(bad), ProtocolError);
    assert.throws(() => reader.push(good), ProtocolError);
  });

  test('travel in one piece when they are small, and without a copy of a large chunk otherwise', () => {
    const small = Uint8Array.of(1);
    const large = new Uint8Array(5000);
    assert.equal(encodeFrame({ type: 'message', id: 1, body: [small, small] }).length, 1);
    const chunks = encodeFrame({ type: 'message', id: 1, body: [small, large] });
    assert.equal(chunks.length, 2);
    assert.equal(chunks[1], large);
  });

  test('have an unsigned 32-bit id', () => {
    for (const id of [-1, 0.5, Number.NaN, 2 ** 32]) {
      assert.throws(() => encodeFrame({ type: 'message', id, body: [] }), RangeError);
    }
  });

  test('have types with numbers of their own', () => {
    const numbers = Object.values(FRAME_TYPES);
    assert.equal(new Set(numbers).size, numbers.length);
  });
});
