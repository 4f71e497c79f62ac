/** Log stores that break a rule which only a crash or a second opener shows, each with the cases that catch it. */
import type { HardState } from '../../../src/core/hard-state.ts';
import type { LogStoreOpenOptions, LogStoreState } from '../../../src/ports/log-store.ts';
import type { JournalRecord } from './journal-log-store.ts';
import { JournalLogStore } from './journal-log-store.ts';
import type { PlainProcess } from './plain-disk.ts';
import { encodeLine } from './plain-lines.ts';

export interface JournalMutant {
  readonly Store: new (process: PlainProcess) => JournalLogStore;
  readonly caughtBy: readonly string[];
}

const ACKNOWLEDGED = 'every write that was acknowledged is there after a crash';
const IN_ORDER =
  'what is there after a crash is what was acknowledged and none, some or all that came after it, in order';
const AGAIN = 'what is there after a crash is still there after the next one';
const HISTORY = 'any history of writes and crashes keeps what was acknowledged, and nothing out of order';
const POINT_HISTORY =
  'any history of writes and crashes at any operation on the disk keeps what was acknowledged, and nothing out of order';
const POINTS_ONE_BY_ONE =
  'a crash at any operation on the disk keeps what was acknowledged, of writes one after the other';
const POINTS_AT_ONCE = 'a crash at any operation on the disk keeps what was acknowledged, of writes that do not wait';
const POINTS_NEW_STORE =
  'a crash at any operation on the disk while a new store is opened leaves one that can be opened';
const POINTS_REOPENED = 'a crash at any operation on the disk while a store is opened again loses nothing';

/** Writes a record without a sync; the next sync of another record takes it along. */
function lazily(isLazy: (record: JournalRecord) => boolean): JournalMutant['Store'] {
  return class extends JournalLogStore {
    override async persist(record: JournalRecord): Promise<void> {
      if (isLazy(record)) await this.write(record);
      else await super.persist(record);
    }
  };
}

export const JOURNAL_CRASH_MUTANTS: Readonly<Record<string, JournalMutant>> = {
  'acknowledges before it syncs': {
    Store: lazily(() => true),
    caughtBy: [
      ACKNOWLEDGED,
      IN_ORDER,
      HISTORY,
      POINT_HISTORY,
      POINTS_ONE_BY_ONE,
      POINTS_AT_ONCE,
      'a store goes on after a crash as if it had been closed',
    ],
  },
  'does not sync the identity of a new store': {
    Store: lazily(({ type }) => type === 'identity'),
    caughtBy: ['the identity that a store was first opened with survives a crash', POINTS_NEW_STORE],
  },
  'does not sync a purge': {
    Store: lazily(({ type }) => type === 'purge'),
    caughtBy: [ACKNOWLEDGED, HISTORY, POINTS_ONE_BY_ONE],
  },
  'does not sync what is large': {
    Store: lazily((record) => encodeLine(record).length > 1_000_000),
    caughtBy: ['an entry of 16 MiB that was acknowledged is there after a crash'],
  },
  'writes the hard state behind the entries': {
    Store: class extends JournalLogStore {
      #waiting: HardState | null = null;
      override saveHardState(hardState: HardState): Promise<void> {
        this.#waiting = hardState;
        return Promise.resolve();
      }
      override async run(record: JournalRecord): Promise<void> {
        await super.run(record);
        const hardState = this.#waiting;
        this.#waiting = null;
        if (hardState !== null) await super.run({ type: 'hard-state', hardState });
      }
    },
    caughtBy: ['no entry is there after a crash without the hard state that was saved before it', ACKNOWLEDGED],
  },
  'writes the hard state to a place of its own, without waiting for the entries': {
    Store: class extends JournalLogStore {
      override saveHardState(hardState: HardState): Promise<void> {
        return this.run({ type: 'hard-state', hardState });
      }
      override async run(record: JournalRecord): Promise<void> {
        if (record.type !== 'hard-state') await new Promise((resolve) => setImmediate(resolve));
        await super.run(record);
      }
    },
    caughtBy: [
      'no vote is there after a crash without the entries that were appended before it',
      'promises resolve in the order of the calls',
    ],
  },
  'writes a batch entry by entry': {
    Store: class extends JournalLogStore {
      override async write(record: JournalRecord): Promise<void> {
        if (record.type !== 'append') return await super.write(record);
        for (const entry of record.entries) await super.write({ type: 'append', entries: [entry] });
      }
    },
    caughtBy: ['a batch is there as a whole or not at all after a crash', POINT_HISTORY],
  },
  'writes anew what it has when it is closed': {
    Store: class extends JournalLogStore {
      override async finish(): Promise<void> {
        const { disk } = this;
        if (this.isOpen) {
          const lines = disk.lines;
          await this.process.cut(0);
          for (const line of lines) await this.process.write(line);
          await this.process.sync();
        }
        await super.finish();
      }
    },
    caughtBy: ['a crash while the store is closed loses nothing', POINTS_ONE_BY_ONE],
  },
  'writes behind a torn line': {
    Store: class extends JournalLogStore {
      override async cutTail(): Promise<void> {}
    },
    caughtBy: [HISTORY, POINT_HISTORY],
  },
  'tells what it finds before it is on the disk': {
    Store: class extends JournalLogStore {
      override async settle(): Promise<void> {}
    },
    caughtBy: [AGAIN, HISTORY, POINT_HISTORY],
  },
  'takes a torn line for damage': {
    Store: class extends JournalLogStore {
      override async cutTail(position: number): Promise<void> {
        this.damaged(position, 'is damaged');
      }
    },
    caughtBy: [HISTORY, POINTS_AT_ONCE],
  },
  'reads the numbers of lines wrong after a crash': {
    Store: class extends JournalLogStore {
      override async replay(): Promise<void> {
        await super.replay();
        const last = this.decode(this.disk.lines.at(-1) ?? '')?.record.type;
        if (last !== undefined && last !== 'close') this.seq += 1;
      }
    },
    caughtBy: ['a store goes on after a crash as if it had been closed'],
  },
  'writes anew what it has when it is opened': {
    Store: class extends JournalLogStore {
      override async replay(): Promise<void> {
        await super.replay();
        const lines = this.disk.lines;
        await this.process.cut(0);
        for (const line of lines) await this.process.write(line);
        await this.process.sync();
      }
    },
    caughtBy: [POINTS_REOPENED],
  },
  'writes the identity of a new store in two parts': {
    Store: class extends JournalLogStore {
      override async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
        if (this.disk.lines.length === 0) {
          await this.process.write('the first part');
          await this.process.write('the second part');
          await this.process.sync();
          await this.process.cut(0);
        }
        return await super.open(options);
      }
    },
    caughtBy: [POINTS_NEW_STORE],
  },
  'keeps nobody out': {
    Store: class extends JournalLogStore {
      override lock(): void {}
    },
    caughtBy: ['refuses to open a place that is open already, and the first store goes on'],
  },
  'lets a refused second opener keep the lock': {
    Store: class extends JournalLogStore {
      override lock(): void {
        const { owner } = this.disk;
        this.disk.owner = this.process;
        if (owner !== null) super.lock();
      }
      override unlock(): void {
        if (this.isOpen || this.isClosing) super.unlock();
      }
    },
    caughtBy: ['opens a place again that a refused second opener had tried'],
  },
};
