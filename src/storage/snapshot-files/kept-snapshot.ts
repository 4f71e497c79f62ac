/** One complete snapshot of a store: its file stays as long as somebody reads it. */
import type { CorruptionError } from '../../errors.ts';
import { SnapshotError } from '../../errors.ts';
import type { FileSystem, OpenFile } from '../../ports/file-system.ts';
import type { StoredSnapshot } from '../../ports/snapshot-store.ts';
import { isDamage } from './file-format.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { readBlocks, readChecked } from './snapshot-file.ts';

export class KeptSnapshot {
  readonly sequence: number;
  readonly snapshot: StoredSnapshot;
  /** What was found wrong with its bytes. */
  damage: CorruptionError | null = null;
  readonly #fileSystem: FileSystem;
  readonly #header: SnapshotFile['header'];
  #path: string;
  #file: Promise<OpenFile> | null = null;
  #pins = 0;
  #isRetired = false;
  #isClosed = false;

  constructor(fileSystem: FileSystem, sequence: number, { path, header, snapshot }: SnapshotFile) {
    this.#fileSystem = fileSystem;
    this.sequence = sequence;
    this.snapshot = snapshot;
    this.#header = header;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  get isPinned(): boolean {
    return this.#pins > 0;
  }

  /** Opens the file, or takes it over open, and holds it until `unpin`. */
  async pin(file?: OpenFile): Promise<void> {
    this.#pins += 1;
    this.#file ??= file === undefined ? this.#fileSystem.openForReading(this.#path) : Promise.resolve(file);
    try {
      await this.#file;
    } catch (error) {
      this.#file = null;
      await this.unpin();
      throw error;
    }
  }

  async unpin(): Promise<void> {
    this.#pins -= 1;
    if (this.#pins > 0) return;
    await this.#closeFile();
    // Somebody may have come while it was closed.
    if (this.#isRetired && this.#pins === 0) await this.#remove();
  }

  /** It is not among those that are kept any more: removed now, or when the last reader is gone. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#pins === 0) await this.#remove();
  }

  /** Another name for the same file. Who reads it goes on. */
  async rename(path: string): Promise<void> {
    await this.#fileSystem.rename(this.#path, path);
    this.#path = path;
  }

  /** Takes the file away from its readers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeFile();
    if (this.#isRetired) await this.#remove();
  }

  /**
   * The bytes from an offset on, while it is pinned. The whole of them is also compared with the checksum over all.
   * @throws CorruptionError, which is kept as `damage`
   */
  async *chunks(fromOffset: number): AsyncGenerator<Uint8Array, void> {
    try {
      const file = await this.#openFile();
      const source = { path: this.#path, file, header: this.#header, sizeBytes: this.snapshot.sizeBytes };
      for await (const chunk of fromOffset === 0
        ? readChecked(source, this.snapshot)
        : readBlocks(source, fromOffset)) {
        yield chunk;
        this.#checkOpen();
      }
    } catch (error) {
      // The file was closed under a read: what that says is of no interest.
      this.#checkOpen();
      if (isDamage(error)) this.damage ??= error;
      throw error;
    }
  }

  async #openFile(): Promise<OpenFile> {
    this.#checkOpen();
    const file = await this.#file;
    if (file === null) throw new SnapshotError(`snapshot ${this.snapshot.meta.id} is not open for reading`);
    return file;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SnapshotError(`snapshot ${this.snapshot.meta.id}: the snapshot store is closed`);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await (await file)?.close().catch(() => {});
  }

  /** When this fails the file is in nobody's way: the next open of the store removes it. */
  async #remove(): Promise<void> {
    await this.#fileSystem.remove(this.#path).catch(() => {});
  }
}
