import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import type { SnapshotReader, StoredSnapshot } from '../../../src/ports/snapshot-store.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';
import type { PlainSnapshot } from './plain-snapshot-store.ts';
import { PlainSnapshotStore, PlainWriter } from './plain-snapshot-store.ts';

interface Mutant {
  readonly Store: new () => PlainSnapshotStore;
  readonly caughtBy: readonly string[];
}

/** A store whose writers are broken. */
function withWriter(Writer: typeof PlainWriter): new () => PlainSnapshotStore {
  return class extends PlainSnapshotStore {
    override makeWriter(meta: SnapshotMeta, codecId: string): PlainWriter {
      return new Writer(this, meta, codecId);
    }
  };
}

const MUTANTS: Readonly<Record<string, Mutant>> = {
  'shows a snapshot before it is published': {
    Store: withWriter(
      class extends PlainWriter {
        override async write(chunk: Uint8Array): Promise<void> {
          await super.write(chunk);
          this.store.newest = { snapshot: this.describe(), bytes: this.bytes };
        }
      },
    ),
    caughtBy: [
      'an unpublished snapshot is invisible',
      'the newest published snapshot replaces the one before, all at once',
      'an unpublished snapshot is invisible when reopened',
    ],
  },
  'forgets what it published (BUG-1)': {
    Store: withWriter(
      class extends PlainWriter {
        override async publish(): Promise<StoredSnapshot> {
          const { newest } = this.store;
          const stored = await super.publish();
          this.store.newest = newest;
          return stored;
        }
      },
    ),
    caughtBy: [
      'a published snapshot has the metadata, size and checksum of what was written',
      'the newest published snapshot replaces the one before, all at once',
      'the newest published snapshot is there when reopened',
    ],
  },
  'removes the published snapshot when a new one is begun': {
    Store: class extends PlainSnapshotStore {
      override makeWriter(meta: SnapshotMeta, codecId: string): PlainWriter {
        this.newest = null;
        return super.makeWriter(meta, codecId);
      }
    },
    caughtBy: [
      'the newest published snapshot replaces the one before, all at once',
      'an aborted snapshot leaves the published one',
    ],
  },
  'pulls the bytes from under an open reader': {
    Store: class extends PlainSnapshotStore {
      override makeReader(found: PlainSnapshot): SnapshotReader {
        const reader = super.makeReader(found);
        return { ...reader, chunks: (fromOffset) => super.makeReader(this.newest ?? found).chunks(fromOffset) };
      }
    },
    caughtBy: ['an open reader is not disturbed by newer snapshots'],
  },
  'starts anew where it should resume': {
    Store: class extends PlainSnapshotStore {
      override bytesToResume(): Uint8Array {
        return new Uint8Array(0);
      }
    },
    caughtBy: ['an interrupted snapshot is resumed where it broke', 'a snapshot may break several times'],
  },
  'resumes with the bytes of another snapshot (BUG-21)': {
    Store: class extends PlainSnapshotStore {
      override bytesToResume(): Uint8Array {
        return this.unfinished?.bytes ?? new Uint8Array(0);
      }
    },
    caughtBy: ['a snapshot with another id starts from the first byte and removes the unfinished one'],
  },
  'keeps what was aborted': {
    Store: withWriter(
      class extends PlainWriter {
        override close(): Promise<void> {
          return super.close({ keep: true });
        }
      },
    ),
    caughtBy: ['an aborted snapshot leaves nothing to resume'],
  },
  'removes a published snapshot when its writer is closed': {
    Store: withWriter(
      class extends PlainWriter {
        override async close({ keep }: { readonly keep: boolean }): Promise<void> {
          this.store.newest = keep ? this.store.newest : null;
          await super.close({ keep });
        }
      },
    ),
    caughtBy: ['closing a published snapshot does not remove it'],
  },
  'lets a replaced writer publish': {
    Store: withWriter(
      class extends PlainWriter {
        override checkCurrent(): void {}
      },
    ),
    caughtBy: [
      'a writer that was replaced by another id harms nothing',
      'nothing can be written to a snapshot that was published or closed',
    ],
  },
  'reports a wrong checksum': {
    Store: withWriter(
      class extends PlainWriter {
        override get checksum(): number {
          return 0;
        }
      },
    ),
    caughtBy: [
      'a published snapshot has the metadata, size and checksum of what was written',
      'an interrupted snapshot is resumed where it broke',
    ],
  },
  'counts chunks instead of bytes': {
    Store: withWriter(
      class extends PlainWriter {
        override describe(): StoredSnapshot {
          return { ...super.describe(), sizeBytes: 1 };
        }
      },
    ),
    caughtBy: ['a published snapshot has the metadata, size and checksum of what was written'],
  },
  'loses the membership': {
    Store: withWriter(
      class extends PlainWriter {
        override describe(): StoredSnapshot {
          return { ...super.describe(), meta: { ...this.meta, membership: NO_MEMBERSHIP } };
        }
      },
    ),
    caughtBy: ['a published snapshot has the metadata, size and checksum of what was written'],
  },
  'reads from the start whatever the offset': {
    Store: class extends PlainSnapshotStore {
      override makeReader(found: PlainSnapshot): SnapshotReader {
        const reader = super.makeReader(found);
        return { ...reader, chunks: () => reader.chunks(0) };
      }
    },
    caughtBy: ['the bytes are read from any offset, several times at once'],
  },
  'loses its data when it is closed': {
    Store: class extends PlainSnapshotStore {
      override async close(): Promise<void> {
        this.newest = null;
        await super.close();
      }
    },
    caughtBy: ['the newest published snapshot is there when reopened'],
  },
};

describe('the snapshot store suite', () => {
  test('passes a store that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(PlainSnapshotStore)), []);
  });

  for (const [name, { Store, caughtBy }] of Object.entries(MUTANTS)) {
    test(`catches a store that ${name}`, () => expectCaught(suiteFor(Store), caughtBy));
  }

  test('leaves out what a store that forgets can not show, and says so', async () => {
    const suite = snapshotStoreSuite({ persistent: false, create: () => ({ make: () => new PlainSnapshotStore() }) });
    assert.deepEqual(await failingCases(suite), []);
    assert.ok(suite.notCovered.some(({ name }) => name.includes('when reopened')));
    assert.ok(suite.notCovered.every(({ reason }) => reason.includes('persistent: false')));
  });

  test('leaves out what a place can not do, and says so', () => {
    const { notCovered } = suiteFor(PlainSnapshotStore);
    const missing = new Set(notCovered.map(({ reason }) => /no '([a-z-]+)'/.exec(reason)?.[1]));
    assert.deepEqual([...missing].toSorted(), ['crash', 'damage', 'faults', 'lock']);
  });
});

function suiteFor(Store: new () => PlainSnapshotStore): ConformanceSuite {
  const create = () => {
    const store = new Store();
    return { make: () => store };
  };
  return snapshotStoreSuite({ persistent: true, create });
}
