/** Assertions that the storage suites share. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import type { ErrorCode } from '../../errors.ts';
import { ConsensusError } from '../../errors.ts';

/** The call must reject (not throw) with an error of this code. */
export async function expectRejection(call: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(ConsensusError.is(error), `expected a ConsensusError, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Entries must be equal in every field; payloads byte by byte, in whatever kind of array. */
export function expectEntries(actual: readonly Entry[], expected: readonly Entry[]): void {
  assert.deepEqual(actual.map(describeEntry), expected.map(describeEntry));
  for (const [position, { payload }] of expected.entries()) {
    const found = actual[position]?.payload;
    assert.ok(found !== undefined && Buffer.compare(found, payload) === 0, `payload ${position} differs`);
  }
}

function describeEntry({ logId, kind, timeMs, payload, membership }: Entry): object {
  return { logId: { ...logId }, kind, timeMs, payloadBytes: payload.byteLength, membership };
}

/** Bytes that differ from one seed to the next and do not repeat soon. */
export function sampleBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let position = 0; position < length; position += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[position] = state >>> 24;
  }
  return bytes;
}
