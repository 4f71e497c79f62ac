import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../../src/core/entry.ts';
import { normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import { CorruptionError } from '../../../src/errors.ts';
import type { LogDatabase } from '../../../src/ports/log-database.ts';
import type { LogStoreOpenOptions, LogStoreState } from '../../../src/ports/log-store.ts';
import { GroupLogStore } from '../../../src/storage/group-log/group-log-store.ts';
import { MemLogStore } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';
import type { DiskFaults } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemLogDatabase, MemLogDisk } from '../../../src/testing/disk/mem-log-database.ts';
import { Gate } from '../../support/gate.ts';
import { override } from '../../support/override.ts';

const OPTIONS: LogStoreOpenOptions = { nodeId: 1, clusterName: 'test', newInstanceId: 'a' };
const ALL = Number.MAX_SAFE_INTEGER;

describe('GroupLogStore', () => {
  runSuite(
    logStoreSuite({
      persistent: true,
      create: () => {
        const disk = new MemLogDisk();
        return { make: () => new GroupLogStore(new MemLogDatabase(disk)) };
      },
    }),
    test,
  );

  test('does whatever is asked of it as the simplest store would, awaited or not, reopened or crashed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(), { maxLength: 40 }), async (steps) => {
        const twins = await Twins.open();
        for (const one of steps) await twins.run(one);
        await twins.compare();
      }),
      { numRuns: 300 },
    );
  });

  test('an append of megabytes is kept in groups of 256 KiB, and one entry is read without the rest', async () => {
    const { disk, store } = await openStore();
    const log = entries(1, 1, 101, 20_000);
    await store.append(log);
    assert.ok(disk.firstIndexes.length >= 7, `${disk.firstIndexes.length} groups`);
    for (const bytes of disk.groups.values()) assert.ok(bytes.byteLength <= 256 * 1024);
    assert.deepEqual(await store.read(50, 51, ALL), log.slice(49, 50));
    assert.deepEqual(await store.read(1, 101, ALL), log);
  });

  test('a truncation across the purged position leaves nothing to come back', async () => {
    const { disk, store } = await openStore();
    await store.append(entries(1, 1, 101));
    await store.purge(logId(1, 50));
    await store.truncate(51);
    await store.close();
    const { store: reopened, state } = await openStore(disk);
    assert.deepEqual([state.lastPurged, state.lastLogId], [logId(1, 50), logId(1, 50)]);
    await reopened.append(entries(2, 51, 53));
    assert.deepEqual(await reopened.read(1, 99, ALL), entries(2, 51, 53));
  });

  test('a purge removes groups in steps, and goes on with them after a restart', async () => {
    const disk = new MemLogDisk();
    const { store } = await openStore(disk);
    for (let index = 1; index <= 1000; index += 1) await store.append(entries(1, index, index + 1));
    const commits = new CountedCommits();
    await store.close();
    const { store: purging } = await openStore(disk, commits);
    await purging.purge(logId(1, 900));
    await purging.close();
    assert.ok(disk.firstIndexes.length > 100, 'closing does not wait for the removal');
    const { store: reopened, state } = await openStore(disk, commits);
    assert.deepEqual(state.lastPurged, logId(1, 900));
    await commits.untilCount(() => disk.firstIndexes.length <= 101);
    assert.deepEqual((await reopened.read(1, ALL, ALL)).length, 100);
    assert.ok(commits.count >= 4, `${commits.count} commits`);
  });

  test('a removal that waits never takes a group that was written anew in the meantime', async () => {
    const gate = new Gate();
    let isHeld = false;
    const { store } = await openStore(new MemLogDisk(), {
      before: () => (isHeld ? gate.opened.then(() => null) : null),
    });
    await store.append(entries(1, 1, 11));
    await store.append(entries(1, 11, 21));
    isHeld = true;
    const writes = [store.truncate(1), store.append(entries(2, 1, 101)), store.purge(logId(2, 12))];
    isHeld = false;
    gate.open();
    await Promise.all(writes);
    assert.deepEqual(await store.read(1, ALL, ALL), entries(2, 13, 101));
  });

  test('a removal that can not read what there is to remove stops the store', async () => {
    const database = new MemLogDatabase(new MemLogDisk());
    let isBroken = false;
    const firstIndexes = (fromIndex: number, toIndex: number, limit: number): readonly number[] => {
      if (isBroken) throw new CorruptionError('a page is damaged');
      return database.firstIndexes(fromIndex, toIndex, limit);
    };
    const store = new GroupLogStore(override<LogDatabase>(database, { firstIndexes }));
    await store.open(OPTIONS);
    for (let index = 1; index <= 10; index += 1) await store.append(entries(1, index, index + 1));
    isBroken = true;
    await store.purge(logId(1, 5));
    await assert.rejects(store.append(entries(1, 11, 12)), (error: Error & { code: string }) => {
      assert.equal(error.code, 'STORAGE');
      assert.match(String(error.cause), /a page is damaged/);
      return true;
    });
    await store.close();
  });

  for (const code of ['EIO', 'ENOSPC'] as const) {
    test(`a commit that fails with ${code} refuses itself and all that waits, and is not there after a restart`, async () => {
      let isFailing = false;
      const disk = new MemLogDisk();
      const { store } = await openStore(disk, {
        before: (operation) => (isFailing ? { error: systemError(code, operation), doneBytes: 0 } : null),
      });
      await store.append(entries(1, 1, 4));
      isFailing = true;
      const first = store.append(entries(1, 4, 6));
      const second = store.saveHardState({ term: 7, votedFor: 1 });
      await assert.rejects(first, (error: Error & { code: string }) => {
        assert.equal(error.code, 'STORAGE');
        assert.match(String(error.cause), new RegExp(code));
        return true;
      });
      await assert.rejects(second, { code: 'STORAGE' });
      isFailing = false;
      await assert.rejects(store.append(entries(1, 6, 7)), { code: 'STORAGE' });
      await store.close();
      const { state } = await openStore(disk);
      assert.deepEqual([state.lastLogId, state.hardState], [logId(1, 3), { term: 0, votedFor: null }]);
    });
  }

  test('every bit of every group is guarded: a damaged one is refused with its place and index', async () => {
    const disk = new MemLogDisk();
    const { store } = await openStore(disk);
    await store.append(entries(1, 1, 3, 10));
    await store.close();
    const size = (disk.groups.get(1)?.byteLength ?? 0) * 8;
    for (let bit = 0; bit < size; bit += 1) {
      disk.flipBit(1, bit);
      await assert.rejects(
        new GroupLogStore(new MemLogDatabase(disk, { place: '/data/log' })).open(OPTIONS),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'CORRUPTION', `bit ${bit}: ${error.message}`);
          assert.match(error.message, /\/data\/log.*index [12]\b/s);
          return true;
        },
      );
      disk.flipBit(1, bit);
    }
    await openStore(disk);
  });

  test('a group that is missing in the middle is found when it is read, at an end when it is opened', async () => {
    const disk = new MemLogDisk();
    const { store } = await openStore(disk);
    for (const index of [1, 11, 21]) await store.append(entries(1, index, index + 10));
    await store.close();
    disk.commit([{ type: 'remove-group', firstIndex: 11 }]);
    const { store: opened } = await openStore(disk);
    await assert.rejects(opened.read(5, 25, ALL), /damaged at or after index 11/);
    assert.equal((await opened.read(1, 10, ALL)).length, 9);
    await opened.close();
    disk.commit([{ type: 'remove-group', firstIndex: 1 }]);
    await assert.rejects(openStore(disk), { code: 'CORRUPTION' });
  });

  for (const name of ['identity', 'hard-state', 'purged', 'committed']) {
    test(`a damaged ${name} record is refused, and so is a missing identity`, async () => {
      const disk = new MemLogDisk();
      const { store } = await openStore(disk);
      await store.append(entries(1, 1, 4));
      await store.saveCommitted(logId(1, 2));
      await store.saveHardState({ term: 3, votedFor: 2 });
      await store.purge(logId(1, 1));
      await store.close();
      const bytes = disk.records.get(name);
      assert.ok(bytes !== undefined, 'the record is there');
      for (let at = 0; at < bytes.byteLength; at += 1) {
        const damaged = bytes.map((byte, position) => (position === at ? byte ^ 4 : byte));
        disk.records.set(name, damaged);
        await assert.rejects(openStore(disk), { code: 'CORRUPTION' });
      }
      disk.records.set(name, bytes);
      disk.records.delete('identity');
      await assert.rejects(openStore(disk), { code: 'CORRUPTION' });
    });
  }

  test('the committed position costs no commit: it goes with others, at the latest when the store is closed', async () => {
    const commits = new CountedCommits();
    const disk = new MemLogDisk();
    const { store } = await openStore(disk, commits);
    await store.append(entries(1, 1, 10));
    const before = commits.count;
    for (let index = 1; index < 10; index += 1) await store.saveCommitted(logId(1, index));
    assert.equal(commits.count, before);
    await store.close();
    assert.equal(commits.count, before + 1);
    assert.deepEqual((await openStore(disk)).state.committed, logId(1, 9));
  });

  test('a second process is kept out while the first one lives', async () => {
    const disk = new MemLogDisk();
    const { store } = await openStore(disk);
    await assert.rejects(openStore(disk), { code: 'STORAGE' });
    await store.close();
    await openStore(disk);
  });
});

function entries(term: number, fromIndex: number, toIndex: number, bytes: number = 16): Entry[] {
  return Array.from({ length: toIndex - fromIndex }, (_, offset) => {
    const index = fromIndex + offset;
    return normalEntry(logId(term, index), 1000 + index, new Uint8Array(bytes).fill(index & 255));
  });
}

async function openStore(
  disk: MemLogDisk = new MemLogDisk(),
  faults: DiskFaults = { before: () => null },
): Promise<{ disk: MemLogDisk; store: GroupLogStore; state: LogStoreState; database: MemLogDatabase }> {
  const database = new MemLogDatabase(disk, { faults });
  const store = new GroupLogStore(database);
  return { disk, store, database, state: await store.open(OPTIONS) };
}

class CountedCommits implements DiskFaults {
  count = 0;
  readonly #waiting: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];

  before({ type }: { readonly type: string }): null {
    if (type === 'commit') this.count += 1;
    for (const { condition, resolve } of this.#waiting) if (condition()) resolve();
    return null;
  }

  /** Looks at the condition again before each commit, and once more when commits have come to rest. */
  async untilCount(condition: () => boolean): Promise<void> {
    if (condition()) return;
    for (let turn = 0; turn < 1000 && !condition(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(condition(), 'the condition never came true');
  }
}

type Step =
  | { readonly type: 'append'; readonly count: number; readonly term: number; readonly isAwaited: boolean }
  | { readonly type: 'truncate' | 'purge'; readonly offset: number; readonly isAwaited: boolean }
  | { readonly type: 'read'; readonly offset: number; readonly count: number; readonly maxBytes: number }
  | { readonly type: 'reopen' | 'crash' };

function step(): fc.Arbitrary<Step> {
  const isAwaited = fc.boolean();
  const offset = fc.integer({ min: 0, max: 40 });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('append' as const),
        count: fc.integer({ min: 1, max: 12 }),
        term: fc.integer({ min: 0, max: 2 }),
        isAwaited,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constantFrom('truncate' as const, 'purge' as const), offset, isAwaited }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('read' as const),
        offset,
        count: fc.integer({ min: 0, max: 50 }),
        maxBytes: fc.integer({ min: 0, max: 900 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('reopen' as const, 'crash' as const) }) },
  );
}

/** The store, and the simplest one beside it, which is told the same. */
class Twins {
  readonly #disk = new MemLogDisk();
  readonly #twin = new MemLogStore();
  #store = new GroupLogStore(new MemLogDatabase(this.#disk));
  #database: MemLogDatabase | null = null;
  readonly #pending: Promise<void>[] = [];
  #first = 1;
  #last = logId(0, 0);

  static async open(): Promise<Twins> {
    const twins = new Twins();
    await twins.#twin.open(OPTIONS);
    await twins.#reopen();
    return twins;
  }

  async run(one: Step): Promise<void> {
    if (one.type === 'append') {
      const term = Math.max(1, this.#last.term) + one.term;
      const batch = entries(term, this.#last.index + 1, this.#last.index + 1 + one.count);
      this.#last = logId(term, this.#last.index + one.count);
      await this.#write(one.isAwaited, (store) => store.append(batch));
    } else if (one.type === 'truncate') {
      const fromIndex = this.#first + (one.offset % (this.#last.index - this.#first + 2));
      if (fromIndex <= this.#last.index) {
        const [before] = await this.#twin.read(fromIndex - 1, fromIndex, ALL);
        this.#last = logId(before?.logId.term ?? this.#last.term, fromIndex - 1);
      }
      await this.#write(one.isAwaited, (store) => store.truncate(fromIndex));
    } else if (one.type === 'purge') {
      const index = this.#first - 1 + one.offset;
      const [entry] = await this.#twin.read(index, index + 1, ALL);
      const upTo = logId(entry?.logId.term ?? this.#last.term + 1, index);
      this.#first = Math.max(this.#first, index + 1);
      if (index >= this.#last.index) this.#last = upTo;
      await this.#write(one.isAwaited, (store) => store.purge(upTo));
    } else if (one.type === 'read') {
      const fromIndex = this.#first + one.offset - 5;
      const page = await this.#store.read(fromIndex, fromIndex + one.count, one.maxBytes);
      const whole = await this.#twin.read(fromIndex, fromIndex + one.count, ALL);
      assert.ok(page.length > 0 || whole.length === 0, 'a range that is not empty gives an entry');
      assert.deepEqual(page, whole.slice(0, page.length));
    } else await this.#restart(one.type === 'crash');
  }

  async compare(): Promise<void> {
    assert.deepEqual(await this.#store.read(0, ALL, ALL), await this.#twin.read(0, ALL, ALL));
    await this.#restart(false);
    assert.deepEqual(await this.#store.read(0, ALL, ALL), await this.#twin.read(0, ALL, ALL));
  }

  async #write(isAwaited: boolean, write: (store: GroupLogStore | MemLogStore) => Promise<void>): Promise<void> {
    await write(this.#twin);
    const written = write(this.#store);
    if (isAwaited) await written;
    else this.#pending.push(written);
  }

  /** A crash comes when all is acknowledged: the twin knows no other. */
  async #restart(isCrash: boolean): Promise<void> {
    await Promise.all(this.#pending.splice(0));
    if (isCrash) this.#database?.crash({ isLastCommitDone: true });
    else await this.#store.close();
    await this.#twin.close();
    const twinState = await this.#twin.open(OPTIONS);
    const state = await this.#reopen();
    assert.deepEqual([state.lastLogId, state.lastPurged], [twinState.lastLogId, twinState.lastPurged]);
  }

  #reopen(): Promise<LogStoreState> {
    this.#database = new MemLogDatabase(this.#disk);
    this.#store = new GroupLogStore(this.#database);
    return this.#store.open(OPTIONS);
  }
}
