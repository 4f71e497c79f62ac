/** A snapshot store that keeps a journal on a plain disk: each step can be overridden, to break it on purpose. */
import { crc32 } from 'node:zlib';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { StorageError } from '../../../src/errors.ts';
import type { SnapshotWriter, StoredSnapshot } from '../../../src/ports/snapshot-store.ts';
import type { SnapshotStoreDamage, SnapshotStorePlace } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { PlainDisk, PlainProcess } from './plain-disk.ts';
import { plainPlace } from './plain-disk.ts';
import { decodeLine, encodeLine } from './plain-lines.ts';
import type { PlainSnapshot } from './plain-snapshot-store.ts';
import { PlainSnapshotStore, PlainWriter } from './plain-snapshot-store.ts';

export type SnapshotRecord =
  | { readonly type: 'begin'; readonly meta: SnapshotMeta; readonly codecId: string }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'publish'; readonly snapshot: StoredSnapshot }
  | { readonly type: 'abort' };

/** What the lines so far begin. */
interface Begun {
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  readonly parts: Uint8Array[];
}

export class JournalSnapshotStore extends PlainSnapshotStore {
  readonly process: PlainProcess;
  hasFailed = false;

  constructor(process: PlainProcess) {
    super();
    this.process = process;
  }

  get disk(): PlainDisk {
    return this.process.disk;
  }

  override async open(): Promise<StoredSnapshot | null> {
    this.lock();
    try {
      await this.replay();
      // What is told must be on the disk: the process before may have been killed before it synced.
      await this.useDisk(() => this.process.sync());
      return await super.open();
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  override async create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
    if (this.bytesToResume(meta).byteLength === 0) await this.write({ type: 'begin', meta, codecId });
    return await super.create(meta, codecId);
  }

  override async close(): Promise<void> {
    await super.close();
    this.unlock();
  }

  override makeWriter(meta: SnapshotMeta, codecId: string): JournalWriter {
    return new JournalWriter(this, meta, codecId);
  }

  async write(record: SnapshotRecord): Promise<void> {
    await this.useDisk(() => this.process.write(encodeLine(record)));
  }

  async sync(): Promise<void> {
    await this.useDisk(() => this.process.sync());
  }

  async useDisk(operation: () => Promise<void>): Promise<void> {
    if (this.hasFailed) throw new StorageError('an earlier write failed');
    try {
      await operation();
    } catch (error) {
      this.hasFailed = true;
      throw new StorageError('the journal could not be written', error);
    }
  }

  /** A damaged line makes what it belongs to incomplete. */
  async replay(): Promise<void> {
    let begun: Begun | null = null;
    for (const line of this.disk.lines) {
      const record = this.decode(line);
      if (record?.type === 'begin') {
        begun = { meta: record.meta, codecId: record.codecId, parts: [] };
      } else if (record?.type === 'chunk') {
        begun?.parts.push(record.bytes);
      } else {
        if (record?.type === 'publish') this.takePublished(record.snapshot, begun);
        begun = null;
      }
    }
    this.unfinished = begun === null ? null : this.makeWriter(begun.meta, begun.codecId);
    if (this.unfinished !== null && begun !== null) this.unfinished.parts = begun.parts;
  }

  takePublished(snapshot: StoredSnapshot, begun: Begun | null): void {
    const bytes = new Uint8Array(Buffer.concat(begun?.parts ?? []));
    const found: PlainSnapshot = { snapshot, bytes };
    if (begun !== null && bytes.byteLength === snapshot.sizeBytes && crc32(bytes) === snapshot.checksum) {
      this.newest = found;
    }
  }

  decode(line: string): SnapshotRecord | null {
    return decodeLine(line);
  }

  lock(): void {
    if (this.disk.owner !== null) throw new StorageError('the journal is open already');
    this.disk.owner = this.process;
  }

  unlock(): void {
    if (this.disk.owner === this.process) this.disk.owner = null;
  }
}

export class JournalWriter extends PlainWriter {
  readonly journal: JournalSnapshotStore;

  constructor(journal: JournalSnapshotStore, meta: SnapshotMeta, codecId: string) {
    super(journal, meta, codecId);
    this.journal = journal;
  }

  override async write(chunk: Uint8Array): Promise<void> {
    this.checkCurrent();
    await this.journal.write({ type: 'chunk', bytes: chunk });
    await super.write(chunk);
  }

  override async publish(): Promise<StoredSnapshot> {
    this.checkCurrent();
    await this.journal.write({ type: 'publish', snapshot: this.describe() });
    await this.journal.sync();
    return await super.publish();
  }

  override async close(options: { readonly keep: boolean }): Promise<void> {
    const isAborted = !this.isDone && !options.keep && this.store.unfinished === this;
    await super.close(options);
    if (isAborted && !this.journal.hasFailed) await this.journal.write({ type: 'abort' });
  }
}

/** A place for such stores that can do everything. */
export function journalSnapshotPlace(
  Store: new (process: PlainProcess) => JournalSnapshotStore,
): SnapshotStorePlace & { readonly disk: PlainDisk } {
  const place = plainPlace((process) => new Store(process));
  return { ...place, damage: (damage) => damageLines(place.disk, damage) };
}

function damageLines(disk: PlainDisk, { part, type, seed }: SnapshotStoreDamage): void {
  const typeOf = (line: string) => decodeLine<SnapshotRecord>(line)?.type;
  const published = disk.lines.findLastIndex((line) => typeOf(line) === 'publish');
  if (part === 'description') {
    if (type === 'flip') disk.flip(published, seed);
    else disk.lines[published] = disk.lines[published]?.slice(0, disk.lines[published].length / 2) ?? '';
    return;
  }
  const begun = disk.lines.findLastIndex((line) => typeOf(line) === 'begin');
  const end = part === 'unfinished' ? disk.lines.length : published;
  const count = end - begun - 1;
  if (type === 'flip') disk.flip(begun + 1 + (seed % count), seed);
  else disk.lines.splice(begun + 1 + Math.floor(count / 2), Math.ceil(count / 2));
}
