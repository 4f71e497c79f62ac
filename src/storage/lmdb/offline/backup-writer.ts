/** Writes a backup under another name, and gives it its own when all of it is on the disk. */
import { dirname } from 'node:path';
import { crcOf } from '../../../codec/crc.ts';
import type { LogIndex } from '../../../core/ids.ts';
import { StorageError } from '../../../errors.ts';
import type { FileSystem, OpenFile } from '../../../ports/file-system.ts';
import { systemRandom } from '../../../system/system-ports.ts';
import { lmdbError } from '../lmdb-errors.ts';
import type { BackupFrame, BackupHeader } from './backup-format.ts';
import { BACKUP_MAGIC, encodeFrame } from './backup-format.ts';

/** Entries are collected until they have this size. */
const ENTRIES_BYTES = 256 * 1024;

export class BackupWriter {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #partialPath: string;
  readonly #file: OpenFile;
  #position = 0;
  #checksum = 0;
  #entryCount = 0;
  #snapshotBytes = 0;
  #records: Uint8Array[] = [];
  #recordsBytes = 0;
  #firstIndex: LogIndex = 0;

  private constructor(
    fileSystem: FileSystem,
    path: string,
    partial: { readonly path: string; readonly file: OpenFile },
  ) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#partialPath = partial.path;
    this.#file = partial.file;
  }

  /** @throws StorageError when it can't be written */
  static async create(fileSystem: FileSystem, path: string): Promise<BackupWriter> {
    const partial = `${path}.${systemRandom.uniqueId()}.partial`;
    try {
      const file = await fileSystem.openForWriting(partial);
      return new BackupWriter(fileSystem, path, { path: partial, file });
    } catch (error) {
      throw lmdbError('write the backup', path, error);
    }
  }

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#position;
  }

  async header(header: BackupHeader): Promise<void> {
    await this.#write([BACKUP_MAGIC]);
    await this.#frame({ type: 'header', header });
  }

  /** In order, without a hole. The bytes must not change before the next call has resolved. */
  async record(index: LogIndex, bytes: Uint8Array): Promise<void> {
    if (this.#recordsBytes > 0 && this.#recordsBytes + bytes.byteLength > ENTRIES_BYTES) await this.#flush();
    if (this.#records.length === 0) this.#firstIndex = index;
    this.#records.push(bytes);
    this.#recordsBytes += bytes.byteLength;
  }

  async piece(bytes: Uint8Array): Promise<void> {
    await this.#flush();
    await this.#frame({ type: 'piece', offset: this.#snapshotBytes, bytes });
    this.#snapshotBytes += bytes.byteLength;
  }

  /** The backup is complete, durable and has its name when it resolves. */
  async publish(): Promise<void> {
    await this.#flush();
    const end = { entryCount: this.#entryCount, snapshotBytes: this.#snapshotBytes, checksum: this.#checksum };
    await this.#frame({ type: 'end', end });
    try {
      await this.#file.sync();
      await this.#file.close();
      await this.#fileSystem.rename(this.#partialPath, this.#path);
      await this.#fileSystem.syncDirectory(dirname(this.#path));
    } catch (error) {
      throw lmdbError('write the backup', this.#path, error);
    }
  }

  /** Removes what was written; no-op after `publish`. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#fileSystem.remove(this.#partialPath).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const records = this.#records;
    if (records.length === 0) return;
    this.#records = [];
    this.#recordsBytes = 0;
    this.#entryCount += records.length;
    const bytes = Buffer.concat(records);
    await this.#frame({ type: 'entries', firstIndex: this.#firstIndex, count: records.length, bytes });
  }

  async #frame(frame: BackupFrame): Promise<void> {
    const parts = encodeFrame(frame);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(parts.reduce((sum, part) => sum + part.byteLength, 0));
    await this.#write([length, ...parts]);
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    try {
      for (const part of parts) {
        await this.#file.write(this.#position, part);
        this.#position += part.byteLength;
        this.#checksum = crcOf([part], this.#checksum);
      }
    } catch (error) {
      throw lmdbError('write the backup', this.#path, error);
    }
  }
}

/** @throws StorageError when there is something of that name */
export async function checkFree(fileSystem: FileSystem, path: string): Promise<void> {
  let isThere = true;
  try {
    await (await fileSystem.openForReading(path)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw lmdbError('look at the backup', path, error);
    isThere = false;
  }
  if (isThere) throw new StorageError(`${path} exists already: remove it, or name another file`);
}
