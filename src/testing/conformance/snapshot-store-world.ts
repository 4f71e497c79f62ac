/** What the cases of the snapshot store suite work with. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { logId } from '../../core/ids.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import type { SnapshotStore, SnapshotWriter, StoredSnapshot } from '../../ports/snapshot-store.ts';
import type { CapabilityOptions } from './capabilities.ts';
import { runInWorld } from './conformance-suite.ts';
import { sampleBytes } from './expect.ts';
import type { Place, PlaceFault } from './place.ts';
import { methodOf, PlaceKeeper } from './place.ts';
import { jointMembership } from './sample-entries.ts';

export const CODEC_ID = 'conformance/1';

/** Damage to what a snapshot store has stored. */
export interface SnapshotStoreDamage {
  /**
   * What is damaged: the bytes of the newest published snapshot, the description of it (meta, size, checksum, format),
   * or the bytes of the unfinished snapshot.
   */
  readonly part: 'bytes' | 'description' | 'unfinished';
  /** `flip`: one of its bits, picked by `seed`, is another. `cut`: the second half of it is gone. */
  readonly type: 'flip' | 'cut';
  readonly seed: number;
}

/** A snapshot store's home. */
export interface SnapshotStorePlace extends Place<SnapshotStore> {
  /**
   * For `damage`. Called while no store is open, after the last one was closed. A part that the store keeps in one
   * file with others may be damaged with them; nothing happens when the store has kept nothing of it.
   */
  damage?(damage: SnapshotStoreDamage): void | Promise<void>;
}

export interface SnapshotStoreSuiteOptions extends CapabilityOptions {
  /** Makes an empty place. Called for each case, and for each of several places in a case. */
  create(): SnapshotStorePlace | Promise<SnapshotStorePlace>;
}

/** One snapshot store, and the place to open it from again. */
export class SnapshotStoreWorld {
  store: SnapshotStore;
  /** What the store said when it was opened. */
  found: StoredSnapshot | null = null;
  readonly #options: SnapshotStoreSuiteOptions;
  readonly #place: SnapshotStorePlace;
  readonly #keeper: PlaceKeeper<SnapshotStore>;

  private constructor(
    options: SnapshotStoreSuiteOptions,
    place: SnapshotStorePlace,
    keeper: PlaceKeeper<SnapshotStore>,
    store: SnapshotStore,
  ) {
    this.#options = options;
    this.#place = place;
    this.#keeper = keeper;
    this.store = store;
  }

  /** A new place, and an open store over it. */
  static async create(options: SnapshotStoreSuiteOptions): Promise<SnapshotStoreWorld> {
    const world = await SnapshotStoreWorld.#createUnopened(options);
    try {
      await world.open();
      return world;
    } catch (error) {
      await world.close().catch(() => {});
      throw error;
    }
  }

  static async #createUnopened(options: SnapshotStoreSuiteOptions): Promise<SnapshotStoreWorld> {
    const place = await options.create();
    const keeper = new PlaceKeeper(place);
    try {
      return new SnapshotStoreWorld(options, place, keeper, await keeper.next());
    } catch (error) {
      await keeper.close().catch(() => {});
      throw error;
    }
  }

  /** Runs a check in one more world, with a place of its own. */
  async inAnother(check: (world: SnapshotStoreWorld) => Promise<void>): Promise<void> {
    await runInWorld(check, () => SnapshotStoreWorld.create(this.#options));
  }

  /** The same in a world whose store is made, but not open yet. */
  async inAnotherUnopened(check: (world: SnapshotStoreWorld) => Promise<void>): Promise<void> {
    await runInWorld(check, () => SnapshotStoreWorld.#createUnopened(this.#options));
  }

  /** Closes the store and opens the next one over the same data. */
  async reopen(): Promise<StoredSnapshot | null> {
    await this.makeNext();
    return await this.open();
  }

  /** Closes the store, if there is one, and makes the next one, which the case opens. */
  async makeNext(): Promise<SnapshotStore> {
    this.store = await this.#keeper.next();
    return this.store;
  }

  async open(): Promise<StoredSnapshot | null> {
    this.found = await this.store.open();
    return this.found;
  }

  async closeStore(): Promise<void> {
    await this.#keeper.closeStore();
  }

  /** Makes a store of the same place without closing the present one. */
  async beside(): Promise<SnapshotStore> {
    return await this.#keeper.beside();
  }

  /** Ends the store as a power cut does. */
  async crash(seed: number): Promise<void> {
    await this.#keeper.crash(seed);
  }

  async crashAndReopen(seed: number): Promise<StoredSnapshot | null> {
    await this.crash(seed);
    return await this.reopen();
  }

  freezeAfter(operations: number): Promise<void> {
    return this.#keeper.freezeAfter(operations);
  }

  failNext(fault: PlaceFault): void {
    this.#keeper.failNext(fault);
  }

  relieve(): void {
    this.#keeper.relieve();
  }

  async damage(damage: SnapshotStoreDamage): Promise<void> {
    await methodOf(this.#place, 'damage')(damage);
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

/** The newest snapshot must be one of these, as the store said when it was opened; `null` for none. Returns which. */
export async function expectOneOfLatest(
  { store, found }: SnapshotStoreWorld,
  possible: readonly (SampleSnapshot | null)[],
): Promise<SampleSnapshot | null> {
  const id = found?.meta.id ?? null;
  const sample = possible.find((candidate) => (candidate?.meta.id ?? null) === id);
  const expected = possible.map((candidate) => candidate?.meta.id ?? 'none').join(' or ');
  assert.ok(sample !== undefined, `the newest snapshot is ${id ?? 'none'}, expected ${expected}`);
  assert.deepEqual(found, sample?.stored ?? null);
  await expectLatest(store, sample);
  return sample;
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
