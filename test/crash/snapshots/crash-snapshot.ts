/** Snapshots whose content is known from their number: who killed the process that wrote one still knows what it wrote. */
import { logId } from '../../../src/core/ids.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { sampleBytes } from '../../../src/testing/conformance/expect.ts';
import { jointMembership } from '../../../src/testing/conformance/sample-entries.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';

export const CRASH_CODEC_ID = 'crash/1';

const SIZES_BYTES: readonly number[] = [0, 1, 1000, 100_000, 256 * 1024, 700_000];

export function crashMeta(number: number): SnapshotMeta {
  return {
    id: `crash-${number}`,
    lastLogId: logId(1, number),
    lastTimeMs: 1_700_000_000_000 + number,
    membership: { logId: logId(1, 1), membership: jointMembership() },
  };
}

export function crashBytes(number: number): Uint8Array {
  const random = new SeededRandom(number);
  return sampleBytes(random.pick(SIZES_BYTES) + random.between(0, 5000), number);
}
