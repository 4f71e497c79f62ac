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

/**
 * A promise that is awaited later, or never if the case fails before: its failure is then no unhandled rejection, but
 * whoever awaits it still sees it.
 */
export function startedEarly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
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
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.imul(seed, 2654435761) + 1;
  for (let position = 0; position < words.length; position += 1) {
    state = Math.imul(state, 1664525) + 1013904223;
    words[position] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer, 0, length);
}
