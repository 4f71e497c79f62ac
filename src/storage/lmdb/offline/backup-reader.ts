/** Reads a backup from its beginning to its end, and trusts nothing in it. */
import { crcOf } from '../../../codec/crc.ts';
import type { MakeError } from '../../../codec/make-error.ts';
import { decodeEntries } from '../../../codec/record.ts';
import { hex } from '../../../codec/sealed-bytes.ts';
import type { Entry } from '../../../core/entry.ts';
import type { LogId } from '../../../core/ids.ts';
import { NO_LOG_ID } from '../../../core/ids.ts';
import { CorruptionError, StorageError } from '../../../errors.ts';
import type { FileSystem, OpenFile } from '../../../ports/file-system.ts';
import { lmdbError } from '../lmdb-errors.ts';
import type { BackupFrame, BackupHeader } from './backup-format.ts';
import { BACKUP_MAGIC, decodeFrame, FRAME_BYTES_MAX } from './backup-format.ts';
import type { Work } from './work.ts';

export type BackupPart =
  | { readonly type: 'entries'; readonly entries: readonly Entry[] }
  | { readonly type: 'piece'; readonly bytes: Uint8Array };

const LENGTH_BYTES = 4;

/** One backup, open. Read it once. */
export class BackupReader {
  readonly header: BackupHeader;
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #file: OpenFile;
  #position: number;
  #checksum: number;

  private constructor(path: string, file: OpenFile, found: Pick<BackupReader, 'header' | 'sizeBytes'> & Progress) {
    this.#path = path;
    this.#file = file;
    this.header = found.header;
    this.sizeBytes = found.sizeBytes;
    this.#position = found.position;
    this.#checksum = found.checksum;
  }

  /**
   * @throws StorageError when it can't be read, or is no backup at all
   * @throws CorruptionError when it is damaged
   */
  static async open(fileSystem: FileSystem, path: string): Promise<BackupReader> {
    let file: OpenFile | null = null;
    try {
      file = await fileSystem.openForReading(path);
      return await BackupReader.#begin(path, file, await file.sizeBytes());
    } catch (error) {
      await file?.close();
      throw lmdbError('read the backup', path, error);
    }
  }

  static async #begin(path: string, file: OpenFile, sizeBytes: number): Promise<BackupReader> {
    const magic = await file.read(0, BACKUP_MAGIC.byteLength);
    if (Buffer.compare(magic, BACKUP_MAGIC) !== 0) throw new StorageError(`${path} is no backup of this package`);
    const found = { sizeBytes, position: magic.byteLength, checksum: crcOf([magic]) };
    const { frame, bytes } = await readFrame(file, found, damageIn(path, found.position));
    if (frame.type !== 'header') throw damageIn(path, found.position)(`it begins with '${frame.type}'`);
    const position = found.position + LENGTH_BYTES + bytes.byteLength;
    return new BackupReader(path, file, {
      header: frame.header,
      sizeBytes,
      position,
      checksum: checksumOf(found, bytes),
    });
  }

  /**
   * Everything behind the header, in order: entries, then the pieces of the snapshot. Ends only if all is there.
   * @throws CorruptionError when anything is damaged or missing
   */
  async *parts(work: Work): AsyncGenerator<BackupPart, void> {
    work.begin('backup', this.sizeBytes, 'bytes');
    const check = new PartCheck(this.header);
    for (;;) {
      const position = this.#position;
      const damage = damageIn(this.#path, position);
      const { frame, bytes } = await readFrame(this.#file, { position, sizeBytes: this.sizeBytes }, damage);
      if (frame.type === 'end') {
        check.end(frame.end, this.#checksum, damage);
        const left = this.sizeBytes - position - LENGTH_BYTES - bytes.byteLength;
        if (left !== 0) throw damage(`${left} bytes too many`);
        work.end();
        return;
      }
      yield check.take(frame, damage);
      this.#checksum = checksumOf({ checksum: this.#checksum }, bytes);
      this.#position += LENGTH_BYTES + bytes.byteLength;
      const turn = work.advance(bytes.byteLength, bytes.byteLength);
      if (turn !== null) await turn;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Progress {
  readonly position: number;
  readonly checksum: number;
}

/** Are the parts those that the header announces, each in its place? */
class PartCheck {
  readonly #header: BackupHeader;
  #last: LogId;
  #entryCount = 0;
  #snapshotBytes = 0;
  #snapshotCrc = 0;

  constructor(header: BackupHeader) {
    this.#header = header;
    this.#last = header.snapshot?.meta.lastLogId ?? NO_LOG_ID;
  }

  take(frame: BackupFrame, damage: MakeError): BackupPart {
    if (frame.type === 'entries') return { type: 'entries', entries: this.#takeEntries(frame, damage) };
    if (frame.type !== 'piece') throw damage(`a second '${frame.type}'`);
    if (frame.offset !== this.#snapshotBytes)
      throw damage(`bytes of the snapshot from ${frame.offset} on are out of place`);
    this.#snapshotBytes += frame.bytes.byteLength;
    this.#snapshotCrc = crcOf([frame.bytes], this.#snapshotCrc);
    return { type: 'piece', bytes: frame.bytes };
  }

  end(end: Extract<BackupFrame, { type: 'end' }>['end'], checksum: number, damage: MakeError): void {
    if (end.checksum !== checksum)
      throw damage(`the checksum of the file is ${hex(checksum)} instead of ${hex(end.checksum)}`);
    const { entryCount, snapshot, lastLogId } = this.#header;
    const isWhole =
      this.#entryCount === entryCount &&
      end.entryCount === entryCount &&
      end.snapshotBytes === this.#snapshotBytes &&
      this.#snapshotBytes === (snapshot?.sizeBytes ?? 0) &&
      this.#snapshotCrc === (snapshot?.checksum ?? 0);
    if (!isWhole) throw damage('it does not hold what its beginning announces');
    const { term, index } = this.#last;
    if (term !== lastLogId.term || index !== lastLogId.index) {
      throw damage(`it ends with ${term}:${index} instead of ${lastLogId.term}:${lastLogId.index}`);
    }
  }

  #takeEntries(
    { firstIndex, count, bytes }: Extract<BackupFrame, { type: 'entries' }>,
    damage: MakeError,
  ): readonly Entry[] {
    if (this.#snapshotBytes > 0) throw damage('entries behind the snapshot');
    const entries = decodeEntries(bytes, count, damage);
    if (firstIndex !== this.#last.index + 1) throw damage(`entry ${firstIndex} after entry ${this.#last.index}`);
    for (const { logId } of entries) {
      if (logId.index !== this.#last.index + 1 || logId.term < this.#last.term) {
        throw damage(`entry ${logId.term}:${logId.index} after ${this.#last.term}:${this.#last.index}`);
      }
      this.#last = logId;
    }
    this.#entryCount += count;
    return entries;
  }
}

async function readFrame(
  file: OpenFile,
  { position, sizeBytes }: { readonly position: number; readonly sizeBytes: number },
  damage: MakeError,
): Promise<{ readonly frame: BackupFrame; readonly bytes: Uint8Array }> {
  const left = sizeBytes - position - LENGTH_BYTES;
  if (left < 0) throw damage('the file ends too early');
  const length = Buffer.from(await file.read(position, LENGTH_BYTES)).readUInt32LE();
  if (length > left || length > FRAME_BYTES_MAX) throw damage(`a part of ${length} bytes, but only ${left} are left`);
  const bytes = await file.read(position + LENGTH_BYTES, length);
  if (bytes.byteLength < length) throw damage('the file ends too early');
  return { frame: decodeFrame(bytes, damage), bytes };
}

function checksumOf({ checksum }: Pick<Progress, 'checksum'>, bytes: Uint8Array): number {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(bytes.byteLength);
  return crcOf([length, bytes], checksum);
}

function damageIn(path: string, position: number): MakeError {
  return (problem, cause) =>
    new CorruptionError(`${path} is damaged at byte ${position}: ${problem}; use another backup`, cause);
}
