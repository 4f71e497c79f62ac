import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import type { HardState } from '../../../src/core/hard-state.ts';
import type { LogId } from '../../../src/core/ids.ts';
import { NO_LOG_ID } from '../../../src/core/ids.ts';
import { StorageError } from '../../../src/errors.ts';
import type { LogStoreOpenOptions, LogStoreState } from '../../../src/ports/log-store.ts';
import { MemLogStore } from '../../../src/storage/memory/index.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';
import { PlainLogStore } from './plain-log-store.ts';

interface Mutant {
  readonly Store: new () => PlainLogStore;
  readonly caughtBy: readonly string[];
}

const MUTANTS: Readonly<Record<string, Mutant>> = {
  'accepts a hole': {
    Store: class extends PlainLogStore {
      override checkFollows(): void {}
    },
    caughtBy: [
      'refuses a first entry that leaves a hole',
      'refuses an entry that leaves a hole after the last one',
      'refuses an entry for an index that is taken',
      'refuses an entry that leaves a hole after a purge beyond the end',
    ],
  },
  'checks only the first entry of a batch': {
    Store: class extends PlainLogStore {
      override checkFollows(entries: readonly Entry[]): void {
        super.checkFollows(entries.slice(0, 1));
      }
    },
    caughtBy: ['refuses a batch with a hole in it as a whole'],
  },
  'writes part of a refused batch': {
    Store: class extends PlainLogStore {
      override async append(entries: readonly Entry[]): Promise<void> {
        this.checkWritable();
        for (const entry of entries) {
          this.checkFollows([entry]);
          this.entries.push(entry);
        }
      }
    },
    caughtBy: ['nothing of a refused batch is there when reopened'],
  },
  'goes on after a failed write': {
    Store: class extends PlainLogStore {
      override checkFollows(entries: readonly Entry[]): void {
        try {
          super.checkFollows(entries);
        } finally {
          this.hasFailed = false;
        }
      }
    },
    caughtBy: [
      'writes nothing any more once a write failed',
      'writes nothing of what was called after a write that failed, without waiting in between',
    ],
  },
  'loses the last purged LogId beyond the end': {
    Store: class extends PlainLogStore {
      override async purge(upTo: LogId): Promise<void> {
        const last = this.lastLogId();
        await super.purge(upTo.index > last.index ? last : upTo);
      }
    },
    caughtBy: [
      'D-22 a purge beyond the end leaves an empty log that goes on after it',
      'an append follows a purge beyond the end',
    ],
  },
  'has no last LogId once everything is purged (BUG-6)': {
    Store: class extends PlainLogStore {
      override async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
        return { ...(await super.open(options)), lastLogId: this.entries.at(-1)?.logId ?? NO_LOG_ID };
      }
    },
    caughtBy: [
      'D-19 the last LogId is the last purged one when all entries are purged, also when reopened',
      'D-22 a purge beyond the end leaves an empty log that goes on after it, also when reopened',
    ],
  },
  'lets a purge go back (BUG-22)': {
    Store: class extends PlainLogStore {
      override async purge(upTo: LogId): Promise<void> {
        await super.purge(upTo);
        this.lastPurged = upTo;
      }
    },
    caughtBy: ['a purge never goes back, also when reopened', 'a purge beyond the end never goes back'],
  },
  'purges one entry too few': {
    Store: class extends PlainLogStore {
      override async purge(upTo: LogId): Promise<void> {
        const entry = this.entries.find(({ logId: { index } }) => index === upTo.index);
        await super.purge(upTo);
        this.entries.unshift(...(entry === undefined ? [] : [entry]));
      }
    },
    caughtBy: ['D-21 a purge removes everything up to and including its LogId', 'D-21 a purge removes the first entry'],
  },
  'truncates one entry too few': {
    Store: class extends PlainLogStore {
      override truncate(fromIndex: number): Promise<void> {
        return super.truncate(fromIndex + 1);
      }
    },
    caughtBy: [
      'D-24 a truncate from the first entry empties the log',
      'a truncate removes its index and everything after it',
    ],
  },
  'truncates one entry too many': {
    Store: class extends PlainLogStore {
      override truncate(fromIndex: number): Promise<void> {
        return super.truncate(fromIndex - 1);
      }
    },
    caughtBy: ['D-23 a truncate past the end removes nothing', 'a truncate removes its index and everything after it'],
  },
  'returns nothing when the first entry exceeds the limit': {
    Store: class extends PlainLogStore {
      override async read(fromIndex: number, toIndex: number, maxBytes: number): Promise<readonly Entry[]> {
        const page = await super.read(fromIndex, toIndex, maxBytes);
        return (page[0]?.payload.byteLength ?? 0) > maxBytes ? [] : page;
      }
    },
    caughtBy: [
      'D-15 a read with a limit returns a prefix with at least one entry',
      'an entry of 16 MiB is read whole, whatever the limit',
    ],
  },
  'ignores the limit of a read': {
    Store: class extends PlainLogStore {
      override read(fromIndex: number, toIndex: number): Promise<readonly Entry[]> {
        return super.read(fromIndex, toIndex, Number.MAX_SAFE_INTEGER);
      }
    },
    caughtBy: ['a read stays below its limit once it has one entry'],
  },
  'reads up to and including the end of a range': {
    Store: class extends PlainLogStore {
      override read(fromIndex: number, toIndex: number, maxBytes: number): Promise<readonly Entry[]> {
        return super.read(fromIndex, toIndex + 1, maxBytes);
      }
    },
    caughtBy: ['D-15 an empty range holds nothing', 'D-15 a range holds its first index and not its last'],
  },
  'mixes old and new in a read': {
    Store: class extends PlainLogStore {
      override async read(fromIndex: number, toIndex: number, maxBytes: number): Promise<readonly Entry[]> {
        const middle = Math.floor((fromIndex + Math.min(toIndex, 61)) / 2);
        const head = await super.read(fromIndex, Math.min(middle, toIndex), maxBytes);
        await new Promise((resolve) => setImmediate(resolve));
        return [...head, ...(await super.read(Math.max(middle, fromIndex), toIndex, maxBytes))];
      }
    },
    caughtBy: ['D-33 a read during truncate and append returns no gap and no mix of old and new'],
  },
  'writes in another order than it was called': {
    Store: class extends PlainLogStore {
      readonly #pending: HardState[] = [];
      override async saveHardState(hardState: HardState): Promise<void> {
        this.checkWritable();
        this.#pending.unshift(hardState);
        await Promise.resolve();
        this.hardState = this.#pending.shift() ?? hardState;
      }
    },
    caughtBy: ['writes took effect in the order of the calls, when reopened'],
  },
  'keeps the term without the vote': {
    Store: class extends PlainLogStore {
      override saveHardState({ term }: HardState): Promise<void> {
        return super.saveHardState({ term, votedFor: null });
      }
    },
    caughtBy: ['D-14 the hard state is the last one saved, when reopened'],
  },
  'loses the payload of large entries': {
    Store: class extends PlainLogStore {
      override append(entries: readonly Entry[]): Promise<void> {
        return super.append(entries.map((entry) => ({ ...entry, payload: entry.payload.slice(0, 65_535) })));
      }
    },
    caughtBy: [
      'entries of every kind are read as they were written',
      'an entry of 16 MiB is read whole, whatever the limit',
    ],
  },
  'still writes when it is closed': {
    Store: class extends PlainLogStore {
      override checkWritable(): void {
        if (this.hasFailed) throw new StorageError('failed');
      }
    },
    caughtBy: ['refuses every call after it was closed', 'can be closed twice, also at once'],
  },
  'drops what is under way when it is closed': {
    Store: class extends PlainLogStore {
      override async append(entries: readonly Entry[]): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        await super.append(entries);
      }
    },
    caughtBy: [
      'finishes the writes under way before it is closed',
      'writes under way when it was closed are there when reopened',
    ],
  },
  'acknowledges small writes before large ones': {
    Store: class extends PlainLogStore {
      override async append(entries: readonly Entry[]): Promise<void> {
        await super.append(entries);
        if (entries.length > 1) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    caughtBy: [
      'promises resolve in the order of the calls',
      'a write that changes nothing resolves after those that were called before it',
    ],
  },
  'acknowledges an append of nothing at once': {
    Store: class extends PlainLogStore {
      #tail: Promise<void> = Promise.resolve();
      override append(entries: readonly Entry[]): Promise<void> {
        return entries.length === 0 ? Promise.resolve() : this.#inOrder(super.append(entries));
      }
      override saveHardState(hardState: HardState): Promise<void> {
        return this.#inOrder(super.saveHardState(hardState));
      }
      override truncate(fromIndex: number): Promise<void> {
        return this.#inOrder(super.truncate(fromIndex));
      }
      override purge(upTo: LogId): Promise<void> {
        return this.#inOrder(super.purge(upTo));
      }
      #inOrder(write: Promise<void>): Promise<void> {
        this.#tail = Promise.all([this.#tail, write]).then(() => {});
        return this.#tail;
      }
    },
    caughtBy: ['a write that changes nothing resolves after those that were called before it'],
  },
  'lends out the memory that the next read uses': {
    Store: class extends PlainLogStore {
      readonly #memory = new Uint8Array(1_000_000);
      override async read(fromIndex: number, toIndex: number, maxBytes: number): Promise<readonly Entry[]> {
        let used = 0;
        return (await super.read(fromIndex, toIndex, maxBytes)).map((entry) => {
          const payload = this.#memory.subarray(used, used + entry.payload.byteLength);
          payload.set(entry.payload);
          used += payload.byteLength;
          return { ...entry, payload };
        });
      }
    },
    caughtBy: ['what was read stays as it is, whatever is written later'],
  },
  'keeps the entry before a truncate that follows a purge': {
    Store: class extends PlainLogStore {
      override async truncate(fromIndex: number): Promise<void> {
        const isRare = this.lastPurged.index > 3 && fromIndex % 3 === 0;
        await super.truncate(isRare ? fromIndex + 1 : fromIndex);
      }
    },
    caughtBy: ['any history of writes leaves what a plain array would hold'],
  },
  'forgets the vote of a term that it knew when it is opened': {
    Store: class extends PlainLogStore {
      override async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
        const state = await super.open(options);
        const { term, votedFor } = state.hardState;
        return { ...state, hardState: { term, votedFor: term > 10 && term < 100 ? null : votedFor } };
      }
    },
    caughtBy: ['any history of writes leaves what a plain array would hold, also when reopened after every step'],
  },
  'exceeds the limit of a read when it was opened again': {
    Store: class extends PlainLogStore {
      #isReopened = false;
      override async close(): Promise<void> {
        await super.close();
        this.#isReopened = true;
      }
      override read(fromIndex: number, toIndex: number, maxBytes: number): Promise<readonly Entry[]> {
        return super.read(fromIndex, toIndex, this.#isReopened ? maxBytes + 5000 : maxBytes);
      }
    },
    caughtBy: ['a read stays below its limit once it has one entry, also when reopened'],
  },
  'cuts what is large when it is closed': {
    Store: class extends PlainLogStore {
      override async close(): Promise<void> {
        await super.close();
        this.entries = this.entries.map((entry) => ({ ...entry, payload: entry.payload.slice(0, 1_000_000) }));
      }
    },
    caughtBy: ['entries of 16 MiB are read whole when reopened, whatever the limit'],
  },
  'opens the data of any node': {
    Store: class extends PlainLogStore {
      override open(options: LogStoreOpenOptions): Promise<LogStoreState> {
        this.identity = null;
        return super.open(options);
      }
    },
    caughtBy: [
      'refuses to open for another node',
      'refuses to open for another cluster name',
      'the identity stays that of the first open, with the cluster id that was saved',
    ],
  },
};

describe('the log store suite', () => {
  test('passes a store that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(PlainLogStore)), []);
  });

  for (const [name, { Store, caughtBy }] of Object.entries(MUTANTS)) {
    test(`catches a store that ${name}`, () => expectCaught(suiteFor(Store), caughtBy));
  }

  test('leaves out what a store that forgets can not show, and says so', async () => {
    const suite = logStoreSuite({ persistent: false, create: () => ({ make: () => new PlainLogStore() }) });
    assert.deepEqual(await failingCases(suite), []);
    assert.ok(suite.notCovered.length > 20);
    assert.ok(suite.notCovered.every(({ reason }) => reason.includes('persistent: false')));
  });

  test('leaves out what a place can not do, and says so', () => {
    const { cases, notCovered } = suiteFor(PlainLogStore);
    const missing = new Set(notCovered.map(({ reason }) => /no '([a-z-]+)'/.exec(reason)?.[1]));
    assert.deepEqual([...missing].toSorted(), ['crash', 'damage', 'faults', 'lock']);
    const create = () => ({ make: () => new PlainLogStore() });
    const capabilities = ['crash', 'crash-points', 'damage', 'faults', 'lock'] as const;
    const all = logStoreSuite({ persistent: true, capabilities, create });
    assert.deepEqual(all.notCovered, []);
    assert.equal(all.cases.length, cases.length + notCovered.length);
  });

  test('says what is missing of a place that can not do what was declared', async () => {
    const create = () => ({ make: () => new PlainLogStore() });
    const suite = logStoreSuite({ persistent: true, capabilities: ['crash'], create });
    const found = suite.cases.find(({ name }) => name.includes('crash'));
    await assert.rejects(() => found?.run() ?? Promise.resolve(), { name: 'TypeError', message: /crash\(\)/ });
  });

  test('closes the store and removes its place, also when a case fails', async () => {
    const events: string[] = [];
    class Tracked extends MemLogStore {
      override async close(): Promise<void> {
        events.push('close');
        await super.close();
      }
      override async append(): Promise<void> {
        throw new Error('disk full');
      }
    }
    const create = () => ({ make: () => new Tracked(), remove: () => void events.push('remove') });
    const [, failing] = logStoreSuite({ persistent: false, create }).cases;
    assert.ok(failing !== undefined);
    await assert.rejects(failing.run, /disk full/);
    assert.deepEqual(events, ['close', 'remove']);
  });

  test('hands every case to the test runner with a name of its own', () => {
    const suite = suiteFor(PlainLogStore);
    const names: string[] = [];
    runSuite(suite, (name) => names.push(name));
    assert.equal(names.length, suite.cases.length);
    assert.equal(new Set(names).size, names.length);
  });
});

function suiteFor(Store: new () => PlainLogStore): ConformanceSuite {
  const create = () => {
    const store = new Store();
    return { make: () => store };
  };
  return logStoreSuite({ persistent: true, create });
}
