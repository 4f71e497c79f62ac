/** A simulated disk as a place of the conformance suite: it crashes, fails and rots. */
import type { SnapshotStore } from '../../../src/ports/snapshot-store.ts';
import type { FileSnapshotStoreOptions } from '../../../src/storage/snapshot-files/index.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import { FaultSwitch } from '../../../src/testing/conformance/fault-switch.ts';
import type { PlaceFault } from '../../../src/testing/conformance/place.ts';
import type { SnapshotStoreDamage, SnapshotStorePlace } from '../../../src/testing/conformance/snapshot-store-world.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { SeededRandom } from '../../support/fake-ports.ts';
import { DIRECTORY } from './snapshot-disk.ts';

export class SimulatedPlace implements Required<Omit<SnapshotStorePlace, 'remove'>> {
  readonly location: string = DIRECTORY;
  readonly #options: Partial<FileSnapshotStoreOptions>;
  readonly #faults = new FaultSwitch();
  #fileSystem = new MemFileSystem({ faults: this.#faults });

  constructor(options: Partial<FileSnapshotStoreOptions> = {}) {
    this.#options = options;
  }

  make(): SnapshotStore {
    return new FileSnapshotStore({ directory: DIRECTORY, fileSystem: this.#fileSystem, ...this.#options });
  }

  /** A kill, a power failure that leaves nothing, or one that leaves something of what was not synced. */
  crash(seed: number): void {
    const before = this.#fileSystem;
    if (seed % 5 === 4) this.#fileSystem = before.kill();
    else this.#fileSystem = before.crash(seed % 5 === 3 ? null : new SeededRandom(seed));
    this.#faults.thaw();
  }

  freezeAfter(operations: number): Promise<void> {
    return this.#faults.freezeAfter(operations);
  }

  failNext(fault: PlaceFault): void {
    this.#faults.failNext(fault);
  }

  relieve(): void {
    this.#faults.relieve();
  }

  async damage({ part, type, seed }: SnapshotStoreDamage): Promise<void> {
    const suffix = part === 'unfinished' ? '.unfinished' : '.snapshot';
    const path = this.#fileSystem.filePaths().findLast((each) => each.endsWith(suffix));
    if (path === undefined) return;
    const bytes = this.#fileSystem.fileBytes(path);
    const headerBytes = new DataView(bytes.buffer).getUint32(16, true);
    const [from, to] = part === 'description' ? [0, headerBytes] : [headerBytes, bytes.byteLength];
    if (type === 'flip') {
      this.#fileSystem.flipBit(path, 8 * from + Math.floor(new SeededRandom(seed).next() * 8 * (to - from)));
      return;
    }
    const file = await this.#fileSystem.openForWriting(path);
    await file.truncate(Math.floor((from + to) / 2));
    await file.close();
  }
}
