import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeEntries,
  decodeRecord,
  encodeEntries,
  encodeRecord,
  joinEntries,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
} from '../../src/codec/record.ts';
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../src/core/entry.ts';
import { logId } from '../../src/core/ids.ts';
import { EMPTY_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import { CorruptionError } from '../../src/errors.ts';
import { entries } from './arbitraries.ts';
import {
  assertDamageIsRefused,
  assertFlipsAreRefused,
  assertForgeryIsRefusedOrWhole,
  assertRefused,
  join,
  toHex,
  withRightChecksum,
} from './damage.ts';

const refusal = {
  error: CorruptionError,
  decode: (bytes: Uint8Array): unknown => {
    const { entry, nextOffset } = decodeRecord(bytes, 0);
    if (nextOffset !== bytes.byteLength) {
      throw new CorruptionError('more than one record');
    }
    return entry;
  },
  encode: (value: unknown): Uint8Array => encodeRecord(value as Entry),
};

function payloadEntry(size: number): Entry {
  return normalEntry({ term: 3, index: 7 }, 1000, new Uint8Array(size).fill(0xab));
}

describe('a log record', () => {
  test('gives back every entry', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        assert.deepStrictEqual(refusal.decode(encodeRecord(entry)), entry);
      }),
      { numRuns: 500 },
    );
  });

  test('carries log ids and times up to 2^53 - 1 and empty payloads', () => {
    const id = { term: Number.MAX_SAFE_INTEGER, index: Number.MAX_SAFE_INTEGER };
    for (const entry of [
      normalEntry(id, Number.MAX_SAFE_INTEGER, new Uint8Array(0)),
      blankEntry({ term: 0, index: 1 }, 0),
      membershipEntry(id, 0, EMPTY_MEMBERSHIP),
    ]) {
      assert.deepStrictEqual(refusal.decode(encodeRecord(entry)), entry);
    }
  });

  test('refuses every truncation, every flipped bit and every extra byte', () => {
    fc.assert(
      fc.property(entries, (entry) => assertDamageIsRefused(encodeRecord(entry), refusal)),
      { numRuns: 50 },
    );
    assertFlipsAreRefused(encodeRecord(payloadEntry(70_000)), refusal);
  });

  test('refuses or understands to the last bit what has the right checksum', () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(entries, damages, (entry, changes) => {
        const bytes = Uint8Array.from(encodeRecord(entry));
        for (const [at, byte] of changes) {
          bytes[at % bytes.byteLength] = byte;
        }
        assertForgeryIsRefusedOrWhole(withRightChecksum(bytes), refusal);
      }),
      { numRuns: 1000 },
    );
  });

  test('refuses lengths beyond the end before anything is read or allocated', () => {
    for (const length of [71, 0x7fff_ffff, 0xffff_ffff, MAX_RECORD_BYTES - RECORD_HEADER_BYTES + 1]) {
      const bytes = Uint8Array.from(encodeRecord(payloadEntry(70)));
      new DataView(bytes.buffer).setUint32(8, length, true);
      assertRefused(withRightChecksum(bytes), refusal, `length ${length}`);
    }
  });

  test('says where in a file the damage is', () => {
    const bytes = join([encodeRecord(payloadEntry(10)), encodeRecord(payloadEntry(20))]);
    const second = RECORD_HEADER_BYTES + 10;
    bytes[bytes.byteLength - 1] = 0;
    assert.equal(decodeRecord(bytes, 0).nextOffset, second);
    assert.throws(() => decodeRecord(bytes, second), /damaged log record: at byte 46: the checksum is 0x/);
  });

  test('BUG-4 says its format version, and a record of another one is refused by its number', () => {
    const bytes = Uint8Array.from(encodeRecord(payloadEntry(10)));
    assert.equal(bytes[4], 1);
    bytes[4] = 2;
    assert.throws(
      () => decodeRecord(withRightChecksum(bytes), 0),
      (error) => error instanceof CorruptionError && /version 2, .* version 1/.test(error.message),
    );
  });

  test('has payloads that are views of the bytes, plain Uint8Arrays even of a Buffer', () => {
    const bytes = Buffer.from(encodeRecord(payloadEntry(10)));
    const { payload } = decodeRecord(bytes, 0).entry;
    assert.equal(Object.getPrototypeOf(payload), Uint8Array.prototype);
    assert.equal(payload.buffer, bytes.buffer);
    assert.equal(payload.byteOffset, bytes.byteOffset + RECORD_HEADER_BYTES);
  });

  test('is never made of an entry that it could not give back', () => {
    const id = { term: 1, index: 1 };
    const payload = Uint8Array.of(1);
    const wrong: Entry[] = [
      normalEntry({ term: 1, index: 0 }, 0, payload),
      normalEntry({ term: -1, index: 1 }, 0, payload),
      normalEntry({ term: 1, index: 2 ** 53 }, 0, payload),
      normalEntry(id, 0.5, payload),
      normalEntry(id, Number.NaN, payload),
      { ...blankEntry(id, 0), payload },
      { ...membershipEntry(id, 0, EMPTY_MEMBERSHIP), membership: null },
      { ...normalEntry(id, 0, payload), membership: EMPTY_MEMBERSHIP },
      { ...normalEntry(id, 0, payload), payload: { byteLength: MAX_RECORD_BYTES } as Uint8Array },
    ];
    for (const entry of wrong) {
      assert.throws(() => encodeRecord(entry), RangeError);
      assert.throws(() => encodeEntries([entry]), RangeError);
    }
  });
});

describe('a batch of records', () => {
  const batches = fc.array(entries, { maxLength: 12 });

  test('is the records back to back', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        assert.equal(toHex(encodeEntries(batch)), toHex(join(batch.map(encodeRecord))));
      }),
    );
  });

  test('gives back all entries, and only all of them', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const bytes = encodeEntries(batch);
        assert.deepStrictEqual(decodeEntries(bytes, batch.length), batch);
        assert.throws(() => decodeEntries(bytes, batch.length + 1), CorruptionError);
        if (batch.length > 0) {
          assert.throws(() => decodeEntries(bytes, batch.length - 1), CorruptionError);
        }
      }),
    );
  });

  test('refuses every truncation, every flipped bit and every extra byte', () => {
    fc.assert(
      fc.property(fc.array(entries, { minLength: 1, maxLength: 4 }), (batch) =>
        assertDamageIsRefused(encodeEntries(batch), {
          error: CorruptionError,
          decode: (bytes) => decodeEntries(bytes, batch.length),
        }),
      ),
      { numRuns: 20 },
    );
  });

  test('is encoded once for an array, and not at all when it was decoded', () => {
    const batch = [payloadEntry(100), payloadEntry(200)];
    const bytes = encodeEntries(batch);
    assert.equal(encodeEntries(batch), bytes);
    assert.notEqual(encodeEntries([...batch]), bytes);
    const received = Uint8Array.from(bytes);
    assert.equal(encodeEntries(decodeEntries(received, 2)), received);
  });
});

describe('joined lists of entries', () => {
  const lists = [entriesAt(1, 3), entriesAt(4, 1), entriesAt(5, 2)];

  test('have the bytes of all of them, without being encoded again when each was encoded before', () => {
    const encoded = lists.map((list) => encodeEntries(list));
    const joined = joinEntries(lists);
    assert.deepEqual(joined, lists.flat());
    assert.deepEqual(Buffer.from(encodeEntries(joined)), Buffer.concat(encoded));
    for (const bytes of encoded) bytes.fill(0);
    assert.ok(
      encodeEntries(joinEntries(lists)).every((byte) => byte === 0),
      'joined, not encoded',
    );
  });

  test('are encoded when one was not', () => {
    const fresh = [entriesAt(1, 2), entriesAt(3, 2)];
    encodeEntries(fresh[0] ?? []);
    assert.deepEqual(decodeEntries(encodeEntries(joinEntries(fresh)), 4), fresh.flat());
  });

  test('of one list are that list', () => {
    const [list = []] = lists;
    assert.equal(joinEntries([list]), list);
  });
});

function entriesAt(fromIndex: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, offset) => normalEntry(logId(1, fromIndex + offset), 5, new Uint8Array(9)));
}
