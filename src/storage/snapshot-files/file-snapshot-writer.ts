/** Writes a snapshot to its file. */
import { SnapshotError } from '../../errors.ts';
import type { SnapshotReader, SnapshotWriter, StoredSnapshot } from '../../ports/snapshot-store.ts';
import { readBlocks } from './snapshot-file.ts';
import type { UnfinishedSnapshot } from './unfinished-snapshot.ts';

/** The store of a writer, as far as its writers need it. */
export interface WriterOwner {
  /** Runs when everything before it has ended. */
  exclusive<T>(run: () => Promise<T>): Promise<T>;
  isCurrent(): boolean;
  /** Removes the unfinished file. */
  discard(): Promise<void>;
  /** Makes it the newest snapshot, and opens it. */
  publish(): Promise<SnapshotReader>;
}

export class FileSnapshotWriter implements SnapshotWriter {
  readonly #unfinished: UnfinishedSnapshot;
  readonly #owner: WriterOwner;
  /** Set when it is published: a pin on what it wrote. */
  #reader: SnapshotReader | null = null;
  #isDone = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(unfinished: UnfinishedSnapshot, owner: WriterOwner) {
    this.#unfinished = unfinished;
    this.#owner = owner;
  }

  get offsetBytes(): number {
    return this.#unfinished.offsetBytes;
  }

  get checksum(): number {
    return this.#unfinished.checksum;
  }

  /** @throws StorageError when it can't be written; then the file is removed, and every later call fails too */
  write(chunk: Uint8Array): Promise<void> {
    return this.#whileCurrent('write', () => this.#unfinished.append(chunk));
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    if (this.#reader !== null) {
      yield* this.#reader.chunks(0);
      return;
    }
    await this.#whileCurrent('chunks', () => this.#unfinished.flush());
    for await (const chunk of readBlocks(this.#unfinished.source, 0)) {
      this.#checkCurrent('chunks');
      yield chunk;
    }
  }

  /** @throws StorageError when any step fails; nothing is published then, and the file is removed */
  async publish(): Promise<StoredSnapshot> {
    const reader = await this.#whileCurrent('publish', () => this.#owner.publish());
    this.#reader = reader;
    return reader.snapshot;
  }

  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.#owner.exclusive(async () => {
      if (!this.#isDone && this.#reader === null && this.#failure === null && this.#owner.isCurrent()) {
        await this.#leave(keep);
      }
      this.#isDone = true;
      await this.#reader?.close();
    });
  }

  /** What could not be kept is not there to be resumed, which nobody relies on. */
  async #leave(keep: boolean): Promise<void> {
    if (!keep) {
      await this.#owner.discard();
      return;
    }
    try {
      await this.#unfinished.flush();
    } catch {
      await this.#owner.discard();
    }
  }

  #whileCurrent<T>(action: string, run: () => Promise<T>): Promise<T> {
    return this.#owner.exclusive(async () => {
      this.#checkCurrent(action);
      try {
        return await run();
      } catch (error) {
        this.#failure = { error };
        await this.#owner.discard();
        throw error;
      }
    });
  }

  /** A writer that was replaced must not touch the bytes of the one that resumed them. */
  #checkCurrent(action: string): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isDone || this.#reader !== null || !this.#owner.isCurrent()) {
      const { id } = this.#unfinished.place.header.meta;
      throw new SnapshotError(`${action}: snapshot ${id} is no longer being written here`);
    }
  }
}
