/** The disk of one simulated node: the real stores over a simulated database and file system. */
import type { LogStore } from '../../../ports/log-store.ts';
import type { SnapshotStore } from '../../../ports/snapshot-store.ts';
import { GroupLogStore } from '../../../storage/group-log/group-log-store.ts';
import { FileSnapshotStore } from '../../../storage/snapshot-files/file-snapshot-store.ts';
import { MemFileSystem } from '../../disk/mem-file-system.ts';
import { MemLogDatabase, MemLogDisk } from '../../disk/mem-log-database.ts';
import type { KvState } from '../kv/kv-types.ts';
import { LogJournal } from '../observation/log-journal.ts';
import type { SimProcess } from '../time/sim-process.ts';
import type { SimRandom } from '../time/sim-random.ts';
import { DiskConditions } from './disk-conditions.ts';
import { ProcessDatabase } from './process-database.ts';
import { StateDisk } from './state-disk.ts';

export interface DiskStores {
  readonly logStore: LogStore;
  readonly snapshotStore: SnapshotStore;
}

export interface SimDiskParts {
  readonly random: SimRandom;
  /** The slowest usual sync, ms. */
  readonly syncMaxMs: number;
}

const SNAPSHOT_DIRECTORY = '/snapshots';

export class SimDisk {
  readonly conditions: DiskConditions;
  /** What was written to the log on it. */
  readonly journal: LogJournal = new LogJournal();
  /** For a state machine that is durable by itself. */
  readonly stateDisk: StateDisk<KvState>;
  readonly #random: SimRandom;
  readonly #logDisk = new MemLogDisk();
  #fileSystem: MemFileSystem;
  #database: MemLogDatabase | null = null;

  constructor({ random, syncMaxMs }: SimDiskParts) {
    this.#random = random;
    this.conditions = new DiskConditions(random.fork('conditions'), syncMaxMs);
    this.stateDisk = new StateDisk(this.conditions);
    this.#fileSystem = new MemFileSystem({ faults: this.conditions });
  }

  /** Stores for a new process. */
  openStores(process: SimProcess): DiskStores {
    this.conditions.attach(process);
    const database = new MemLogDatabase(this.#logDisk, { place: 'log', faults: this.conditions });
    this.#database = database;
    const fileSystem = this.#fileSystem;
    const snapshotStore = new FileSnapshotStore({ directory: SNAPSHOT_DIRECTORY, fileSystem, blockBytes: 512 });
    const logStore = new GroupLogStore(new ProcessDatabase(database, process), { timers: process });
    return { logStore, snapshotStore };
  }

  /** Turns over a bit of the log or of a snapshot. Returns whether there was any. */
  flipBit(): boolean {
    const firstIndexes = [...this.#logDisk.groups.keys()];
    const paths = this.#fileSystem.filePaths().filter((path) => this.#fileSystem.fileBytes(path).byteLength > 0);
    const choice = this.#random.below(firstIndexes.length + paths.length);
    const firstIndex = firstIndexes[choice];
    const path = paths[choice - firstIndexes.length];
    if (firstIndex !== undefined) {
      const bytes = this.#logDisk.groups.get(firstIndex)?.byteLength ?? 0;
      this.#logDisk.flipBit(firstIndex, this.#random.below(bytes * 8));
    } else if (path !== undefined) {
      this.#fileSystem.flipBit(path, this.#random.below(this.#fileSystem.fileBytes(path).byteLength * 8));
    }
    return firstIndex !== undefined || path !== undefined;
  }

  /**
   * The process died, or the power failed: of what was not synced nothing is left, or some of it, or, if the system
   * lives on, all.
   */
  crash(): void {
    const random = this.#random;
    this.#database?.crash({ isLastCommitDone: random.chance(0.5) });
    this.#database = null;
    this.stateDisk.crash(random.chance(0.5));
    const before = this.#fileSystem;
    this.#fileSystem = random.chance(0.5) ? before.kill() : before.crash(random.chance(0.5) ? random : null);
  }
}
