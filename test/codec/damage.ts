/** What can happen to bytes on their way, and that it is never taken for a value. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { ConsensusError } from '../../src/errors.ts';

/** How to tell that a format refuses damage. */
export interface Refusal {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly error: new (...args: never[]) => ConsensusError;
}

/** Flips of more bits than this are sampled. */
const FLIPS_MAX = 400;

/** Every beginning of the bytes, the bytes with one more, and the bytes with one bit flipped are refused. */
export function assertDamageIsRefused(bytes: Uint8Array, refusal: Refusal): void {
  const step = Math.max(1, Math.floor(bytes.byteLength / FLIPS_MAX));
  for (let length = 0; length < bytes.byteLength; length += step) {
    assertRefused(bytes.slice(0, length), refusal, `cut to ${length} of ${bytes.byteLength} bytes`);
  }
  assertRefused(Uint8Array.of(...bytes, 0), refusal, 'one byte more');
  assertFlipsAreRefused(bytes, refusal);
}

export function assertFlipsAreRefused(bytes: Uint8Array, refusal: Refusal): void {
  const bits = 8 * bytes.byteLength;
  // A step that is no multiple of 8 visits all bits of a byte.
  const step = bits <= FLIPS_MAX ? 1 : Math.ceil(bits / FLIPS_MAX / 8) * 8 + 3;
  for (let bit = 0; bit < bits; bit += step) {
    const damaged = Uint8Array.from(bytes);
    damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assertRefused(damaged, refusal, `bit ${bit} flipped`);
  }
}

export function assertRefused(bytes: Uint8Array, { decode, error }: Refusal, how: string): void {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof error, `${how}: threw ${String(thrown)} instead of ${error.name}`);
    return;
  }
  assert.fail(`${how}: taken for ${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))}`);
}

/** A forgery: bytes whose checksum, at offset 0 and over all that follows, is right. */
export function withRightChecksum(bytes: Uint8Array): Uint8Array {
  const forged = Uint8Array.from(bytes);
  new DataView(forged.buffer).setUint32(0, crc32(forged.subarray(4)), true);
  return forged;
}

/**
 * With a right checksum, damaged bytes may still make sense. Then they must be what encoding their value gives: nothing
 * in them was overlooked.
 */
export function assertForgeryIsRefusedOrWhole(
  bytes: Uint8Array,
  { decode, error, encode }: Refusal & { readonly encode: (value: unknown) => Uint8Array },
): void {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof error, `threw ${String(thrown)} instead of ${error.name}`);
    return;
  }
  assert.equal(toHex(encode(value)), toHex(bytes));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}
