/** The real file system. */
import type { FileHandle } from 'node:fs/promises';
import { constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileSystem, OpenFile } from '../ports/file-system.ts';

/**
 * Files through Node.js's thread pool.
 *
 * On Windows a directory can't be synced: `syncDirectory` does nothing there, and whether a rename outlives a power
 * failure is up to the file system (NTFS journals it).
 */
export const systemFileSystem: FileSystem = Object.freeze({
  makeDirectory: (path: string) => makeDirectory(resolve(path)),
  list: async (path: string) => (await readdir(path)).sort(),
  openForReading: async (path: string) => new SystemFile(await open(path, 'r')),
  openForWriting: (path: string) => openForWriting(path),
  rename: (from: string, to: string) => rename(from, to),
  remove: (path: string) => rm(path, { recursive: true, force: true }),
  syncDirectory: (path: string) => syncDirectory(path),
});

/** Closing waits for calls under way: no other file can get the descriptor while one of them uses it. */
class SystemFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
    const bytes = new Uint8Array(buffer, byteOffset, length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
    return bytes;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.byteLength) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, position + done);
      // The system may take a part; if it takes nothing and gives no reason, waiting would not help.
      if (bytesWritten === 0) throw Object.assign(new Error('EIO: nothing could be written'), { code: 'EIO' });
      done += bytesWritten;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
  }

  /**
   * `fdatasync` also writes the size and whatever else is needed to read the data back; it leaves out only times, which
   * saves a write to the journal. Where the platform's own call does not reach the disk, as on macOS, Node.js asks for
   * more than that.
   */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** With what the file holds; makes it when there is none. */
async function openForWriting(path: string): Promise<OpenFile> {
  return new SystemFile(await open(path, constants.O_RDWR | constants.O_CREAT, 0o666));
}

/**
 * One level after the other, each durable before the next is made: so whatever directory exists has its parents on the
 * disk, and only its own name may still have to be brought there.
 */
async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  if (await tryMakeOne(path)) {
    await syncDirectory(parent);
  } else if (await isDirectory(path)) {
    await syncNameOfOther(parent);
  } else {
    if (parent !== path) await makeDirectory(parent);
    await mkdir(path);
    await syncDirectory(parent);
  }
}

/** `false` when there is something of that name already, or no directory that could hold it. */
async function tryMakeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(codeOf(error))) return false;
    throw error;
  }
}

/** @throws `ENOTDIR` when there is something else */
async function isDirectory(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (stats === null || stats.isDirectory()) return stats !== null;
  throw Object.assign(new Error(`ENOTDIR: not a directory: '${path}'`), { code: 'ENOTDIR', path });
}

/** Who made a directory in a place that this process may not look at has seen to its name. */
async function syncNameOfOther(parent: string): Promise<void> {
  try {
    await syncDirectory(parent);
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(codeOf(error))) throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isUnsyncableDirectory(error, process.platform)) throw error;
  }
}

/** Windows neither opens a directory as a file nor syncs what is open for reading. */
export function isUnsyncableDirectory(error: unknown, platform: NodeJS.Platform): boolean {
  return platform === 'win32' && ['EPERM', 'EISDIR', 'EACCES'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
