/** Assertions that the storage suites share. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Entry } from '../../core/entry.ts';
import type { ErrorCode } from '../../errors.ts';
import { ConsensusError } from '../../errors.ts';

/** The call must reject (not throw) with an error of this code, or of one of these. */
export async function expectRejection(
  call: () => Promise<unknown>,
  code: ErrorCode | readonly ErrorCode[],
): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    expectCode(error, code);
    return true;
  });
}

/** The error must be one of the library, with this code or one of these. */
export function expectCode(error: unknown, code: ErrorCode | readonly ErrorCode[]): void {
  assert.ok(ConsensusError.is(error), `expected a ConsensusError, got ${String(error)}`);
  const codes = typeof code === 'string' ? [code] : code;
  assert.ok(codes.includes(error.code), `expected the code ${codes.join(' or ')}, got ${error.code}: ${error.message}`);
}

/** What an error says, with what its causes say. */
export function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) {
    messages.push(next.message);
  }
  return messages.length === 0 ? String(error) : messages.join(': ');
}

/**
 * A promise that is awaited later, or never if the case fails before: its failure is then no unhandled rejection, but
 * whoever awaits it still sees it.
 */
export function startedEarly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

/** A call whose process ends before anyone learns its outcome. */
export function abandon(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

/** Entries must be equal in every field; payloads byte by byte, in whatever kind of array. */
export function expectEntries(actual: readonly Entry[], expected: readonly Entry[]): void {
  assert.deepEqual(actual.map(describeEntry), expected.map(describeEntry));
  for (const [position, { payload }] of expected.entries()) {
    const found = actual[position]?.payload;
    assert.ok(found !== undefined && Buffer.compare(found, payload) === 0, `payload ${position} differs`);
  }
}

/** Equal in every field; the payload byte by byte, in whatever kind of array. */
export function isSameEntry(actual: Entry, expected: Entry): boolean {
  return (
    isDeepStrictEqual(describeEntry(actual), describeEntry(expected)) &&
    Buffer.compare(actual.payload, expected.payload) === 0
  );
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
