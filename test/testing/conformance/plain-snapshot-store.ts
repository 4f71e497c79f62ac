/** The simplest snapshot store that keeps the contract: each of its steps can be overridden, to break it on purpose. */
import { crc32 } from 'node:zlib';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { SnapshotError, StorageError } from '../../../src/errors.ts';
import type {
  SnapshotReader,
  SnapshotStore,
  SnapshotWriter,
  StoredSnapshot,
} from '../../../src/ports/snapshot-store.ts';

/** A snapshot as one array of bytes. */
export interface PlainSnapshot {
  readonly snapshot: StoredSnapshot;
  readonly bytes: Uint8Array;
}

/** Keeps its data when it is closed, like a directory. */
export class PlainSnapshotStore implements SnapshotStore {
  isOpen = false;
  newest: PlainSnapshot | null = null;
  unfinished: PlainWriter | null = null;

  async open(): Promise<StoredSnapshot | null> {
    this.isOpen = true;
    return this.newest?.snapshot ?? null;
  }

  async create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
    if (!this.isOpen) throw new StorageError('closed');
    const kept = this.bytesToResume(meta);
    const writer = this.makeWriter(meta, codecId);
    writer.parts = [kept];
    this.unfinished = writer;
    return writer;
  }

  async latest(): Promise<SnapshotReader | null> {
    if (!this.isOpen) throw new StorageError('closed');
    return this.newest === null ? null : this.makeReader(this.newest);
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  bytesToResume(meta: SnapshotMeta): Uint8Array {
    return this.unfinished?.meta.id === meta.id ? this.unfinished.bytes : new Uint8Array(0);
  }

  makeWriter(meta: SnapshotMeta, codecId: string): PlainWriter {
    return new PlainWriter(this, meta, codecId);
  }

  makeReader({ snapshot, bytes }: PlainSnapshot): SnapshotReader {
    return { snapshot, chunks: (fromOffset) => inChunks(bytes.subarray(fromOffset)), close: async () => {} };
  }
}

export class PlainWriter implements SnapshotWriter {
  readonly store: PlainSnapshotStore;
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  parts: Uint8Array[] = [];
  isDone = false;

  constructor(store: PlainSnapshotStore, meta: SnapshotMeta, codecId: string) {
    this.store = store;
    this.meta = meta;
    this.codecId = codecId;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }

  get offsetBytes(): number {
    return this.bytes.byteLength;
  }

  get checksum(): number {
    return crc32(this.bytes);
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.checkCurrent();
    this.parts.push(chunk);
  }

  chunks(): AsyncIterable<Uint8Array> {
    return inChunks(this.bytes);
  }

  async publish(): Promise<StoredSnapshot> {
    this.checkCurrent();
    this.isDone = true;
    this.store.newest = { snapshot: this.describe(), bytes: this.bytes };
    this.store.unfinished = null;
    return this.describe();
  }

  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    if (!this.isDone && !keep && this.store.unfinished === this) {
      this.store.unfinished = null;
    }
    this.isDone = true;
  }

  describe(): StoredSnapshot {
    const { meta, codecId, checksum } = this;
    return { meta, sizeBytes: this.bytes.byteLength, checksum, codecId };
  }

  checkCurrent(): void {
    if (this.isDone || this.store.unfinished !== this) throw new SnapshotError('not the current writer');
  }
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < bytes.byteLength; start += 50_000) {
    yield bytes.slice(start, start + 50_000);
  }
}
