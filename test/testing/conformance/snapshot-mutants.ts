/** Snapshot stores that break a rule which a crash, a failing disk or damage shows, each with the cases that catch it. */
import { crc32 } from 'node:zlib';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { IdentityError, StorageError } from '../../../src/errors.ts';
import type { SnapshotWriter, StoredSnapshot } from '../../../src/ports/snapshot-store.ts';
import { sampleSnapshot } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { SnapshotRecord } from './journal-snapshot-store.ts';
import { JournalSnapshotStore, JournalWriter } from './journal-snapshot-store.ts';
import type { PlainProcess } from './plain-disk.ts';
import { parseLine } from './plain-lines.ts';

export interface SnapshotMutant {
  readonly Store: new (process: PlainProcess) => JournalSnapshotStore;
  readonly caughtBy: readonly string[];
}

const PUBLISHED = 'a published snapshot is there after a crash';
const WRITING = 'a crash while a snapshot is written leaves the published one';
const PUBLISHING = 'a crash while a snapshot is published leaves the old one or the new one';
const COMPLETED = 'an unfinished snapshot can be completed after a crash';
const ABORTED = 'an aborted snapshot is not there after a crash';
const POINTS =
  'a crash at any operation on the disk leaves the old snapshot or the new one, and an acknowledged one for sure';
const POINTS_TWICE = 'a crash at any operation on the disk, and another while the store is opened, lose nothing';
const POINTS_NEW_STORE =
  'a crash at any operation on the disk while a new store is opened leaves one that can be opened';
const POINTS_COMPLETED = 'an unfinished snapshot can be completed after a crash at any operation on the disk';
const REFUSED = 'a snapshot that the disk refuses is not published, and the old one stays';
const NOT_SYNCED = 'a snapshot that can not be synced is not published, and the old one stays';
const FULL = 'a snapshot is not published on a full disk, and the old one stays';
const FAILED_LATE = 'a snapshot is not published when the disk fails while it is';
const OPENED_AGAIN = 'what is there can still be opened when the disk failed while it was opened';
const SAYS_FULL = 'the error of a full disk says so';
const FLIPPED = 'a snapshot with a flipped bit is left out or refused';
const CUT = 'a snapshot that is cut short is left out or refused';
const DESCRIPTION_FLIPPED = 'a snapshot whose description has a flipped bit is left out or refused';
const DESCRIPTION_CUT = 'a snapshot whose description is cut short is left out or refused';
const UNFINISHED_FLIPPED = 'an unfinished snapshot with a flipped bit is not completed to a damaged one';
const UNFINISHED_CUT = 'an unfinished snapshot that is cut short is not completed to a damaged one';

/** A store whose writers are broken. */
function withWriter(Writer: typeof JournalWriter): SnapshotMutant['Store'] {
  return class extends JournalSnapshotStore {
    override makeWriter(meta: SnapshotMeta, codecId: string): JournalWriter {
      return new Writer(this, meta, codecId);
    }
  };
}

export const SNAPSHOT_MUTANTS: Readonly<Record<string, SnapshotMutant>> = {
  'publishes without a sync': {
    Store: class extends JournalSnapshotStore {
      override async sync(): Promise<void> {}
    },
    caughtBy: [PUBLISHED, POINTS, NOT_SYNCED, FAILED_LATE],
  },
  'removes the old snapshot before it writes the new one': {
    Store: class extends JournalSnapshotStore {
      override async create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
        await this.process.cut(0);
        return await super.create(meta, codecId);
      }
    },
    caughtBy: [WRITING, PUBLISHING, POINTS],
  },
  'removes the old snapshot before the new one is synced': {
    Store: withWriter(
      class extends JournalWriter {
        override async publish(): Promise<StoredSnapshot> {
          const { process, disk } = this.journal;
          const begun = disk.lines.findLastIndex((line) => line.includes('"begin"'));
          const lines = disk.lines.slice(begun);
          await process.cut(0);
          for (const line of lines) await process.write(line);
          return await super.publish();
        }
      },
    ),
    caughtBy: [PUBLISHING, POINTS],
  },
  'publishes what is not complete when it is opened': {
    Store: class extends JournalSnapshotStore {
      override async replay(): Promise<void> {
        await super.replay();
        const { unfinished } = this;
        if (unfinished !== null) this.newest = { snapshot: unfinished.describe(), bytes: unfinished.bytes };
      }
    },
    caughtBy: [WRITING, POINTS],
  },
  'publishes what is aborted': {
    Store: withWriter(
      class extends JournalWriter {
        override async close(options: { readonly keep: boolean }): Promise<void> {
          if (!this.isDone && !options.keep) await this.publish();
          await super.close(options);
        }
      },
    ),
    caughtBy: [ABORTED],
  },
  'counts twice what it kept of an unfinished snapshot': {
    Store: class extends JournalSnapshotStore {
      override async replay(): Promise<void> {
        await super.replay();
        const { unfinished } = this;
        if (unfinished !== null) unfinished.parts = [...unfinished.parts, ...unfinished.parts.slice(0, 1)];
      }
    },
    caughtBy: [COMPLETED, POINTS_COMPLETED],
  },
  'writes anew what it has when it is opened': {
    Store: class extends JournalSnapshotStore {
      override async replay(): Promise<void> {
        await super.replay();
        const { lines } = this.disk;
        await this.process.cut(0);
        for (const line of lines) await this.process.write(line);
        await this.process.sync();
      }
    },
    caughtBy: [POINTS_TWICE],
  },
  'makes a new store in two parts': {
    Store: class extends JournalSnapshotStore {
      override async replay(): Promise<void> {
        if (this.disk.lines[0] === 'half a store') throw new StorageError('half a store');
        if (this.disk.lines.length === 0) {
          await this.process.write('half a store');
          await this.process.sync();
          await this.process.cut(0);
        }
        await super.replay();
      }
    },
    caughtBy: [POINTS_NEW_STORE],
  },
  'swallows an error of the disk': {
    Store: class extends JournalSnapshotStore {
      override async useDisk(operation: () => Promise<void>): Promise<void> {
        await operation().catch(() => {});
      }
    },
    caughtBy: [REFUSED, NOT_SYNCED, FULL, FAILED_LATE, SAYS_FULL],
  },
  'does not say why it can not write': {
    Store: class extends JournalSnapshotStore {
      override async useDisk(operation: () => Promise<void>): Promise<void> {
        await operation().catch(() => {
          throw new StorageError('something went wrong');
        });
      }
    },
    caughtBy: [SAYS_FULL],
  },
  'takes a failing disk for another node’s': {
    Store: class extends JournalSnapshotStore {
      override async replay(): Promise<void> {
        await super.replay();
        await this.process.sync().catch(() => {
          throw new IdentityError('not the snapshots of this node');
        });
      }
    },
    caughtBy: [OPENED_AGAIN],
  },
  'does not look at checksums': {
    Store: class extends JournalSnapshotStore {
      override decode(line: string): SnapshotRecord | null {
        try {
          return parseLine(line.slice(line.indexOf(' ') + 1));
        } catch {
          return super.decode(line);
        }
      }
      override takePublished(...[snapshot, begun]: Parameters<JournalSnapshotStore['takePublished']>): void {
        const bytes = new Uint8Array(Buffer.concat(begun?.parts ?? []));
        this.newest = { snapshot, bytes };
      }
    },
    caughtBy: [FLIPPED, CUT, DESCRIPTION_FLIPPED],
  },
  'makes up a description when it is damaged': {
    Store: class extends JournalSnapshotStore {
      override decode(line: string): SnapshotRecord | null {
        const isDescription = line.includes('"publish"');
        return super.decode(line) ?? (isDescription ? { type: 'publish', snapshot: sampleSnapshot(1).stored } : null);
      }
      override takePublished(...[snapshot, begun]: Parameters<JournalSnapshotStore['takePublished']>): void {
        super.takePublished(snapshot, begun);
        if (begun !== null && snapshot.meta.id === 'snapshot-1') {
          const { meta, codecId, parts } = begun;
          const bytes = new Uint8Array(Buffer.concat(parts));
          const made = {
            meta: { ...meta, lastTimeMs: 0 },
            sizeBytes: bytes.byteLength,
            checksum: crc32(bytes),
            codecId,
          };
          this.newest = { snapshot: made, bytes };
        }
      }
    },
    caughtBy: [DESCRIPTION_CUT],
  },
  'completes what is damaged with the checksum that it should have': {
    Store: class extends JournalSnapshotStore {
      override makeWriter(meta: SnapshotMeta, codecId: string): JournalWriter {
        return new TrustingWriter(this, meta, codecId);
      }
      override decode(line: string): SnapshotRecord | null {
        return super.decode(line) ?? { type: 'chunk', bytes: new Uint8Array(100) };
      }
    },
    caughtBy: [UNFINISHED_FLIPPED],
  },
  'takes the second half of an unfinished snapshot for written': {
    Store: class extends JournalSnapshotStore {
      override makeWriter(meta: SnapshotMeta, codecId: string): JournalWriter {
        return new TrustingWriter(this, meta, codecId);
      }
    },
    caughtBy: [UNFINISHED_CUT],
  },
  'keeps nobody out': {
    Store: class extends JournalSnapshotStore {
      override lock(): void {}
    },
    caughtBy: ['refuses to open a place that is open already, and the first store goes on'],
  },
};

/** Notes how far it is, and believes it when it is opened again. */
class TrustingWriter extends JournalWriter {
  static readonly noted = new Map<string, { readonly offsetBytes: number; readonly bytes: Uint8Array }>();

  get #key(): string {
    return this.meta.id;
  }

  override get offsetBytes(): number {
    const noted = TrustingWriter.noted.get(this.#key);
    return this.parts.length > 0 && noted !== undefined ? noted.offsetBytes : super.offsetBytes;
  }

  override get checksum(): number {
    const noted = TrustingWriter.noted.get(this.#key);
    return this.parts.length > 0 && noted !== undefined ? crc32(noted.bytes) : super.checksum;
  }

  override async write(chunk: Uint8Array): Promise<void> {
    const before = this.parts.length === 0 ? undefined : TrustingWriter.noted.get(this.#key);
    const bytes = new Uint8Array(Buffer.concat([before?.bytes ?? new Uint8Array(0), chunk]));
    await super.write(chunk);
    TrustingWriter.noted.set(this.#key, { offsetBytes: bytes.byteLength, bytes });
  }
}
