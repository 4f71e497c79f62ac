/** The disk of one node, which can be made to fail in every way a disk can. It outlives the node's processes. */
import { corruptionErrorIn } from '../../../src/codec/make-error.ts';
import { decodeLogPosition } from '../../../src/codec/store-bytes.ts';
import type { Random } from '../../../src/ports/random.ts';
import { GroupReader } from '../../../src/storage/group-log/group-bytes.ts';
import { GroupLogStore } from '../../../src/storage/group-log/group-log-store.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/file-snapshot-store.ts';
import type { DiskFault, DiskFaults, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { MemLogDatabase, MemLogDisk } from '../../../src/testing/disk/mem-log-database.ts';

const SNAPSHOTS = '/node/snapshots';

/** Small, so that a small snapshot has several. */
const BLOCK_BYTES = 512;

export type DiskCall = DiskOperation['type'];

interface Rule {
  readonly call: DiskCall;
  before(operation: DiskOperation): DiskFault | Promise<DiskFault | null>;
  isHit: boolean;
}

export class FaultDisk implements DiskFaults {
  readonly log: MemLogDisk = new MemLogDisk();
  fileSystem: MemFileSystem = new MemFileSystem({ faults: this });
  #rule: Rule | null = null;
  #database: MemLogDatabase | null = null;
  #release: () => void = () => undefined;
  #ruleCount = 0;
  #hitCount = 0;

  /** Did every kind of fault that was set meet an operation? */
  get wasHit(): boolean {
    return this.#hitCount >= this.#ruleCount;
  }

  before(operation: DiskOperation): DiskFault | null | Promise<DiskFault | null> {
    const rule = this.#rule;
    if (rule?.call !== operation.type) return null;
    if (!rule.isHit) this.#hitCount += 1;
    rule.isHit = true;
    return rule.before(operation);
  }

  /** From now on. With `isShort` a write leaves half of its bytes behind. */
  fail(call: DiskCall, code: 'EIO' | 'ENOSPC', { isShort = false }: { readonly isShort?: boolean } = {}): void {
    const before = (operation: DiskOperation): DiskFault => ({
      error: systemError(code, operation),
      doneBytes: isShort ? operation.bytes >> 1 : 0,
    });
    this.#setRule({ call, before, isHit: false });
  }

  /** Such operations don't end, until the disk is well again or the process dies. */
  hang(call: DiskCall): void {
    const { promise, resolve } = Promise.withResolvers<null>();
    this.#release = () => resolve(null);
    this.#setRule({ call, before: () => promise, isHit: false });
  }

  heal(): void {
    this.#rule = null;
    this.#release();
  }

  /** What a process opens. */
  openStores(): { readonly logStore: GroupLogStore; readonly snapshotStore: FileSnapshotStore } {
    this.#database = new MemLogDatabase(this.log, { place: '/node/log', faults: this });
    const { fileSystem } = this;
    return {
      logStore: new GroupLogStore(this.#database),
      snapshotStore: new FileSnapshotStore({ directory: SNAPSHOTS, fileSystem, blockBytes: BLOCK_BYTES }),
    };
  }

  /** Cuts the process off; of what was not synced `random` picks what is left. The disk is well again. */
  powerFails(random: Random): void {
    this.#database?.crash({ isLastCommitDone: random.next() < 0.5 });
    this.fileSystem = this.fileSystem.crash(random);
    this.heal();
  }

  /** Turns a bit in the middle of the last group but two. */
  flipGroup(): void {
    const firstIndex = this.#someGroup();
    this.log.flipBit(firstIndex, (this.log.groups.get(firstIndex)?.byteLength ?? 0) * 4);
  }

  removeGroup(): void {
    this.log.commit([{ type: 'remove-group', firstIndex: this.#someGroup() }]);
  }

  flipRecord(name: string): void {
    const bytes = this.log.records.get(name);
    if (bytes === undefined) throw new Error(`there is no record '${name}'`);
    const at = bytes.byteLength - 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  }

  /** Turns a bit in the middle of the newest snapshot. */
  flipSnapshot(): void {
    const path = this.snapshotPaths.at(-1);
    if (path === undefined) throw new Error('there is no snapshot');
    this.fileSystem.flipBit(path, this.fileSystem.fileBytes(path).byteLength * 4);
  }

  /** Of the last entry that is on the disk, or covered by what was purged. */
  lastIndex(): number {
    const place = '/node/log';
    const first = this.log.firstIndexes.at(-1);
    const bytes = first === undefined ? undefined : this.log.groups.get(first);
    const last = bytes === undefined ? 0 : new GroupReader(place).lastIndex({ firstIndex: first ?? 0, bytes });
    const purged = this.log.records.get('purged');
    return Math.max(last, purged === undefined ? 0 : decodeLogPosition(purged, corruptionErrorIn(place)).index);
  }

  #setRule(rule: Rule): void {
    this.#rule = rule;
    this.#ruleCount += 1;
  }

  #someGroup(): number {
    const firstIndex = this.log.firstIndexes.at(-3);
    if (firstIndex === undefined) throw new Error('the log has too few groups');
    return firstIndex;
  }

  get snapshotPaths(): readonly string[] {
    return this.fileSystem.filePaths().filter((path) => path.endsWith('.snapshot'));
  }

  /** Was a damaged snapshot set aside? */
  get hasDamagedSnapshot(): boolean {
    return this.fileSystem.filePaths().some((path) => path.endsWith('.damaged'));
  }
}
