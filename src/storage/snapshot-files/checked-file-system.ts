/** A file system whose failures say what could not be done to which file. */
import { StorageError } from '../../errors.ts';
import type { FileSystem, OpenFile } from '../../ports/file-system.ts';

/** Every call as it is, but a failure becomes a StorageError with the platform's error as its cause. */
export function checkedFileSystem(inner: FileSystem): FileSystem {
  return {
    makeDirectory: (path) => attempt('make directory', path, () => inner.makeDirectory(path)),
    list: (path) => attempt('list', path, () => inner.list(path)),
    openForReading: async (path) => checked(path, await attempt('open', path, () => inner.openForReading(path))),
    openForWriting: async (path) => checked(path, await attempt('open', path, () => inner.openForWriting(path))),
    rename: (from, to) => attempt('rename', from, () => inner.rename(from, to)),
    remove: (path) => attempt('remove', path, () => inner.remove(path)),
    syncDirectory: (path) => attempt('sync directory', path, () => inner.syncDirectory(path)),
  };
}

function checked(path: string, inner: OpenFile): OpenFile {
  return {
    sizeBytes: () => attempt('look at', path, () => inner.sizeBytes()),
    read: (position, length) => attempt('read', path, () => inner.read(position, length)),
    write: (position, bytes) => attempt('write', path, () => inner.write(position, bytes)),
    truncate: (sizeBytes) => attempt('truncate', path, () => inner.truncate(sizeBytes)),
    sync: () => attempt('sync', path, () => inner.sync()),
    close: () => attempt('close', path, () => inner.close()),
  };
}

async function attempt<T>(what: string, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageError(`can't ${what} '${path}': ${reason}`, error);
  }
}
