/** Log stores that break a rule which only a failing disk or damaged data shows, each with the cases that catch it. */
import type { Entry } from '../../../src/core/entry.ts';
import { INITIAL_HARD_STATE } from '../../../src/core/hard-state.ts';
import { CorruptionError, StorageError } from '../../../src/errors.ts';
import type { JournalMutant } from './journal-crash-mutants.ts';
import type { JournalRecord } from './journal-log-store.ts';
import { JournalLogStore } from './journal-log-store.ts';

const LATER = 'and so is every later one, until the store is opened again';
const REFUSED = `a write that the disk refuses is rejected, ${LATER}`;
const NOT_SYNCED = `a write that can not be synced is rejected, ${LATER}`;
const FULL = `a write on a full disk is rejected, ${LATER}`;
const OPENED_AGAIN = 'what is there can still be opened when the disk failed while it was opened';

const ENTRY_FLIPPED = 'an entry with a flipped bit is refused, by index';
const ENTRY_GONE = 'an entry that is gone is refused, by index, and not read over';
const FIRST_FLIPPED = 'the first entry with a flipped bit is refused, by index';
const LAST_FLIPPED = 'the last entry with a flipped bit is refused, by index, and not cut off';
const HARD_STATE_FLIPPED = 'a hard state with a flipped bit is refused, and not replaced by an older or a new one';
const HARD_STATE_GONE = 'a hard state that is gone is refused, and not replaced by an older or a new one';
const IDENTITY_FLIPPED = 'an identity with a flipped bit is refused, and not replaced by a new one';
const IDENTITY_GONE = 'an identity that is gone is refused, and not replaced by a new one';
const PURGED_FLIPPED = 'a last purged LogId with a flipped bit is refused';
const PURGED_GONE = 'a last purged LogId that is gone is refused';

export const JOURNAL_FAULT_MUTANTS: Readonly<Record<string, JournalMutant>> = {
  'swallows an error of the disk': {
    Store: class extends JournalLogStore {
      override async persist(record: JournalRecord): Promise<void> {
        await super.persist(record).catch(() => {});
      }
    },
    caughtBy: [
      REFUSED,
      NOT_SYNCED,
      FULL,
      'the error of a full disk says so',
      'once a write fails, all that were called after it fail, and those before it are there',
      'a new store can be opened when the disk failed at the first attempt',
    ],
  },
  'goes on after an error of the disk': {
    Store: class extends JournalLogStore {
      override async persist(record: JournalRecord): Promise<void> {
        try {
          await super.persist(record);
        } finally {
          this.hasFailed = false;
        }
      }
    },
    caughtBy: [
      REFUSED,
      NOT_SYNCED,
      'once a write fails, all that were called after it fail, and those before it are there',
    ],
  },
  'tries a failed sync again': {
    Store: class extends JournalLogStore {
      override async persist(record: JournalRecord): Promise<void> {
        await this.write(record);
        await this.process.sync().catch(() => this.process.sync());
      }
    },
    caughtBy: [NOT_SYNCED],
  },
  'does not say why it can not write': {
    Store: class extends JournalLogStore {
      override async persist(record: JournalRecord): Promise<void> {
        await super.persist(record).catch(() => {
          throw new StorageError('something went wrong');
        });
      }
    },
    caughtBy: ['the error of a full disk says so'],
  },
  'takes a failing disk for a damaged one': {
    Store: class extends JournalLogStore {
      override async settle(): Promise<void> {
        await this.process.sync().catch((error: unknown) => {
          throw new CorruptionError('can not be opened', error);
        });
      }
    },
    caughtBy: [OPENED_AGAIN],
  },
  'leaves half a store behind when it can not create one': {
    Store: class extends JournalLogStore {
      override async cutTail(position: number): Promise<void> {
        if (position === 0) this.damaged(position, 'is no identity');
        await super.cutTail(position);
      }
    },
    caughtBy: ['a new store can be opened when the disk failed at the first attempt'],
  },
  'does not look at checksums': {
    Store: class extends JournalLogStore {
      override decode(line: string): ReturnType<JournalLogStore['decode']> {
        const found = super.decode(line);
        // What a program makes of a damaged record: something else, or nothing.
        return found ?? { seq: this.seq, record: { type: 'close' } };
      }
    },
    caughtBy: [ENTRY_FLIPPED, FIRST_FLIPPED, LAST_FLIPPED, HARD_STATE_FLIPPED, IDENTITY_FLIPPED, PURGED_FLIPPED],
  },
  'takes the first damage for the end': {
    Store: class extends JournalLogStore {
      override damaged(position: number): void {
        this.disk.lines.length = position;
        this.disk.durableCount = position;
      }
    },
    caughtBy: [
      ENTRY_FLIPPED,
      ENTRY_GONE,
      FIRST_FLIPPED,
      LAST_FLIPPED,
      HARD_STATE_FLIPPED,
      HARD_STATE_GONE,
      IDENTITY_GONE,
      PURGED_FLIPPED,
      PURGED_GONE,
    ],
  },
  'does not notice what is gone': {
    Store: class extends JournalLogStore {
      override damaged(position: number, problem: string): void {
        if (problem === 'is damaged') super.damaged(position, problem);
      }
    },
    caughtBy: [HARD_STATE_GONE, IDENTITY_GONE, PURGED_GONE, ENTRY_GONE],
  },
  'does not say which entry is damaged': {
    Store: class extends JournalLogStore {
      override damaged(): void {
        throw new CorruptionError('journal: something is damaged');
      }
    },
    caughtBy: [ENTRY_FLIPPED, ENTRY_GONE, FIRST_FLIPPED, LAST_FLIPPED],
  },
  'does not say what is damaged': {
    Store: class extends JournalLogStore {
      override damaged(): void {
        throw new CorruptionError(`entry ${this.lastLogId().index + 1} is damaged`);
      }
    },
    caughtBy: [ENTRY_FLIPPED, HARD_STATE_FLIPPED, IDENTITY_FLIPPED, PURGED_FLIPPED],
  },
  'puts a default in the place of a damaged hard state': {
    Store: class extends JournalLogStore {
      override damaged(position: number, problem: string): void {
        if (!this.disk.lines[position]?.includes('"hard-state"')) super.damaged(position, problem);
        this.hardState = INITIAL_HARD_STATE;
        this.seq += 1;
      }
    },
    caughtBy: [HARD_STATE_FLIPPED],
  },
  'reads over a damaged entry': {
    Store: class extends JournalLogStore {
      override async take(record: JournalRecord): Promise<void> {
        await super.take(record.type === 'append' ? { type: 'append', entries: this.#fit(record.entries) } : record);
      }
      override damaged(): void {
        this.seq += 1;
      }
      /** The next ones take the numbers of those that are missing. */
      #fit(entries: readonly Entry[]): readonly Entry[] {
        const { term, index } = this.lastLogId();
        return entries.map((entry, position) => ({
          ...entry,
          logId: { term: Math.max(term, entry.logId.term), index: index + 1 + position },
        }));
      }
    },
    caughtBy: [ENTRY_FLIPPED, FIRST_FLIPPED],
  },
};
