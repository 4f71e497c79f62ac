import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SealedKind } from '../../src/codec/sealed-bytes.ts';
import { beginSealed, SEALED_FORMATS, seal } from '../../src/codec/sealed-bytes.ts';
import {
  assertDamageIsRefused,
  assertForgeryIsRefusedOrWhole,
  assertRefused,
  toHex,
  withRightChecksum,
} from './damage.ts';
import { formats } from './formats.ts';

for (const format of formats) {
  describe(`the bytes of: ${format.name}`, () => {
    test('gives back every value', () => {
      fc.assert(
        fc.property(format.values, (value) => {
          assert.deepStrictEqual(format.decode(format.encode(value)), value);
        }),
        { numRuns: 300 },
      );
    });

    test('reads a value from the middle of a larger buffer', () => {
      fc.assert(
        fc.property(format.values, fc.nat(9), (value, before) => {
          const bytes = format.encode(value);
          const larger = Buffer.alloc(before + bytes.byteLength + 5, 0xee);
          larger.set(bytes, before);
          assert.deepStrictEqual(format.decode(larger.subarray(before, before + bytes.byteLength)), value);
        }),
      );
    });

    test('refuses every truncation, every flipped bit and every extra byte', () => {
      fc.assert(
        fc.property(format.values, (value) => assertDamageIsRefused(format.encode(value), format)),
        { numRuns: 30 },
      );
    });

    test('refuses lengths beyond the end, whatever the checksum says', () => {
      fc.assert(
        fc.property(format.values, fc.constantFrom(0xffff_ffff, 0x7fff_ffff, 0x0100_0000), (value, length) => {
          const bytes = format.encode(value);
          for (let at = 6; at + 4 <= bytes.byteLength; at++) {
            const forged = Uint8Array.from(bytes);
            new DataView(forged.buffer).setUint32(at, length, true);
            assertForgeryIsRefusedOrWhole(withRightChecksum(forged), format);
          }
        }),
        { numRuns: 20 },
      );
    });

    test('refuses or understands to the last bit what has the right checksum', () => {
      const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(format.values, damages, fc.nat(3), (value, changes, cut) => {
          const bytes = Uint8Array.from(format.encode(value));
          for (const [at, byte] of changes) {
            bytes[at % bytes.byteLength] = byte;
          }
          assertForgeryIsRefusedOrWhole(withRightChecksum(bytes.subarray(0, bytes.byteLength - cut)), format);
        }),
        { numRuns: 500 },
      );
    });

    test('throws nothing but its typed error for random bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assertRefused(bytes, format, toHex(bytes))),
        { numRuns: 300 },
      );
    });

    test('refuses the bytes of every other kind', () => {
      for (const kind of Object.keys(SEALED_FORMATS) as SealedKind[]) {
        if (kind !== format.name) {
          assertRefused(seal(beginSealed(kind)), format, kind);
        }
      }
    });
  });
}

describe('BUG-4 every format says its version', () => {
  for (const format of formats) {
    test(`bytes of another version of the ${format.name} are refused by its number`, () => {
      // The seal of a message with entries ends before them: take one that is sealed as a whole.
      const bytes = fc
        .sample(format.values, { numRuns: 100, seed: 1 })
        .map((value) => Uint8Array.from(format.encode(value)))
        .find((encoded) => toHex(encoded) === toHex(withRightChecksum(encoded)));
      assert.ok(bytes !== undefined);
      assert.equal(bytes[5], 1);
      bytes[5] = 2;
      assert.throws(
        () => format.decode(withRightChecksum(bytes)),
        (error) => error instanceof format.error && /format version 2, .* only version 1/.test(error.message),
      );
    });
  }
});
