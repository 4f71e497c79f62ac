/** The suites on the stores of this package, over disks in memory that crash, fail and rot. */
import { describe, test } from 'node:test';
import type { LogStore } from '../../../src/ports/log-store.ts';
import { GroupLogStore } from '../../../src/storage/group-log/group-log-store.ts';
import { MemLogStore, MemSnapshotStore } from '../../../src/storage/memory/index.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { FaultSwitch } from '../../../src/testing/conformance/fault-switch.ts';
import type { LogStoreDamage, LogStorePlace } from '../../../src/testing/conformance/log-store-place.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';
import type { Place, PlaceFault } from '../../../src/testing/conformance/place.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';
import type { SnapshotStoreDamage, SnapshotStorePlace } from '../../../src/testing/conformance/snapshot-store-world.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { MemLogDatabase, MemLogDisk } from '../../../src/testing/disk/mem-log-database.ts';

describe('GroupLogStore on a database that crashes, fails and rots', () => {
  runSuite(
    logStoreSuite({
      persistent: true,
      capabilities: ['crash', 'crash-points', 'faults', 'damage', 'lock'],
      create: () => new DatabasePlace(),
    }),
    test,
  );
});

describe('FileSnapshotStore on a disk that crashes, fails and rots', () => {
  // The lock of the log guards its directory too.
  const capabilities = ['crash', 'crash-points', 'faults', 'damage'] as const;
  runSuite(snapshotStoreSuite({ persistent: true, capabilities, create: () => new DirectoryPlace() }), test);
});

describe('stores in memory keep a second opener out', () => {
  const logs = logStoreSuite({ persistent: true, capabilities: ['lock'], create: () => sameStore(new MemLogStore()) });
  const snapshots = snapshotStoreSuite({
    persistent: true,
    capabilities: ['lock'],
    create: () => sameStore(new MemSnapshotStore()),
  });
  for (const [what, suite] of Object.entries({ logs, snapshots })) {
    const cases = suite.cases.filter(({ name }) => /second opener|open already/.test(name));
    runSuite(cases, (name, run) => test(`${what}: ${name}`, run));
  }
});

function sameStore<Store>(store: Store): Place<Store> {
  return { make: () => store };
}

class DatabasePlace implements LogStorePlace {
  readonly location: string = 'memory';
  readonly #disk = new MemLogDisk();
  readonly #faults = new FaultSwitch();
  #database: MemLogDatabase | null = null;

  make(): LogStore {
    this.#database = new MemLogDatabase(this.#disk, { faults: this.#faults });
    return new GroupLogStore(this.#database);
  }

  crash(seed: number): void {
    this.#database?.crash({ isLastCommitDone: seed % 2 === 0 });
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

  damage({ part, index, type, seed }: LogStoreDamage): void {
    const { groups, records, firstIndexes } = this.#disk;
    const group = firstIndexes.findLast((first) => first <= index) ?? 0;
    const name = part === 'last-purged' ? 'purged' : part;
    const bytes = part === 'entry' ? groups.get(group) : records.get(name);
    if (bytes === undefined) throw new Error(`there is no ${part} ${index} on the disk`);
    if (type === 'flip') flipBit(bytes, new SeededRandom(seed).between(0, bytes.byteLength * 8 - 1));
    else if (part === 'entry') this.#disk.commit([{ type: 'remove-group', firstIndex: group }]);
    else records.delete(name);
  }
}

function flipBit(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
}

class DirectoryPlace implements SnapshotStorePlace {
  readonly #faults = new FaultSwitch();
  #fileSystem = new MemFileSystem({ faults: this.#faults });

  make(): FileSnapshotStore {
    return new FileSnapshotStore({ directory: '/snapshots', fileSystem: this.#fileSystem, blockBytes: 4096 });
  }

  /** Killed, or without power; of what was not synced all, nothing or some is left. */
  crash(seed: number): void {
    const random = new SeededRandom(seed);
    const source = { next: () => random.next(), uniqueId: () => String(seed) };
    const ways = [
      () => this.#fileSystem.crash(source),
      () => this.#fileSystem.kill(),
      () => this.#fileSystem.crash(source),
      () => this.#fileSystem.crash(),
    ];
    this.#fileSystem = ways[seed % ways.length]?.() ?? this.#fileSystem.crash();
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

  /** What describes a snapshot is at both ends of its file. */
  async damage({ part, type, seed }: SnapshotStoreDamage): Promise<void> {
    const isPart = (path: string): boolean => path.endsWith(part === 'unfinished' ? '.unfinished' : '.snapshot');
    const path = this.#fileSystem.filePaths().findLast(isPart);
    if (path === undefined) throw new Error(`there is no file with ${part}`);
    const sizeBytes = this.#fileSystem.fileBytes(path).byteLength;
    if (type === 'cut') {
      const file = await this.#fileSystem.openForWriting(path);
      await file.truncate(Math.floor(sizeBytes / 2));
      await file.sync();
      await file.close();
    } else {
      const random = new SeededRandom(seed);
      const end = random.chance(0.5) ? random.between(0, 200) : sizeBytes - random.between(1, 40);
      const at = part === 'description' ? end : random.between(200, sizeBytes - 200);
      this.#fileSystem.flipBit(path, at * 8 + random.between(0, 7));
    }
  }
}
