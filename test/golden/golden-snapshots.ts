/** Snapshots of states in memory, one of each kind. */
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../src/core/entry.ts';
import { membershipEntry, normalEntry } from '../../src/core/entry.ts';
import { logId } from '../../src/core/ids.ts';
import type { SnapshotMeta } from '../../src/core/message.ts';
import type { Codec } from '../../src/ports/codec.ts';
import type { MemStateMachineOptions } from '../../src/storage/memory/index.ts';
import { MemStateMachine } from '../../src/storage/memory/index.ts';
import { FileSnapshotStore } from '../../src/storage/snapshot-files/file-snapshot-store.ts';
import { sampleBytes } from '../../src/testing/conformance/expect.ts';
import { uniformMembership } from '../../src/testing/conformance/sample-entries.ts';
import { describeValue } from './describe-value.ts';
import type { GoldenStore } from './golden-store.ts';

type StateOptions<State> = Omit<MemStateMachineOptions<State, string, null>, 'apply'>;

const codec: Codec<string, null> = msgpackCodec();

/** Small, so that a small snapshot has several. */
const BLOCK_BYTES = 512;

/** Every kind of value that a state may hold. */
function values(): Record<string, unknown> {
  return {
    text: 'zwölf Boxkämpfer',
    number: 1.5,
    large: Number.MAX_SAFE_INTEGER,
    minusZero: -0,
    infinite: Number.POSITIVE_INFINITY,
    bigint: 2n ** 63n,
    nothing: null,
    missing: undefined,
    truth: true,
    date: new Date(1_700_000_000_000),
    bytes: sampleBytes(40, 3),
    list: [1, 'two', [3]],
    map: new Map<unknown, unknown>([
      ['a', 1],
      [2, new Set(['b'])],
    ]),
  };
}

function snapshotOf<State>(name: string, options: StateOptions<State>): GoldenStore {
  const makeMachine = (): MemStateMachine<State, string, null> =>
    new MemStateMachine<State, string, null>({ ...options, apply: () => null });
  return {
    name: `snapshot-of-${name}`,

    async make(directory) {
      const machine = makeMachine();
      await machine.open(codec);
      await machine.apply(appliedEntries());
      const store = new FileSnapshotStore({ directory, blockBytes: BLOCK_BYTES });
      await store.open();
      const view = await machine.snapshot();
      const { lastApplied, lastTimeMs, membership } = view.applied;
      const writer = await store.create({ id: name, lastLogId: lastApplied, lastTimeMs, membership }, view.codecId);
      for await (const chunk of view.chunks()) await writer.write(chunk);
      await writer.publish();
      await writer.close({ keep: false });
      await view.close();
      await store.close();
      await machine.close();
    },

    async read(directory) {
      const machine = makeMachine();
      await machine.open(codec);
      const store = new FileSnapshotStore({ directory, blockBytes: BLOCK_BYTES });
      try {
        const snapshot = await store.open();
        const reader = await store.latest();
        if (reader === null) throw new Error('there is no snapshot');
        const { meta, codecId } = reader.snapshot;
        await machine.restore(meta, codecId, reader.chunks(0));
        await reader.close();
        return describeValue({ snapshot, applied: machine.applied(), state: machine.state });
      } finally {
        await store.close();
        await machine.close();
      }
    },
  };
}

function appliedEntries(): Entry[] {
  return [
    membershipEntry(logId(2, 1), 1000, uniformMembership([1, 2, 3])),
    normalEntry(logId(2, 2), 2000, codec.encodeRequest('request')),
  ];
}

/** A state of a class, which the application turns into parts itself. */
class Tally {
  readonly counts: readonly number[];

  constructor(counts: readonly number[]) {
    this.counts = counts;
  }
}

async function tallyFrom(parts: AsyncIterable<unknown>): Promise<Tally> {
  const counts: number[] = [];
  for await (const part of parts) counts.push(Number(part));
  return new Tally(counts);
}

const UNFINISHED: SnapshotMeta = {
  id: 'unfinished',
  lastLogId: logId(2, 9),
  lastTimeMs: 9000,
  membership: { logId: logId(2, 1), membership: uniformMembership([1, 2, 3]) },
};

/** Written in part, as by a process that was killed: it can be resumed. */
const unfinished: GoldenStore = {
  name: 'unfinished-snapshot',

  async make(directory) {
    const store = new FileSnapshotStore({ directory, blockBytes: BLOCK_BYTES });
    await store.open();
    const writer = await store.create(UNFINISHED, 'golden/1');
    await writer.write(sampleBytes(3 * BLOCK_BYTES, 5));
    await writer.close({ keep: true });
    await store.close();
  },

  async read(directory) {
    const store = new FileSnapshotStore({ directory, blockBytes: BLOCK_BYTES });
    const snapshot = await store.open();
    const writer = await store.create(UNFINISHED, 'golden/1');
    const { offsetBytes, checksum } = writer;
    await writer.close({ keep: true });
    await store.close();
    return describeValue({ snapshot, offsetBytes, checksum });
  },
};

export const GOLDEN_SNAPSHOTS: readonly GoldenStore[] = [
  snapshotOf('map', { initialState: () => new Map(Object.entries(values())) }),
  snapshotOf('set', { initialState: () => new Set(Object.values(values())) }),
  snapshotOf('object', { initialState: values }),
  snapshotOf('array', { initialState: () => Object.values(values()) }),
  snapshotOf('number', { initialState: () => 42 }),
  snapshotOf('tally', {
    initialState: () => new Tally([1, 2, 3]),
    snapshot: ({ counts }) => counts,
    restore: tallyFrom,
  }),
  unfinished,
];
