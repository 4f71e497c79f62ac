/** The complete snapshots of a store: which there are, which may go, and which are damaged. */
import { join } from 'node:path';
import type { FileSystem } from '../../ports/file-system.ts';
import type { DamagedSnapshot, SnapshotReader } from '../../ports/snapshot-store.ts';
import type { DirectoryState } from './directory-state.ts';
import { fileName } from './file-names.ts';
import { FileSnapshotReader } from './file-snapshot-reader.ts';
import { KeptSnapshot } from './kept-snapshot.ts';

export interface KeptSnapshotsParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly keepOlder: number;
  /** Somebody read damaged bytes. */
  readonly onDamage: (kept: KeptSnapshot) => Promise<void>;
}

export class KeptSnapshots {
  readonly #parts: KeptSnapshotsParts;
  /** Oldest first. One that was found damaged stays in its place until it is discarded or replaced. */
  #list: KeptSnapshot[] = [];
  /** All that may still have their file open. */
  readonly #open = new Set<KeptSnapshot>();
  readonly #damaged: DamagedSnapshot[] = [];

  constructor(parts: KeptSnapshotsParts) {
    this.#parts = parts;
  }

  /** Takes over what was found; too old ones are removed, so the directory must be synced before. */
  async load({ snapshots, damaged }: DirectoryState): Promise<void> {
    const { fileSystem } = this.#parts;
    this.#damaged.length = 0;
    for (const { sequence, place, problem, isSetAside } of damaged) {
      if (isSetAside) this.#damaged.push({ place, problem });
      else await this.#setAside(sequence, problem, { path: place, rename: (to) => fileSystem.rename(place, to) });
    }
    this.#list = snapshots.map(({ sequence, file }) => new KeptSnapshot(fileSystem, sequence, file));
    await this.#prune();
  }

  get list(): readonly KeptSnapshot[] {
    return this.#list;
  }

  /** Oldest first. */
  get damaged(): readonly DamagedSnapshot[] {
    return [...this.#damaged];
  }

  /** The newest one, unless it is damaged: an older one in its place would surprise who relies on what it covers. */
  newest(): KeptSnapshot | null {
    const newest = this.#list.at(-1);
    return newest === undefined || newest.damage !== null ? null : newest;
  }

  /** Adds a newer one, whose name is on the disk. */
  async add(kept: KeptSnapshot): Promise<void> {
    this.#list.push(kept);
    await this.#prune();
  }

  /** A reader of a snapshot that is pinned for it. */
  read(kept: KeptSnapshot): SnapshotReader {
    this.#open.add(kept);
    return new FileSnapshotReader(kept, this.#parts.onDamage);
  }

  /** Renames the file, so that it is neither used nor removed. As far as possible: it is not used in any case. */
  async setAside(kept: KeptSnapshot): Promise<void> {
    if (kept.damage !== null) await this.#setAside(kept.sequence, kept.damage.message, kept);
  }

  /** Forgets the newest one, and any before it that is damaged too. */
  discardNewest(): void {
    do {
      this.#list.pop();
    } while ((this.#list.at(-1)?.damage ?? null) !== null);
  }

  async close(): Promise<void> {
    for (const kept of this.#open) await kept.close();
    this.#open.clear();
    this.#list = [];
    this.#damaged.length = 0;
  }

  async #setAside(
    sequence: number,
    problem: string,
    file: { readonly path: string; rename(to: string): Promise<void> },
  ): Promise<void> {
    const { fileSystem, directory } = this.#parts;
    const place = join(directory, fileName('damaged', sequence));
    if (this.#damaged.some((known) => known.place === place)) return;
    try {
      await file.rename(place);
      await fileSystem.syncDirectory(directory);
      this.#damaged.push({ place, problem });
    } catch {
      this.#damaged.push({ place: file.path, problem });
    }
  }

  async #prune(): Promise<void> {
    const sound = this.#list.filter(({ damage }) => damage === null);
    this.#list = sound.slice(-1 - this.#parts.keepOlder);
    for (const kept of sound.slice(0, -this.#list.length)) await kept.retire();
    for (const kept of this.#open) {
      if (!kept.isPinned) this.#open.delete(kept);
    }
  }
}
