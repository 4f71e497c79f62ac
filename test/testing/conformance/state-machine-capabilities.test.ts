import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../../src/codec/msgpack-codec.ts';
import type { AppliedState } from '../../../src/ports/state-machine.ts';
import type { PlaceCapability } from '../../../src/testing/conformance/capabilities.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { stateMachineSuite } from '../../../src/testing/conformance/state-machine-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';
import type { Put, StateRecord } from './journal-state-machine.ts';
import { JournalStateMachine, journalStatePlace } from './journal-state-machine.ts';
import type { PlainProcess } from './plain-disk.ts';
import { decodeLine } from './plain-lines.ts';

const CAPABILITIES: readonly PlaceCapability[] = ['crash', 'crash-points', 'faults', 'lock'];

const ONE_MOMENT =
  'state, last applied entry and membership are of one moment after a crash, and applies go on from there';
const RESTORED = 'a state is the old one or the restored one after a crash while it is restored';
const POINTS = 'a crash at any operation on the disk leaves the state of one moment';
const POINTS_RESTORED =
  'a crash at any operation on the disk while a snapshot is restored leaves the old state or the restored one';
const POINTS_OPENED = 'a crash at any operation on the disk while a machine is opened loses nothing';
const REFUSED = 'a machine whose disk refuses a write has the state of one moment when it is opened again, and goes on';
const NOT_SYNCED =
  'a machine whose disk fails to sync has the state of one moment when it is opened again, and goes on';
const FULL = 'a machine whose disk is full has the state of one moment when it is opened again, and goes on';
const RESTORE_REFUSED = 'a restore on a disk that fails leaves the old state or the restored one';
const SECOND = 'refuses to open a place that is open already, and the first machine goes on';

interface Mutant {
  readonly Machine: new (process: PlainProcess) => JournalStateMachine;
  readonly caughtBy: readonly string[];
}

const MUTANTS: Readonly<Record<string, Mutant>> = {
  'writes the last applied entry apart from the state': {
    Machine: class extends JournalStateMachine {
      #applied: AppliedState | null = null;
      override async persist(record: StateRecord): Promise<void> {
        await super.persist(record);
        const last = record.type === 'apply' ? record.entries.slice(-1) : [];
        await super.persist({ type: 'apply', entries: last });
      }
      /** A second line with only the last entry says that the ones before are applied. */
      override async take(record: StateRecord): Promise<void> {
        const isNote = record.type === 'apply' && record.entries.at(-1)?.logId.index === this.#index;
        if (!isNote) {
          this.#applied = this.machine.applied();
          await super.take(record);
        } else {
          this.#applied = null;
        }
      }
      override applied(): AppliedState {
        return this.#applied ?? super.applied();
      }
      get #index(): number {
        return this.machine.applied().lastApplied.index;
      }
    },
    caughtBy: [ONE_MOMENT, POINTS],
  },
  'removes the old state before it writes the restored one': {
    Machine: class extends JournalStateMachine {
      override async persist(record: StateRecord): Promise<void> {
        if (record.type === 'restore') await this.process.cut(0);
        await super.persist(record);
      }
    },
    caughtBy: [RESTORED, POINTS_RESTORED, RESTORE_REFUSED],
  },
  'writes anew what it has when it is opened': {
    Machine: class extends JournalStateMachine {
      override async replay(): Promise<void> {
        await super.replay();
        const { lines } = this.disk;
        await this.process.cut(0);
        for (const line of lines) await this.process.write(line);
        await this.process.sync();
      }
    },
    caughtBy: [POINTS_OPENED],
  },
  'applies on after what the disk refused': {
    Machine: class extends JournalStateMachine {
      override async useDisk(operation: () => Promise<void>): Promise<void> {
        await operation().catch(() => {});
      }
      override async replay(): Promise<void> {
        for (const line of this.disk.lines) {
          const record = decodeLine<StateRecord>(line);
          if (record !== null) await this.take(record);
        }
      }
    },
    caughtBy: [REFUSED, NOT_SYNCED, FULL, RESTORE_REFUSED],
  },
  'keeps nobody out': {
    Machine: class extends JournalStateMachine {
      override lock(): void {}
    },
    caughtBy: [SECOND],
  },
  'says that its state is gone after a restart': {
    Machine: class extends JournalStateMachine {
      override readonly isDurable = false;
    },
    caughtBy: ['says of itself whether its state survives a restart'],
  },
};

describe('the state machine suite, where places can crash and fail', () => {
  test('passes a machine that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(JournalStateMachine)), []);
  });

  for (const [name, { Machine, caughtBy }] of Object.entries(MUTANTS)) {
    test(`catches a machine that ${name}`, () => expectCaught(suiteFor(Machine), caughtBy));
  }

  test('has a broken machine for each case that needs a place that can do something', () => {
    const needy = suiteFor(JournalStateMachine, []).notCovered.map(({ name }) => name);
    const caught = new Set(Object.values(MUTANTS).flatMap(({ caughtBy }) => caughtBy));
    assert.equal(needy.length, 10);
    assert.deepEqual(
      needy.filter((name) => !caught.has(name)),
      [],
    );
  });
});

function suiteFor(Machine: Mutant['Machine'], capabilities = CAPABILITIES): ConformanceSuite {
  return stateMachineSuite<Put, number | null>({
    persistent: true,
    capabilities,
    codec: msgpackCodec(),
    makeRequest: (number) => ({ key: `key ${number % 7000}`, value: number }),
    makeFailingRequest: () => ({ key: 'fail', value: 0 }),
    create: () => journalStatePlace(Machine),
  });
}
