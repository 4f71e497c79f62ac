/** A snapshot store that lives as long as its object. */
import type { SnapshotMeta } from '../../core/message.ts';
import { SnapshotError, StorageError } from '../../errors.ts';
import type { SnapshotReader, SnapshotStore, SnapshotWriter, StoredSnapshot } from '../../ports/snapshot-store.ts';
import { SnapshotBytes } from './snapshot-bytes.ts';

/** What is being written. Taken over by the next writer with the same meta id. */
interface Unfinished {
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  readonly bytes: SnapshotBytes;
}

interface Complete {
  readonly snapshot: StoredSnapshot;
  readonly bytes: SnapshotBytes;
}

/**
 * Keeps the newest snapshot, and at most one unfinished, in memory. A replaced one is free as soon as no reader is left.
 *
 * The data stays with the object: after `close`, a second `open` finds it again.
 */
export class MemSnapshotStore implements SnapshotStore {
  #isOpen = false;
  #latest: Complete | null = null;
  #unfinished: Unfinished | null = null;
  /** The only writer that may still write. */
  #writer: MemSnapshotWriter | null = null;

  /** @throws StorageError when it is open */
  async open(): Promise<StoredSnapshot | null> {
    if (this.#isOpen) {
      throw new StorageError('this MemSnapshotStore is open already: each node needs its own');
    }
    this.#isOpen = true;
    return this.#latest?.snapshot ?? null;
  }

  async create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
    this.#checkOpen('create');
    const kept = this.#unfinished;
    const isResumed = kept !== null && kept.meta.id === meta.id && kept.codecId === codecId;
    const unfinished = isResumed ? kept : { meta, codecId, bytes: new SnapshotBytes() };
    const writer: MemSnapshotWriter = new MemSnapshotWriter(unfinished, {
      isCurrent: () => this.#isOpen && this.#writer === writer,
      publish: (complete) => {
        this.#latest = complete;
        this.#unfinished = null;
      },
      discard: () => {
        this.#unfinished = null;
      },
    });
    this.#unfinished = unfinished;
    this.#writer = writer;
    return writer;
  }

  async latest(): Promise<SnapshotReader | null> {
    this.#checkOpen('latest');
    return this.#latest === null ? null : new MemSnapshotReader(this.#latest);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#writer = null;
  }

  #checkOpen(action: string): void {
    if (!this.#isOpen) {
      throw new StorageError(`${action}: the snapshot store is closed`);
    }
  }
}

/** What a writer may do to its store. */
interface WriterOwner {
  isCurrent(): boolean;
  publish(complete: Complete): void;
  discard(): void;
}

class MemSnapshotWriter implements SnapshotWriter {
  readonly #unfinished: Unfinished;
  readonly #owner: WriterOwner;
  #isDone = false;
  #isPublished = false;

  constructor(unfinished: Unfinished, owner: WriterOwner) {
    this.#unfinished = unfinished;
    this.#owner = owner;
  }

  get offsetBytes(): number {
    return this.#unfinished.bytes.sizeBytes;
  }

  get checksum(): number {
    return this.#unfinished.bytes.checksum;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkCurrent('write');
    this.#unfinished.bytes.push(chunk);
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (const chunk of this.#unfinished.bytes.from(0)) {
      if (!this.#isPublished) {
        this.#checkCurrent('chunks');
      }
      yield chunk;
    }
  }

  async publish(): Promise<StoredSnapshot> {
    this.#checkCurrent('publish');
    const { meta, codecId, bytes } = this.#unfinished;
    const snapshot: StoredSnapshot = { meta, sizeBytes: bytes.sizeBytes, checksum: bytes.checksum, codecId };
    this.#isDone = true;
    this.#isPublished = true;
    this.#owner.publish({ snapshot, bytes });
    return snapshot;
  }

  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    if (this.#isDone) {
      return;
    }
    this.#isDone = true;
    if (!keep && this.#owner.isCurrent()) {
      this.#owner.discard();
    }
  }

  /** A writer that was replaced must not touch the bytes of the one that resumed them. */
  #checkCurrent(action: string): void {
    if (this.#isDone || !this.#owner.isCurrent()) {
      throw new SnapshotError(`${action}: snapshot ${this.#unfinished.meta.id} is no longer being written here`);
    }
  }
}

class MemSnapshotReader implements SnapshotReader {
  readonly snapshot: StoredSnapshot;
  readonly #bytes: SnapshotBytes;
  #isClosed = false;

  constructor({ snapshot, bytes }: Complete) {
    this.snapshot = snapshot;
    this.#bytes = bytes;
  }

  async *chunks(fromOffset: number): AsyncGenerator<Uint8Array, void> {
    for (const chunk of this.#bytes.from(fromOffset)) {
      if (this.#isClosed) {
        throw new SnapshotError(`snapshot ${this.snapshot.meta.id} was closed while it was read`);
      }
      yield chunk;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}
