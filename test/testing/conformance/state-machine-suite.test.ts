import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../../src/core/entry.ts';
import type { StoredMembership } from '../../../src/core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import type { Codec } from '../../../src/ports/codec.ts';
import type { AppliedState, StateSnapshot } from '../../../src/ports/state-machine.ts';
import type { MemStateMachineOptions } from '../../../src/storage/memory/index.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { stateMachineSuite } from '../../../src/testing/conformance/state-machine-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';

interface Put {
  readonly key: string;
  readonly value: number;
}

type Results = readonly (number | null | undefined)[];

/** What the mutants break: puts into a Map, and answers with what was there before. */
class PutMachine extends MemStateMachine<Map<string, number>, Put, number | null> {
  constructor(apply: (state: Map<string, number>, request: Put) => number | null = put, hooks: Hooks = {}) {
    super({ initialState: () => new Map(), apply, ...hooks });
  }
}

type Hooks = Pick<
  MemStateMachineOptions<Map<string, number>, Put, number | null>,
  'snapshot' | 'restore' | 'isSnapshotDetached'
>;

function put(state: Map<string, number>, { key, value }: Put): number | null {
  if (key === 'fail') throw new Error('a request that fails');
  const before = state.get(key) ?? null;
  state.set(key, value);
  return before;
}

const CODEC: Codec<Put, number | null> = msgpackCodec();

const FORMAT = 'zlayer-mem-state/1';

interface Mutant {
  readonly make: () => PutMachine;
  readonly caughtBy: readonly string[];
}

const MUTANTS: Readonly<Record<string, Mutant>> = {
  'has no result for blank entries': {
    make: () =>
      new (class extends PutMachine {
        override async apply(entries: readonly Entry[]): Promise<Results> {
          return (await super.apply(entries)).filter((result) => result !== undefined);
        }
      })(),
    caughtBy: [
      'D-27 a blank and a membership entry each have one result, which is nothing',
      'every entry has one result, the same however entries are batched',
    ],
  },
  'invents results for blank and membership entries (BUG-24)': {
    make: () =>
      new (class extends PutMachine {
        override async apply(entries: readonly Entry[]): Promise<Results> {
          return (await super.apply(entries)).map((result) => result ?? null);
        }
      })(),
    caughtBy: ['D-27 a blank and a membership entry each have one result, which is nothing'],
  },
  'depends on how entries are batched': {
    make: () =>
      new (class extends PutMachine {
        override async apply(entries: readonly Entry[]): Promise<Results> {
          const results = await super.apply(entries);
          this.state.set('batches', (this.state.get('batches') ?? 0) + 1);
          return results;
        }
      })(),
    caughtBy: ['every entry has one result, the same however entries are batched'],
  },
  'forgets the membership with the next entry': {
    make: () =>
      new (class extends PutMachine {
        override applied(): AppliedState {
          const applied = super.applied();
          const isLast = applied.membership.logId.index === applied.lastApplied.index;
          return isLast ? applied : { ...applied, membership: NO_MEMBERSHIP };
        }
      })(),
    caughtBy: ['D-20 the membership survives the blank entries after it'],
  },
  'does not tell the time of the last entry': {
    make: () =>
      new (class extends PutMachine {
        override applied(): AppliedState {
          return { ...super.applied(), lastTimeMs: 0 };
        }
      })(),
    caughtBy: ['D-20 the membership survives the blank entries after it'],
  },
  'does not count blank entries as applied': {
    make: () =>
      new (class extends PutMachine {
        #last: AppliedState = { lastApplied: { term: 0, index: 0 }, lastTimeMs: 0, membership: NO_MEMBERSHIP };
        override async apply(entries: readonly Entry[]): Promise<Results> {
          const results = await super.apply(entries);
          this.#last = entries.at(-1)?.kind === 'blank' ? this.#last : super.applied();
          return results;
        }
        override applied(): AppliedState {
          return this.#last;
        }
      })(),
    caughtBy: [
      'D-20 the membership survives the blank entries after it',
      'D-27 a blank and a membership entry each have one result, which is nothing',
    ],
  },
  'applies a default in place of what it can not decode (BUG-3)': {
    make: () =>
      new (class extends PutMachine {
        override open(codec: Codec<Put, number | null>): Promise<AppliedState> {
          return super.open({
            ...codec,
            decodeRequest: (bytes) => {
              try {
                return codec.decodeRequest(bytes);
              } catch {
                return { key: '', value: 0 };
              }
            },
          });
        }
      })(),
    caughtBy: ['a request that cannot be decoded is an error, and nothing is applied in its place'],
  },
  'counts an entry as applied that failed (BUG-19)': {
    make: () =>
      new (class extends PutMachine {
        #failed: AppliedState | null = null;
        override async apply(entries: readonly Entry[]): Promise<Results> {
          try {
            return await super.apply(entries);
          } catch (error) {
            const { logId, timeMs } = entries.at(-2) ?? assert.fail('no entry');
            this.#failed = { ...super.applied(), lastApplied: logId, lastTimeMs: timeMs };
            throw error;
          }
        }
        override applied(): AppliedState {
          return this.#failed ?? super.applied();
        }
      })(),
    caughtBy: [
      'an exception in an apply is passed on, and the entry is not applied',
      'a request that cannot be decoded is an error, and nothing is applied in its place',
    ],
  },
  'swallows an exception of an apply': {
    make: () =>
      new PutMachine((state, request) => {
        try {
          return put(state, request);
        } catch {
          return null;
        }
      }),
    caughtBy: ['an exception in an apply is passed on, and the entry is not applied'],
  },
  'changes the entries it applies': {
    make: () =>
      new (class extends PutMachine {
        override async apply(entries: readonly Entry[]): Promise<Results> {
          const results = await super.apply(entries);
          for (const { payload } of entries) payload.fill(0);
          return results;
        }
      })(),
    caughtBy: ['entries are not changed by being applied'],
  },
  'changes the state while a snapshot of it is read (BUG-20)': {
    make: () =>
      new PutMachine(put, {
        snapshot: (state) => state,
        isSnapshotDetached: true,
        restore: async (parts) => {
          const state = new Map<string, number>();
          for await (const part of parts) if (Array.isArray(part)) state.set(part[0], part[1]);
          return state;
        },
      }),
    caughtBy: [
      'a snapshot is not affected by applies that come before it is read',
      'a snapshot is not affected by applies that come while it is read',
    ],
  },
  'tells another last entry in a snapshot than it holds': {
    make: () =>
      new (class extends PutMachine {
        override async snapshot(): Promise<StateSnapshot> {
          const view = await super.snapshot();
          return { ...plain(view), applied: { ...view.applied, lastApplied: { term: 9, index: 99 } } };
        }
      })(),
    caughtBy: ['D-26 a snapshot tells the last applied entry and the membership'],
  },
  'tells no membership in a snapshot': {
    make: () =>
      new (class extends PutMachine {
        override async snapshot(): Promise<StateSnapshot> {
          const view = await super.snapshot();
          return { ...plain(view), applied: { ...view.applied, membership: NO_MEMBERSHIP } };
        }
      })(),
    caughtBy: [
      'D-26 a snapshot tells the last applied entry and the membership',
      'D-29 a built snapshot becomes the current one, and another machine restores it',
    ],
  },
  'can not let go of a snapshot': {
    make: () =>
      new (class extends PutMachine {
        override async snapshot(): Promise<StateSnapshot> {
          const view = await super.snapshot();
          return { ...plain(view), close: () => Promise.reject(new Error('busy')) };
        }
      })(),
    caughtBy: ['a snapshot that is left half-way does not hold up applies'],
  },
  'clears its state before it restores': {
    make: () =>
      new (class extends PutMachine {
        override async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
          this.state.clear();
          await super.restore(meta, codecId, chunks);
        }
      })(),
    caughtBy: [
      'a restore from a stream that breaks changes nothing',
      'a restore from a stream that ends early changes nothing',
      'a snapshot in an unknown format is refused and changes nothing',
    ],
  },
  'adds a snapshot to what is there': {
    make: () =>
      new (class extends PutMachine {
        override async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
          const before = [...this.state];
          await super.restore(meta, codecId, chunks);
          for (const [key, value] of before) this.state.set(key, value);
        }
      })(),
    caughtBy: ['a restored snapshot replaces what was there, newer or not'],
  },
  'takes a snapshot of any format': {
    make: () =>
      new (class extends PutMachine {
        override restore(meta: SnapshotMeta, _codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
          return super.restore(meta, FORMAT, chunks);
        }
      })(),
    caughtBy: ['a snapshot in an unknown format is refused and changes nothing'],
  },
  'takes a broken stream for the end (BUG-3)': {
    make: () =>
      new (class extends PutMachine {
        override restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
          return super.restore(meta, codecId, chunks).catch(() => {});
        }
      })(),
    caughtBy: [
      'a restore from a stream that breaks changes nothing',
      'a restore from a stream that ends early changes nothing',
    ],
  },
  'does not take the membership of a snapshot': {
    make: () =>
      new (class extends PutMachine {
        override restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
          const membership: StoredMembership = super.applied().membership;
          return super.restore({ ...meta, membership }, codecId, chunks);
        }
      })(),
    caughtBy: ['D-29 a built snapshot becomes the current one, and another machine restores it'],
  },
  'still applies when it is closed': {
    make: () =>
      new (class extends PutMachine {
        override async close(): Promise<void> {}
      })(),
    caughtBy: ['refuses every call after it was closed, which is safe to do twice'],
  },
};

describe('the state machine suite', () => {
  test('passes a machine that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(() => new PutMachine())), []);
  });

  for (const [name, { make, caughtBy }] of Object.entries(MUTANTS)) {
    test(`catches a machine that ${name}`, () => expectCaught(suiteFor(make), caughtBy));
  }

  test('catches a machine that loses what it says it keeps', async () => {
    const suite = suiteFor(() => new PutMachine(), { persistent: true });
    assert.deepEqual(await failingCases(suite), [
      'says of itself whether its state survives a restart',
      'state, last applied entry and membership are there together when reopened',
      'a restored state is there when reopened',
    ]);
  });

  test('leaves out what a machine does not have, and says so', () => {
    const { notCovered } = stateMachineSuite<Put, number | null>({
      ...options(() => new PutMachine()),
      makeFailingRequest: null,
    });
    const names = notCovered.map(({ name }) => name);
    for (const name of [
      'an exception in an apply is passed on, and the entry is not applied',
      'state, last applied entry and membership are there together when reopened',
      'a restored state is there when reopened',
    ]) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(notCovered.every(({ reason }) => /persistent: false|no request that fails/.test(reason)));
  });

  test('leaves out what a place can not do, and says so', () => {
    const { notCovered } = suiteFor(() => new PutMachine(), { persistent: true });
    const missing = new Set(notCovered.map(({ reason }) => /no '([a-z-]+)'/.exec(reason)?.[1]));
    assert.deepEqual([...missing].toSorted(), ['crash', 'faults', 'lock']);
  });
});

function options(make: () => PutMachine) {
  const create = () => {
    const machine = make();
    return { make: () => machine, readState: () => machine.state };
  };
  return {
    create,
    codec: CODEC,
    makeRequest: (number: number): Put => ({ key: `key ${number % 7000}`, value: number }),
    makeFailingRequest: (): Put => ({ key: 'fail', value: 0 }),
    persistent: false,
  };
}

function suiteFor(make: () => PutMachine, { persistent } = { persistent: false }): ConformanceSuite {
  return stateMachineSuite<Put, number | null>({ ...options(make), persistent });
}

/** A view as a plain object, to be put together anew. */
function plain(view: StateSnapshot): StateSnapshot {
  const { applied, codecId } = view;
  return { applied, codecId, chunks: () => view.chunks(), close: () => view.close() };
}
