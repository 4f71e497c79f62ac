/** A FileSnapshotStore over a simulated disk, and what is done to both. */
import assert from 'node:assert/strict';
import { ConsensusError } from '../../../src/errors.ts';
import type { SnapshotWriter } from '../../../src/ports/snapshot-store.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import type { SampleSnapshot } from '../../../src/testing/conformance/snapshot-store-world.ts';
import { CODEC_ID, sampleSnapshot } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { DiskFault, DiskFaults, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';

export const DIRECTORY = '/node/snapshots';
export const BLOCK_BYTES = 600;

/** Small enough that every place of a file can be tried, large enough for several blocks. */
export function smallSample(index: number, sizeBytes = 2500): SampleSnapshot {
  const { meta, bytes, stored } = sampleSnapshot(index, sizeBytes);
  const chunks = [0, 1, 2, 3].map((n) => bytes.slice((n * sizeBytes) / 4, ((n + 1) * sizeBytes) / 4));
  return { meta, bytes, stored, chunks };
}

export function makeStore(fileSystem: MemFileSystem, keepOlder = 1): FileSnapshotStore {
  return new FileSnapshotStore({ directory: DIRECTORY, fileSystem, keepOlder, blockBytes: BLOCK_BYTES });
}

export async function openStore(
  fileSystem: MemFileSystem = new MemFileSystem(),
  keepOlder = 1,
): Promise<FileSnapshotStore> {
  const store = makeStore(fileSystem, keepOlder);
  await store.open();
  return store;
}

/** Writes from where the writer is up to `toByte`, in pieces. */
async function writeUpTo(writer: SnapshotWriter, { bytes }: SampleSnapshot, toByte: number): Promise<void> {
  while (writer.offsetBytes < toByte) {
    const from = writer.offsetBytes;
    await writer.write(bytes.slice(from, Math.min(from + 333, toByte)));
  }
}

/** Leaves a part of a snapshot to be resumed. */
export async function writePart(store: FileSnapshotStore, sample: SampleSnapshot, toByte: number): Promise<void> {
  const writer = await store.create(sample.meta, CODEC_ID);
  await writeUpTo(writer, sample, toByte);
  await writer.close({ keep: true });
}

/** Writes what is missing of a snapshot, and publishes it. */
export async function complete(store: FileSnapshotStore, sample: SampleSnapshot): Promise<void> {
  const writer = await store.create(sample.meta, CODEC_ID);
  try {
    await writeUpTo(writer, sample, sample.bytes.byteLength);
    await writer.publish();
  } finally {
    await writer.close({ keep: true });
  }
}

/** Answers for one operation, by its number from 1 on; counts them all. */
export class FaultAt implements DiskFaults {
  count = 0;
  readonly #number: number;
  readonly #answer: (operation: DiskOperation) => DiskFault | null | Promise<DiskFault | null>;

  constructor(number: number, answer: (operation: DiskOperation) => DiskFault | null | Promise<DiskFault | null>) {
    this.#number = number;
    this.#answer = answer;
  }

  before(operation: DiskOperation): DiskFault | null | Promise<DiskFault | null> {
    this.count += 1;
    return this.count === this.#number ? this.#answer(operation) : null;
  }
}

/** A failure of the disk must come as an error that says what could not be done to what, and why. */
export function expectDiskError(error: unknown, code: string): true {
  assert.ok(ConsensusError.is(error), `not a ConsensusError: ${String(error)}`);
  assert.equal(error.code, 'STORAGE', error.message);
  assert.match(error.message, /^can't [a-z ]+ '\/node/);
  assert.equal((error.cause as { code?: string } | undefined)?.code, code, error.message);
  return true;
}

/** The names in the store's directory. */
export function namesIn(fileSystem: MemFileSystem): readonly string[] {
  return fileSystem.filePaths().map((path) => path.slice(DIRECTORY.length + 1));
}
