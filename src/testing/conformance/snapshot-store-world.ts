/** What the cases of the snapshot store suite work with. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { logId } from '../../core/ids.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import type { SnapshotStore, SnapshotWriter, StoredSnapshot } from '../../ports/snapshot-store.ts';
import { sampleBytes } from './expect.ts';
import type { Place } from './place.ts';
import { PlaceKeeper } from './place.ts';
import { jointMembership } from './sample-entries.ts';

export const CODEC_ID = 'conformance/1';

/** One open snapshot store, and the place to open it from again. */
export class SnapshotStoreWorld {
  store: SnapshotStore;
  /** What the store said when it was opened. */
  found: StoredSnapshot | null;
  readonly #keeper: PlaceKeeper<SnapshotStore>;

  private constructor(keeper: PlaceKeeper<SnapshotStore>, store: SnapshotStore, found: StoredSnapshot | null) {
    this.#keeper = keeper;
    this.store = store;
    this.found = found;
  }

  static async create(place: Place<SnapshotStore>): Promise<SnapshotStoreWorld> {
    const keeper = new PlaceKeeper(place);
    try {
      const store = await keeper.next();
      return new SnapshotStoreWorld(keeper, store, await store.open());
    } catch (error) {
      await keeper.close().catch(() => {});
      throw error;
    }
  }

  /** Closes the store and opens the next one over the same data. */
  async reopen(): Promise<StoredSnapshot | null> {
    this.store = await this.#keeper.next();
    this.found = await this.store.open();
    return this.found;
  }

  async close(): Promise<void> {
    await this.#keeper.close();
  }
}

/** A snapshot to write: its bytes, in chunks of different sizes, and what the store must say about it. */
export interface SampleSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
  readonly chunks: readonly Uint8Array[];
  readonly stored: StoredSnapshot;
}

/** A snapshot at `4:index`; its id and its bytes depend on the index. */
export function sampleSnapshot(index: number, sizeBytes = 200_000): SampleSnapshot {
  const meta: SnapshotMeta = {
    id: `snapshot-${index}`,
    lastLogId: logId(4, index),
    lastTimeMs: 1_700_000_000_000 + index,
    membership: { logId: logId(3, index - 1), membership: jointMembership() },
  };
  const bytes = sampleBytes(sizeBytes, index);
  const stored = { meta, sizeBytes, checksum: crc32(bytes), codecId: CODEC_ID };
  return { meta, bytes, chunks: cut(bytes), stored };
}

function cut(bytes: Uint8Array): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0, length = 1; start < bytes.byteLength; start += length, length = (length * 7 + 3) % 65_537) {
    chunks.push(bytes.slice(start, start + length));
  }
  return chunks;
}

export async function writeChunks(writer: SnapshotWriter, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    await writer.write(chunk);
  }
}

/** Writes and publishes a snapshot as a node does. */
export async function publishSnapshot(store: SnapshotStore, sample: SampleSnapshot): Promise<StoredSnapshot> {
  const writer = await store.create(sample.meta, CODEC_ID);
  await writeChunks(writer, sample.chunks);
  const stored = await writer.publish();
  await writer.close({ keep: false });
  return stored;
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(new Uint8Array(chunk));
  }
  return new Uint8Array(Buffer.concat(parts));
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.byteLength, expected.byteLength, 'number of bytes');
  assert.ok(Buffer.compare(actual, expected) === 0, 'the bytes differ');
}

/** The newest snapshot must be this one, with these bytes; `null` for none. */
export async function expectLatest(store: SnapshotStore, expected: SampleSnapshot | null): Promise<void> {
  const reader = await store.latest();
  try {
    assert.deepEqual(reader?.snapshot ?? null, expected?.stored ?? null);
    if (reader !== null && expected !== null) {
      expectBytes(await collect(reader.chunks(0)), expected.bytes);
    }
  } finally {
    await reader?.close();
  }
}
