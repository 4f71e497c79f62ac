/** A state on the disk. */
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import { membershipEntry, normalEntry } from '../../src/core/entry.ts';
import { logId } from '../../src/core/ids.ts';
import type { Codec } from '../../src/ports/codec.ts';
import { LmdbStateMachine } from '../../src/storage/lmdb/state/lmdb-state-machine.ts';
import { sampleBytes } from '../../src/testing/conformance/expect.ts';
import { uniformMembership } from '../../src/testing/conformance/sample-entries.ts';
import { describeValue } from './describe-value.ts';
import type { GoldenStore } from './golden-store.ts';

type Key = string | number | readonly (string | number)[];

interface Put {
  readonly table: string;
  readonly key: Key;
  readonly value: unknown;
}

const codec: Codec<Put, null> = msgpackCodec();

/** Keys of every kind, and values of every kind that a row may have. */
const ROWS: readonly Put[] = [
  { table: 'texts', key: '', value: 'empty key' },
  { table: 'texts', key: 'ä', value: { nested: [1, { deep: true }] } },
  { table: 'numbers', key: -1.5, value: 1 },
  { table: 'numbers', key: Number.MAX_SAFE_INTEGER, value: null },
  { table: 'lists', key: ['a', 1], value: sampleBytes(30, 2) },
  { table: 'lists', key: ['a', 2, 'b'], value: new Date(1_700_000_000_000) },
  { table: 'long', key: 'long', value: 'long '.repeat(2000) },
];

const TABLES = ['texts', 'numbers', 'lists', 'long'] as const;

function machineIn(directory: string): LmdbStateMachine<Put, null> {
  return new LmdbStateMachine<Put, null>({
    directory,
    apply(transaction, { table, key, value }) {
      transaction.table<Key, unknown>(table).put(key, value);
      return null;
    },
  });
}

export const goldenState: GoldenStore = {
  name: 'state',

  async make(directory) {
    const machine = machineIn(directory);
    await machine.open(codec);
    await machine.apply([
      membershipEntry(logId(3, 1), 1000, uniformMembership([1, 2, 3])),
      ...ROWS.map((row, position) => normalEntry(logId(3, 2 + position), 2000 + position, codec.encodeRequest(row))),
    ]);
    await machine.close();
  },

  async read(directory) {
    const machine = machineIn(directory);
    try {
      const applied = await machine.open(codec);
      const rows = machine.read((transaction) =>
        TABLES.map((table) => [table, [...transaction.table<Key, unknown>(table).range()]]),
      );
      return describeValue({ applied, tables: Object.fromEntries(rows) });
    } finally {
      await machine.close();
    }
  },
};
