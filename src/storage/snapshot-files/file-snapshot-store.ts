/** A snapshot store that keeps its snapshots in files. */
import { join } from 'node:path';
import type { SnapshotMeta } from '../../core/message.ts';
import { CorruptionError, StorageError } from '../../errors.ts';
import type { FileSystem } from '../../ports/file-system.ts';
import type {
  DamagedSnapshot,
  SnapshotReader,
  SnapshotStore,
  SnapshotWriter,
  StoredSnapshot,
} from '../../ports/snapshot-store.ts';
import { systemFileSystem } from '../../system/system-file-system.ts';
import { checkedFileSystem } from './checked-file-system.ts';
import { readDirectory } from './directory-state.ts';
import type { FileHeader } from './file-format.ts';
import { BLOCK_BYTES_MAX, BLOCK_BYTES_MIN, encodeHeader } from './file-format.ts';
import { fileName } from './file-names.ts';
import { FileSnapshotWriter } from './file-snapshot-writer.ts';
import type { KeptFile, VerifiedFile } from './inspect-files.ts';
import { drain, findProblem } from './inspect-files.ts';
import { KeptSnapshot } from './kept-snapshot.ts';
import { KeptSnapshots } from './kept-snapshots.ts';
import type { UnfinishedPlace } from './unfinished-snapshot.ts';
import { UnfinishedSnapshot } from './unfinished-snapshot.ts';

export interface FileSnapshotStoreOptions {
  /** Made when it is missing. Belongs to one store at a time; who opens it sees to that, e.g. by the log's lock. */
  readonly directory: string;
  /** How many complete snapshots stay beside the newest one. Default 1. */
  readonly keepOlder?: number;
  /**
   * Bytes under one checksum, 512 to 16 Mi: what is in memory while a snapshot is written, and the pieces in which it
   * is read. Default 256 Ki.
   */
  readonly blockBytes?: number;
  /** Default: the real one. */
  readonly fileSystem?: FileSystem;
}

export const FILE_SNAPSHOT_STORE_DEFAULTS: Readonly<{ keepOlder: number; blockBytes: number }> = Object.freeze({
  keepOlder: 1,
  blockBytes: 256 * 1024,
});

/**
 * Each snapshot is a file of checksummed blocks. It gets its final name only when all of it is on the disk, so that a
 * crash at any moment leaves it complete or unfinished; older ones are removed only after the new one is durable.
 *
 * `open` checks what tells at once that a file is damaged: its header, its end and its size. Blocks are checked when
 * they are read, as a snapshot may be much larger than memory. A damaged file is renamed to `*.damaged` and left for
 * somebody to look at.
 */
export class FileSnapshotStore implements SnapshotStore {
  readonly #directory: string;
  readonly #blockBytes: number;
  readonly #fileSystem: FileSystem;
  readonly #kept: KeptSnapshots;
  #isOpen = false;
  /** Ends when all calls that change something have ended: they run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #lastSequence = 0;
  /** What may be resumed: of this run, or of an earlier one. */
  #unfinished: UnfinishedSnapshot | null = null;
  #resumable: UnfinishedPlace | null = null;
  /** The only writer that may still write. */
  #writer: SnapshotWriter | null = null;

  /** @throws RangeError for an option that can't be used */
  constructor(options: FileSnapshotStoreOptions) {
    const { directory, keepOlder, blockBytes } = { ...FILE_SNAPSHOT_STORE_DEFAULTS, ...options };
    requireWithin('keepOlder', keepOlder, [0, Number.MAX_SAFE_INTEGER]);
    requireWithin('blockBytes', blockBytes, [BLOCK_BYTES_MIN, BLOCK_BYTES_MAX]);
    this.#directory = directory;
    this.#blockBytes = blockBytes;
    this.#fileSystem = checkedFileSystem(options.fileSystem ?? systemFileSystem);
    this.#kept = new KeptSnapshots({
      fileSystem: this.#fileSystem,
      directory,
      keepOlder,
      onDamage: (kept) => this.#exclusive(() => this.#kept.setAside(kept)),
    });
  }

  /** @throws StorageError when it is open, when the directory can't be used, or for files of a newer release */
  open(): Promise<StoredSnapshot | null> {
    return this.#exclusive(async () => {
      if (this.#isOpen) throw new StorageError('this FileSnapshotStore is open already: each node needs its own');
      await this.#fileSystem.makeDirectory(this.#directory);
      const state = await readDirectory(this.#fileSystem, this.#directory);
      // A name that is seen need not be on the disk: it may be that of a run that ended before it was.
      await this.#fileSystem.syncDirectory(this.#directory);
      await this.#kept.load(state);
      for (const path of state.useless) await this.#fileSystem.remove(path);
      this.#lastSequence = state.lastSequence;
      this.#resumable = state.unfinished;
      this.#isOpen = true;
      return this.#kept.newest()?.snapshot ?? null;
    });
  }

  create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
    return this.#exclusive(async () => {
      this.#checkOpen('create');
      this.#writer = null;
      const header = encodeHeader(meta, codecId, this.#blockBytes);
      const unfinished = (await this.#resume(header)) ?? (await this.#begin(header));
      const writer: SnapshotWriter = new FileSnapshotWriter(unfinished, {
        exclusive: (run) => this.#exclusive(run),
        isCurrent: () => this.#isOpen && this.#writer === writer,
        discard: () => this.#discardUnfinished(),
        publish: () => this.#publish(unfinished),
      });
      this.#unfinished = unfinished;
      this.#writer = writer;
      return writer;
    });
  }

  /** `null` also when the newest one was found damaged: see `discardLatest`. */
  latest(): Promise<SnapshotReader | null> {
    return this.#exclusive(async () => {
      this.#checkOpen('latest');
      const newest = this.#kept.newest();
      await newest?.pin();
      return newest === null ? null : this.#kept.read(newest);
    });
  }

  damaged(): readonly DamagedSnapshot[] {
    return this.#kept.damaged;
  }

  discardLatest(reason: unknown): Promise<StoredSnapshot | null> {
    return this.#exclusive(async () => {
      this.#checkOpen('discardLatest');
      const newest = this.#kept.list.at(-1);
      if (newest === undefined) return null;
      newest.damage ??= new CorruptionError(`snapshot file '${newest.path}' can't be used: ${String(reason)}`, reason);
      await this.#kept.setAside(newest);
      this.#kept.discardNewest();
      return this.#kept.newest()?.snapshot ?? null;
    });
  }

  /** The complete snapshots, newest first. */
  list(): readonly KeptFile[] {
    return this.#kept.list.map(({ path, snapshot }) => ({ path, snapshot })).toReversed();
  }

  /**
   * Reads every byte of every complete snapshot, newest first. Snapshots may come and go meanwhile.
   * @throws StorageError when a file can't be read, which is not the same as being damaged
   */
  async verify(): Promise<readonly VerifiedFile[]> {
    const opened: { readonly path: string; readonly reader: SnapshotReader }[] = [];
    const verified: VerifiedFile[] = [];
    try {
      await this.#exclusive(async () => {
        this.#checkOpen('verify');
        for (const kept of this.#kept.list.toReversed()) {
          await kept.pin();
          opened.push({ path: kept.path, reader: this.#kept.read(kept) });
        }
      });
      for (const { path, reader } of opened) {
        const problem = await findProblem(() => drain(reader.chunks(0)));
        verified.push({ path, snapshot: reader.snapshot, problem });
      }
    } finally {
      for (const { reader } of opened) await reader.close();
    }
    return verified;
  }

  /** Waits for a write under way. Readers that are open can't read on. */
  close(): Promise<void> {
    return this.#exclusive(async () => {
      this.#isOpen = false;
      this.#writer = null;
      await this.#unfinished?.file.close().catch(() => {});
      this.#unfinished = null;
      this.#resumable = null;
      await this.#kept.close();
    });
  }

  /** The unfinished snapshot, if it is this one. */
  async #resume(header: FileHeader): Promise<UnfinishedSnapshot | null> {
    if (isSame(this.#unfinished?.place.header, header)) return this.#unfinished;
    const place = this.#resumable;
    if (place === null || !isSame(place.header, header)) return null;
    this.#resumable = null;
    return await UnfinishedSnapshot.resume(this.#fileSystem, place);
  }

  async #begin(header: FileHeader): Promise<UnfinishedSnapshot> {
    await this.#discardUnfinished();
    this.#lastSequence += 1;
    const path = join(this.#directory, fileName('unfinished', this.#lastSequence));
    return await UnfinishedSnapshot.create(this.#fileSystem, { path, sequence: this.#lastSequence, header });
  }

  async #discardUnfinished(): Promise<void> {
    await this.#unfinished?.discard();
    // Perhaps it is in the way of nobody but the room it takes: then the next open removes it.
    if (this.#resumable !== null) await this.#fileSystem.remove(this.#resumable.path).catch(() => {});
    this.#unfinished = null;
    this.#resumable = null;
  }

  /** First the content, then the name: what has its final name is complete. */
  async #publish(unfinished: UnfinishedSnapshot): Promise<SnapshotReader> {
    const { sequence, header } = unfinished.place;
    const snapshot = await unfinished.finish();
    const path = join(this.#directory, fileName('snapshot', sequence));
    await this.#fileSystem.rename(unfinished.place.path, path);
    try {
      await this.#fileSystem.syncDirectory(this.#directory);
    } catch (error) {
      // It may be there after a crash, complete, or not. Either way nothing was said of it, and the older ones are there.
      await this.#fileSystem.remove(path).catch(() => {});
      throw error;
    }
    const kept = new KeptSnapshot(this.#fileSystem, sequence, { path, header, snapshot });
    await kept.pin(unfinished.file);
    this.#unfinished = null;
    await this.#kept.add(kept);
    return this.#kept.read(kept);
  }

  #checkOpen(action: string): void {
    if (!this.#isOpen) throw new StorageError(`${action}: the snapshot store is closed`);
  }

  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** Of the same snapshot, in the same format. */
function isSame(header: FileHeader | undefined, other: FileHeader): boolean {
  return header !== undefined && Buffer.compare(header.bytes, other.bytes) === 0;
}

function requireWithin(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer between ${least} and ${most}, not ${value}`);
  }
}
