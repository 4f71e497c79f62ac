/** What a store goes through in its life, on a disk that fails or stops somewhere on the way. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { StoredSnapshot } from '../../../src/ports/snapshot-store.ts';
import type { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import type { SampleSnapshot } from '../../../src/testing/conformance/snapshot-store-world.ts';
import { CODEC_ID, collect, expectBytes, expectLatest } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { complete, makeStore, namesIn, smallSample, writePart } from './snapshot-disk.ts';

/** Oldest first. Of one size each to tell them apart. */
const SAMPLES: readonly SampleSnapshot[] = [2500, 1800, 2400, 600, 0, 1300].map((sizeBytes, n) =>
  smallSample(10 * (n + 1), sizeBytes),
);

const KEPT = 2;

/** Creates, writes, breaks off, resumes, restarts, publishes, replaces and aborts. */
export class Workload {
  /** Positions in `SAMPLES` whose publication was acknowledged. */
  readonly published: number[] = [];
  readonly failures: unknown[] = [];
  readonly #fileSystem: MemFileSystem;

  constructor(fileSystem: MemFileSystem) {
    this.#fileSystem = fileSystem;
  }

  async run(): Promise<void> {
    const first = makeStore(this.#fileSystem);
    if (await this.#try(() => first.open())) {
      await this.#publish(first, 0);
      await this.#try(() => writePart(first, sampleAt(1), 900));
      await this.#publish(first, 1);
      await this.#try(() => writePart(first, sampleAt(2), 1500));
    }
    await this.#try(() => first.close());
    const second = makeStore(this.#fileSystem);
    if (await this.#try(() => second.open())) {
      await this.#publish(second, 2);
      await this.#try(() => writePart(second, smallSample(1), 700));
      await this.#publish(second, 3);
      await this.#publish(second, 4);
      await this.#try(() => abort(second, sampleAt(5)));
      await this.#publish(second, 5);
      await this.#try(() => writePart(second, smallSample(2), 1000));
    }
    await this.#try(() => second.close());
  }

  async #publish(store: FileSnapshotStore, position: number): Promise<void> {
    if (await this.#try(() => complete(store, sampleAt(position)))) this.published.push(position);
  }

  /** Each step is tried, whatever became of those before it. */
  async #try(step: () => Promise<unknown>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.failures.push(error);
      return false;
    }
  }

  /**
   * What the next process must find: the last acknowledged snapshot or a newer complete one, as many older ones as are
   * kept, each sound in every byte, at most one that can be resumed, and nothing else.
   */
  async check(fileSystem: MemFileSystem): Promise<void> {
    const store = makeStore(fileSystem);
    const found = await store.open();
    const position = positionOf(found);
    assert.ok(position >= (this.published.at(-1) ?? -1), `found ${position}, acknowledged ${this.published.join()}`);
    await expectLatest(store, SAMPLES[position] ?? null);
    const verified = await store.verify();
    assert.ok(verified.length >= Math.min(KEPT, this.published.length), `${verified.length} are left`);
    assert.ok(verified.length <= KEPT, `${verified.length} are kept`);
    for (const { problem, path } of verified) assert.equal(problem, null, path);
    assert.deepEqual(store.damaged(), []);
    const names = namesIn(fileSystem);
    const unfinished = names.filter((name) => name.endsWith('.unfinished'));
    assert.ok(unfinished.length <= 1, names.join());
    assert.equal(names.length, verified.length + unfinished.length, names.join());
    await checkUse(store, fileSystem);
  }
}

/** The store must go on as if nothing had been: whatever can be resumed is sound, and what is published next stays. */
async function checkUse(store: FileSnapshotStore, fileSystem: MemFileSystem): Promise<void> {
  for (const sample of [...SAMPLES, smallSample(1), smallSample(2)]) {
    const writer = await store.create(sample.meta, CODEC_ID);
    const offset = writer.offsetBytes;
    assert.equal(writer.checksum, crc32(sample.bytes.subarray(0, offset)));
    expectBytes(await collect(writer.chunks()), sample.bytes.subarray(0, offset));
    await writer.close({ keep: true });
  }
  const last = smallSample(99);
  await complete(store, last);
  const next = makeStore(fileSystem.crash());
  assert.deepEqual(await next.open(), last.stored);
  await expectLatest(next, last);
}

async function abort(store: FileSnapshotStore, sample: SampleSnapshot): Promise<void> {
  const writer = await store.create(sample.meta, CODEC_ID);
  await writer.write(sample.bytes.slice(0, 1000));
  await writer.close({ keep: false });
}

function sampleAt(position: number): SampleSnapshot {
  const sample = SAMPLES[position];
  assert.ok(sample !== undefined);
  return sample;
}

function positionOf(found: StoredSnapshot | null): number {
  return SAMPLES.findIndex(({ meta }) => meta.id === found?.meta.id);
}
