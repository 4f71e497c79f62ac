/** The simplest disk that forgets what was not synced: one file of lines, for stores that are broken on purpose. */
import { FaultSwitch } from '../../../src/testing/conformance/fault-switch.ts';
import type { Place } from '../../../src/testing/conformance/place.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { DiskFault, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';

export class PlainDisk {
  readonly faults: FaultSwitch = new FaultSwitch();
  /** What readers see. */
  lines: string[] = [];
  /** How many of them, from the first on, are there for sure. */
  durableCount = 0;
  /** The process that has it open. */
  owner: PlainProcess | null = null;

  /**
   * Every third time the process is killed: what was not synced is still to be. Else the power fails: some of it is lost,
   * and one line may be torn.
   */
  crash(seed: number): void {
    this.owner = null;
    this.faults.thaw();
    if (seed % 3 === 2) return;
    const random = new SeededRandom(seed);
    const kept = random.between(this.durableCount, this.lines.length);
    const torn = this.lines[kept];
    this.lines.length = kept;
    if (torn !== undefined && random.chance(0.5)) {
      this.lines.push(torn.slice(0, random.between(1, torn.length - 1)));
    }
    this.durableCount = this.lines.length;
  }

  /** Flips one bit of a line. */
  flip(position: number, seed: number): void {
    const line = this.lines[position] ?? '';
    const at = (seed * 7919) % line.length;
    const flipped = String.fromCharCode(line.charCodeAt(at) ^ (1 << (seed % 7)));
    this.lines[position] = line.slice(0, at) + flipped + line.slice(at + 1);
  }

  remove(position: number): void {
    this.lines.splice(position, 1);
    this.durableCount = this.lines.length;
  }
}

/** A disk as one process sees it. Once that has ended, its calls have no effect and never return. */
export class PlainProcess {
  readonly disk: PlainDisk;
  isAlive = true;

  constructor(disk: PlainDisk) {
    this.disk = disk;
  }

  async write(line: string): Promise<void> {
    await this.#operation({ type: 'write', path: 'journal', bytes: line.length }, (fault) => {
      this.disk.lines.push(fault === null ? line : line.slice(0, fault.doneBytes));
    });
  }

  async sync(): Promise<void> {
    await this.#operation({ type: 'sync', path: 'journal', bytes: 0 }, (fault) => {
      // As on a real one: what could not be synced is gone, and the next sync knows nothing of it.
      if (fault !== null) this.disk.lines.length = this.disk.durableCount;
      this.disk.durableCount = this.disk.lines.length;
    });
  }

  /** Keeps the first lines only; on the disk when it resolves. */
  async cut(count: number): Promise<void> {
    await this.#operation({ type: 'truncate', path: 'journal', bytes: 0 }, () => {
      this.disk.lines.length = count;
      this.disk.durableCount = count;
    });
  }

  async #operation(operation: DiskOperation, perform: (fault: DiskFault | null) => void): Promise<void> {
    await Promise.resolve();
    const fault = await this.disk.faults.before(operation);
    if (!this.isAlive) await new Promise(() => {});
    perform(fault);
    if (fault !== null) throw fault.error;
  }
}

/** A place on such a disk, with all that places can do but damage. */
export function plainPlace<Store>(
  make: (process: PlainProcess) => Store,
): Required<Omit<Place<Store>, 'remove'>> & { readonly disk: PlainDisk } {
  const disk = new PlainDisk();
  let current: PlainProcess | null = null;
  return {
    disk,
    location: 'journal',
    make: () => {
      current = new PlainProcess(disk);
      return make(current);
    },
    crash: (seed) => {
      if (current !== null) current.isAlive = false;
      disk.crash(seed);
    },
    freezeAfter: (operations) => disk.faults.freezeAfter(operations),
    failNext: (fault) => disk.faults.failNext(fault),
    relieve: () => disk.faults.relieve(),
  };
}
