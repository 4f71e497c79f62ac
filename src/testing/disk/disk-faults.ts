/** What can go wrong with a simulated disk: asked before each operation. */

export interface DiskOperation {
  /** `commit` is that of a database, all others are those of a file system. */
  readonly type:
    | 'open'
    | 'list'
    | 'make-directory'
    | 'read'
    | 'write'
    | 'truncate'
    | 'sync'
    | 'rename'
    | 'remove'
    | 'sync-directory'
    | 'commit';
  readonly path: string;
  /** How many bytes are to be read or written; 0 for the rest. */
  readonly bytes: number;
}

/** A failed operation. */
export interface DiskFault {
  readonly error: Error;
  /** How many bytes took effect before it failed: a short write. */
  readonly doneBytes: number;
}

/** Lets operations fail or wait. Must be deterministic where the simulation is. */
export interface DiskFaults {
  /** `null`: it succeeds. A promise delays it. */
  before(operation: DiskOperation): DiskFault | null | Promise<DiskFault | null>;
}

export const NO_DISK_FAULTS: DiskFaults = Object.freeze({ before: () => null });

/** An error as Node.js gives it for a failed system call. */
export function systemError(code: 'EIO' | 'ENOSPC' | 'ENOENT' | 'EROFS', operation: DiskOperation): Error {
  const error = new Error(`${code}: ${operation.type} '${operation.path}'`);
  return Object.assign(error, { code, syscall: operation.type, path: operation.path });
}
