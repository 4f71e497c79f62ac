/** What a killed process must have left of its snapshots. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { SnapshotStore } from '../../../src/ports/snapshot-store.ts';
import { openDurableStorage } from '../../../src/storage/lmdb/open-durable-storage.ts';
import type { Checked, CrashChecker, CrashWorkload, KilledProcess } from '../support/crash-run.ts';
import type { KillTargets } from '../support/kill-point.ts';
import { CRASH_CODEC_ID, crashBytes, crashMeta } from './crash-snapshot.ts';

const KILL_TARGETS: KillTargets = {
  opening: { weight: 1, occurrences: 1 },
  opened: { weight: 1, occurrences: 1 },
  created: { weight: 1, occurrences: 15 },
  written: { weight: 3, occurrences: 60 },
  kept: { weight: 2, occurrences: 5 },
  'given up': { weight: 1, occurrences: 2 },
  'call publish': { weight: 4, occurrences: 15 },
  'done publish': { weight: 2, occurrences: 15 },
  'file write': { weight: 2, occurrences: 60 },
  'file sync': { weight: 3, occurrences: 15 },
  'file sync done': { weight: 2, occurrences: 15 },
  'file rename': { weight: 3, occurrences: 15 },
  'file rename done': { weight: 3, occurrences: 15 },
  'file sync-directory': { weight: 2, occurrences: 15 },
  'file sync-directory done': { weight: 2, occurrences: 15 },
  'file remove': { weight: 2, occurrences: 10 },
  'file remove done': { weight: 2, occurrences: 10 },
};

export const snapshotCrashes: CrashWorkload = {
  name: 'snapshots',
  killTargets: KILL_TARGETS,
  createChecker: () => new SnapshotChecker(),
};

/**
 * The newest snapshot must be the last one whose publication was acknowledged, or the one after it, complete and as it
 * was written; what is resumed must be a first part of what was written.
 */
class SnapshotChecker implements CrashChecker {
  /** The newest one that was found, or published since. */
  #published = 0;

  async check({ directory, reports }: KilledProcess): Promise<Checked> {
    const numbersOf = (wanted: string): number[] =>
      reports.filter(({ name }) => name === wanted).map(({ number }) => number);
    const done = numbersOf('done publish');
    const acknowledged = done.at(-1) ?? this.#published;
    const called = numbersOf('call publish').at(-1) ?? this.#published;
    const storage = await openDurableStorage({ directory });
    try {
      const { snapshotStore } = storage;
      const found = await snapshotStore.open();
      const number = found?.meta.lastLogId.index ?? 0;
      assert.ok(
        number >= acknowledged && number <= called,
        `the newest snapshot is ${number}; ${acknowledged} was published, ${called} was about to be`,
      );
      assert.deepEqual(snapshotStore.damaged?.() ?? [], []);
      if (number > 0) await checkSnapshot(snapshotStore, number);
      await checkUnfinished(snapshotStore, number + 1);
      this.#published = number;
      return { acknowledged: done.length, unacknowledged: number - acknowledged };
    } finally {
      await storage.close();
    }
  }
}

async function checkSnapshot(store: SnapshotStore, number: number): Promise<void> {
  const reader = await store.latest();
  assert.ok(reader !== null);
  const bytes = crashBytes(number);
  const { meta, ...described } = reader.snapshot;
  assert.deepEqual(meta, crashMeta(number));
  assert.deepEqual(described, { sizeBytes: bytes.byteLength, checksum: crc32(bytes), codecId: CRASH_CODEC_ID });
  assert.equal(Buffer.compare(await joined(reader.chunks(0)), bytes), 0, 'the snapshot has other bytes');
  await reader.close();
}

/** Leaves it for the next process to resume. */
async function checkUnfinished(store: SnapshotStore, number: number): Promise<void> {
  const writer = await store.create(crashMeta(number), CRASH_CODEC_ID);
  const found = await joined(writer.chunks());
  assert.equal(found.byteLength, writer.offsetBytes);
  const written = crashBytes(number).subarray(0, found.byteLength);
  assert.equal(Buffer.compare(found, written), 0, 'what is resumed is not what was written');
  assert.equal(writer.checksum, crc32(written));
  await writer.close({ keep: true });
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
