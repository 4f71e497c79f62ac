/** A disk in memory that forgets what was not synced when its power fails. */
import type { FileSystem, OpenFile } from '../../ports/file-system.ts';
import type { Random } from '../../ports/random.ts';
import type { DiskFault, DiskFaults, DiskOperation } from './disk-faults.ts';
import { NO_DISK_FAULTS, systemError } from './disk-faults.ts';
import type { MemHandleOwner } from './mem-file-system-handle.ts';
import { MemHandle } from './mem-file-system-handle.ts';
import { failure, findDirectory, findFile, findNode, findPlace, namesOf } from './mem-file-system-paths.ts';
import type { MemNode } from './mem-file-system-tree.ts';
import { MemDirectory, MemFile } from './mem-file-system-tree.ts';

export interface MemFileSystemOptions {
  /** Asked before each operation but `sizeBytes` and `close`. A delayed operation takes effect when its delay is over. */
  readonly faults?: DiskFaults;
  /** Room for the bytes of all files; a write that does not fit is cut short and fails with `ENOSPC`. */
  readonly capacityBytes?: number;
}

/**
 * What a write, a rename or a removal did is seen at once, but on the disk only after `sync` of the file, or
 * `syncDirectory` of the directory, as on a real one; a directory that was made is there to stay, as the port demands.
 * After a failed sync what it should have made durable never is, also when a later one succeeds.
 *
 * `crash` and `kill` return what the next process finds. The object itself is dead then, with all its handles: every
 * call rejects, also one that is under way, so that nothing of the old process reaches into the life of the new one.
 *
 * Deterministic: it chooses nothing itself. Paths are separated by `/` or `\`; a rename stays within its directory.
 */
export class MemFileSystem implements FileSystem {
  /** May be changed at any time. */
  capacityBytes: number;
  readonly #faults: DiskFaults;
  readonly #owner: MemHandleOwner;
  readonly #root: MemDirectory;
  #usedBytes = 0;
  #isDead = false;

  /** `root` is for its own use: what a process before this one left. */
  constructor(options: MemFileSystemOptions = {}, root: MemDirectory = new MemDirectory()) {
    const { faults = NO_DISK_FAULTS, capacityBytes = Number.POSITIVE_INFINITY } = options;
    this.#faults = faults;
    this.capacityBytes = capacityBytes;
    this.#root = root;
    for (const [, file] of root.files('')) {
      file.openHandles = 0;
      this.#usedBytes += file.content.sizeBytes;
    }
    this.#owner = {
      checkAlive: (operation) => this.#checkAlive(operation),
      before: (operation) => this.#before(operation),
      freeBytes: () => this.capacityBytes - this.#usedBytes,
      use: (bytes) => {
        this.#usedBytes += bytes;
      },
      release: (file) => this.#release(file),
    };
  }

  /** Of all files, also of removed ones that are still open. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * The power fails: without `random`, nothing is left of what was not synced. With it, anything may be: of a file any
   * sectors that were written, or a first part; of a directory the first few changes.
   */
  crash(random: Random | null = null): MemFileSystem {
    return this.#successor(this.#root.survivor(random));
  }

  /** The process ends: the page cache stays, and what was not synced is still to be. */
  kill(): MemFileSystem {
    return this.#successor(this.#root);
  }

  /** Flips one bit of a file, counted from its start: what the disk holds is damaged. */
  flipBit(path: string, position: number): void {
    findFile(this.#root, { type: 'write', path, bytes: 0 }).content.flipBit(position);
  }

  /** All files, sorted. */
  filePaths(): readonly string[] {
    return [...this.#root.files('')].map(([path]) => path);
  }

  /** What readers see of a file; a copy. */
  fileBytes(path: string): Uint8Array {
    const { content } = findFile(this.#root, { type: 'read', path, bytes: 0 });
    return content.read(0, content.sizeBytes);
  }

  async makeDirectory(path: string): Promise<void> {
    const operation = await this.#begin('make-directory', path);
    let parent = this.#root;
    for (const name of namesOf(path)) {
      let node = parent.get(name);
      if (node?.type === 'file') throw failure('ENOTDIR', operation);
      if (node === undefined) {
        node = new MemDirectory();
        parent.change(new Map([[name, node]]));
        parent.sync();
      }
      parent = node;
    }
  }

  async list(path: string): Promise<readonly string[]> {
    return findDirectory(this.#root, await this.#begin('list', path)).names;
  }

  async openForReading(path: string): Promise<OpenFile> {
    const operation = await this.#begin('open', path);
    return new MemHandle({ file: findFile(this.#root, operation), path, isWritable: false }, this.#owner);
  }

  async openForWriting(path: string): Promise<OpenFile> {
    const operation = await this.#begin('open', path);
    const { parent, name, node } = findPlace(this.#root, operation);
    if (node === undefined) parent.change(new Map([[name, new MemFile()]]));
    return new MemHandle({ file: findFile(this.#root, operation), path, isWritable: true }, this.#owner);
  }

  async rename(from: string, to: string): Promise<void> {
    const operation = await this.#begin('rename', from);
    const { parent, name, node } = findPlace(this.#root, operation);
    const target = findPlace(this.#root, { ...operation, path: to });
    if (node === undefined) throw systemError('ENOENT', operation);
    if (target.parent !== parent) throw failure('EXDEV', operation);
    if (target.name === name) return;
    this.#makeWay(operation, node, target.node);
    const change: [string, MemNode | null][] = [
      [name, null],
      [target.name, node],
    ];
    parent.change(new Map(change));
  }

  async remove(path: string): Promise<void> {
    const operation = await this.#begin('remove', path);
    if (findNode(this.#root, path) === undefined) return;
    const { parent, name, node } = findPlace(this.#root, operation);
    if (node !== undefined) this.#removeNode(parent, name, node);
  }

  async syncDirectory(path: string): Promise<void> {
    const operation: DiskOperation = { type: 'sync-directory', path, bytes: 0 };
    const fault = await this.#before(operation);
    const directory = findDirectory(this.#root, operation);
    if (fault !== null) {
      directory.failSync();
      throw fault.error;
    }
    directory.sync();
  }

  /** For operations that have no effect at all when they fail. */
  async #begin(type: DiskOperation['type'], path: string): Promise<DiskOperation> {
    const operation: DiskOperation = { type, path, bytes: 0 };
    const fault = await this.#before(operation);
    if (fault !== null) throw fault.error;
    return operation;
  }

  async #before(operation: DiskOperation): Promise<DiskFault | null> {
    this.#checkAlive(operation);
    const fault = await this.#faults.before(operation);
    this.#checkAlive(operation);
    return fault;
  }

  #checkAlive(operation: DiskOperation): void {
    if (this.#isDead) throw failure('EBADF', operation);
  }

  #successor(root: MemDirectory): MemFileSystem {
    this.#isDead = true;
    return new MemFileSystem({ faults: this.#faults, capacityBytes: this.capacityBytes }, root);
  }

  #makeWay(operation: DiskOperation, node: MemNode, replaced: MemNode | undefined): void {
    if (replaced === undefined) return;
    if (replaced.type !== node.type) throw failure(replaced.type === 'file' ? 'ENOTDIR' : 'EISDIR', operation);
    if (replaced.type === 'directory' && replaced.names.length > 0) throw failure('ENOTEMPTY', operation);
    if (replaced.type === 'file') this.#forget(replaced);
  }

  /** Bottom up, as a real one does it: a crash in between leaves a part of it. */
  #removeNode(parent: MemDirectory, name: string, node: MemNode): void {
    if (node.type === 'file') {
      this.#forget(node);
    } else {
      for (const child of node.names) {
        const inner = node.get(child);
        if (inner !== undefined) this.#removeNode(node, child, inner);
      }
    }
    parent.change(new Map([[name, null]]));
  }

  #forget(file: MemFile): void {
    file.isRemoved = true;
    if (file.openHandles === 0) this.#usedBytes -= file.content.sizeBytes;
  }

  #release(file: MemFile): void {
    if (this.#isDead) return;
    file.openHandles -= 1;
    if (file.isRemoved && file.openHandles === 0) this.#usedBytes -= file.content.sizeBytes;
  }
}
