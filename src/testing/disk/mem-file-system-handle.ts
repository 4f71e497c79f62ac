/** One open file of a simulated file system. */
import type { OpenFile } from '../../ports/file-system.ts';
import type { DiskFault, DiskOperation } from './disk-faults.ts';
import { systemError } from './disk-faults.ts';
import type { MemFile } from './mem-file-system-tree.ts';

/** The file system of a handle, as far as its handles need it. */
export interface MemHandleOwner {
  checkAlive(operation: DiskOperation): void;
  /** Rejects when the file system is dead; the fault that the operation meets, or `null`. */
  before(operation: DiskOperation): Promise<DiskFault | null>;
  freeBytes(): number;
  use(bytes: number): void;
  /** A handle of the file was closed. */
  release(file: MemFile): void;
}

export interface MemHandleParts {
  readonly file: MemFile;
  readonly path: string;
  readonly isWritable: boolean;
}

export class MemHandle implements OpenFile {
  readonly #parts: MemHandleParts;
  readonly #owner: MemHandleOwner;
  #isClosed = false;

  constructor(parts: MemHandleParts, owner: MemHandleOwner) {
    this.#parts = parts;
    this.#owner = owner;
    parts.file.openHandles += 1;
  }

  async sizeBytes(): Promise<number> {
    this.#checkOpen();
    this.#owner.checkAlive({ type: 'read', path: this.#parts.path, bytes: 0 });
    return this.#parts.file.content.sizeBytes;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const fault = await this.#before('read', length);
    if (fault !== null) throw fault.error;
    return this.#parts.file.content.read(position, length);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const fault = await this.#before('write', bytes.byteLength);
    if (fault !== null) {
      this.#put(position, bytes.subarray(0, fault.doneBytes));
      throw fault.error;
    }
    if (this.#put(position, bytes) < bytes.byteLength) throw this.#noSpace('write', bytes.byteLength);
  }

  async truncate(sizeBytes: number): Promise<void> {
    const fault = await this.#before('truncate', 0);
    if (fault !== null) throw fault.error;
    const { content } = this.#parts.file;
    const growth = sizeBytes - content.sizeBytes;
    if (growth > Math.max(0, this.#owner.freeBytes())) throw this.#noSpace('truncate', 0);
    content.truncate(sizeBytes);
    this.#owner.use(growth);
  }

  async sync(): Promise<void> {
    const fault = await this.#before('sync', 0);
    const { content } = this.#parts.file;
    if (fault !== null) {
      content.failSync(fault.doneBytes);
      throw fault.error;
    }
    content.sync();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.release(this.#parts.file);
  }

  /** As much as there is room for; returns how much that was. */
  #put(position: number, bytes: Uint8Array): number {
    const { content } = this.#parts.file;
    const sizeBefore = content.sizeBytes;
    const room = Math.max(sizeBefore - position, sizeBefore + this.#owner.freeBytes() - position, 0);
    const fitting = bytes.subarray(0, room);
    content.write(position, fitting);
    this.#owner.use(content.sizeBytes - sizeBefore);
    return fitting.byteLength;
  }

  async #before(type: 'read' | 'write' | 'truncate' | 'sync', bytes: number): Promise<DiskFault | null> {
    this.#checkOpen();
    if (type !== 'read' && !this.#parts.isWritable) throw this.#notUsable(`${type}: opened for reading`);
    const fault = await this.#owner.before({ type, path: this.#parts.path, bytes });
    this.#checkOpen();
    return fault;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw this.#notUsable('closed');
  }

  #notUsable(why: string): Error {
    return Object.assign(new Error(`EBADF: '${this.#parts.path}': ${why}`), { code: 'EBADF', path: this.#parts.path });
  }

  #noSpace(type: 'write' | 'truncate', bytes: number): Error {
    return systemError('ENOSPC', { type, path: this.#parts.path, bytes });
  }
}
