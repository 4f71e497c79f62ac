/** Reads a complete snapshot from its file. */
import { SnapshotError } from '../../errors.ts';
import type { SnapshotReader, StoredSnapshot } from '../../ports/snapshot-store.ts';
import { isDamage } from './file-format.ts';
import type { KeptSnapshot } from './kept-snapshot.ts';

export class FileSnapshotReader implements SnapshotReader {
  readonly #kept: KeptSnapshot;
  readonly #onDamage: (kept: KeptSnapshot) => Promise<void>;
  #isClosed = false;

  /** Of a snapshot that is pinned for it. */
  constructor(kept: KeptSnapshot, onDamage: (kept: KeptSnapshot) => Promise<void>) {
    this.#kept = kept;
    this.#onDamage = onDamage;
  }

  get snapshot(): StoredSnapshot {
    return this.#kept.snapshot;
  }

  /** @throws CorruptionError naming file and byte where it is damaged; the store has set it aside by then */
  async *chunks(fromOffset: number): AsyncGenerator<Uint8Array, void> {
    this.#checkOpen();
    try {
      for await (const chunk of this.#kept.chunks(fromOffset)) {
        this.#checkOpen();
        yield chunk;
        this.#checkOpen();
      }
    } catch (error) {
      if (isDamage(error)) await this.#onDamage(this.#kept);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#kept.unpin();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SnapshotError(`snapshot ${this.snapshot.meta.id} was closed while it was read`);
  }
}
