/** Writes, resumes, gives up and publishes snapshots until the process is killed. */
import { join } from 'node:path';
import type { SnapshotReader, SnapshotStore, SnapshotWriter } from '../../../src/ports/snapshot-store.ts';
import { openDurableStorage } from '../../../src/storage/lmdb/open-durable-storage.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/file-snapshot-store.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { Reporter } from '../support/reporter.ts';
import { reportingFileSystem } from '../support/reporting-file-system.ts';
import type { VictimTask } from '../support/victim.ts';
import { FINISHED } from '../support/victim.ts';
import { CRASH_CODEC_ID, crashBytes, crashMeta } from './crash-snapshot.ts';

const SNAPSHOTS_MAX = 60;

/** The store is the one of `openDurableStorage`, but says what it does. */
export async function runSnapshotWorkload({ directory, seed }: VictimTask, reporter: Reporter): Promise<void> {
  reporter.report('opening', 0);
  const storage = await openDurableStorage({ directory });
  const store = new FileSnapshotStore({
    directory: join(directory, 'snapshots'),
    fileSystem: reportingFileSystem(reporter),
  });
  const found = await store.open();
  reporter.report('opened', 0);
  const writing = new SnapshotWriting(store, seed, reporter);
  const first = (found?.meta.lastLogId.index ?? 0) + 1;
  for (let number = first; number < first + SNAPSHOTS_MAX; number += 1) await writing.writeOne(number);
  await store.close();
  await storage.close();
  reporter.report(FINISHED, 0);
}

class SnapshotWriting {
  readonly #store: SnapshotStore;
  readonly #random: SeededRandom;
  readonly #reporter: Reporter;
  /** Pins what it reads, also when that is not the newest one any more. */
  #reader: SnapshotReader | null = null;

  constructor(store: SnapshotStore, seed: number, reporter: Reporter) {
    this.#store = store;
    this.#random = new SeededRandom(seed);
    this.#reporter = reporter;
  }

  async writeOne(number: number): Promise<void> {
    const bytes = crashBytes(number);
    let writer = await this.#store.create(crashMeta(number), CRASH_CODEC_ID);
    this.#reporter.report('created', number);
    while (writer.offsetBytes < bytes.byteLength) {
      const length = this.#random.pick([1, 5000, 65_536, 300_000]);
      await writer.write(bytes.slice(writer.offsetBytes, writer.offsetBytes + length));
      this.#reporter.report('written', writer.offsetBytes);
      if (this.#random.chance(0.1)) writer = await this.#interrupt(writer, number);
    }
    this.#reporter.report('call publish', number);
    await writer.publish();
    this.#reporter.report('done publish', number);
    await writer.close({ keep: false });
    if (this.#random.chance(0.3)) await this.#look();
  }

  /** The stream breaks, and comes again. */
  async #interrupt(writer: SnapshotWriter, number: number): Promise<SnapshotWriter> {
    const { offsetBytes } = writer;
    const keep = this.#random.chance(0.7);
    await writer.close({ keep });
    this.#reporter.report(keep ? 'kept' : 'given up', number);
    const next = await this.#store.create(crashMeta(number), CRASH_CODEC_ID);
    if (keep && next.offsetBytes !== offsetBytes) {
      throw new Error(`resumed at ${next.offsetBytes}, but ${offsetBytes} bytes were written`);
    }
    return next;
  }

  async #look(): Promise<void> {
    await this.#reader?.close();
    this.#reader = await this.#store.latest();
    for await (const chunk of this.#reader?.chunks(0) ?? []) {
      if (chunk.byteLength > 0) break;
    }
  }
}
