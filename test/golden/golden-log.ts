/** A node's directory as `openDurableStorage` makes it: a log with every kind of record, and a snapshot beside it. */
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../src/core/entry.ts';
import { logId } from '../../src/core/ids.ts';
import type { SnapshotMeta } from '../../src/core/message.ts';
import { openDurableStorage } from '../../src/storage/lmdb/open-durable-storage.ts';
import { sampleBytes } from '../../src/testing/conformance/expect.ts';
import { jointMembership, uniformMembership } from '../../src/testing/conformance/sample-entries.ts';
import { collect } from '../support/collect.ts';
import { describeValue } from './describe-value.ts';
import type { GoldenStore } from './golden-store.ts';

const OPTIONS = { nodeId: 7, clusterName: 'golden', newInstanceId: 'instance-7' } as const;
const TIME_MS = 1_700_000_000_000;
const ALL = Number.MAX_SAFE_INTEGER;

const SNAPSHOT: SnapshotMeta = {
  id: '2-4-golden',
  lastLogId: logId(2, 4),
  lastTimeMs: TIME_MS + 4,
  membership: { logId: logId(1, 1), membership: uniformMembership([1, 2, 7]) },
};

/** Every kind of entry, and of each the extremes. Those up to 4 are purged, those from 8 on truncated and written anew. */
function entries(): readonly (readonly Entry[])[] {
  return [
    [membershipEntry(logId(1, 1), TIME_MS, uniformMembership([1, 2, 7])), blankEntry(logId(1, 2), TIME_MS + 2)],
    [3, 4].map((index) => normalEntry(logId(2, index), TIME_MS + index, sampleBytes(20, index))),
    [normalEntry(logId(2, 5), TIME_MS + 5, new Uint8Array(0))],
    [membershipEntry(logId(2, 6), TIME_MS + 6, jointMembership())],
    [normalEntry(logId(3, 7), TIME_MS + 7, sampleBytes(5000, 7))],
    [normalEntry(logId(3, 8), TIME_MS + 8, sampleBytes(20, 8))],
  ];
}

export const goldenLog: GoldenStore = {
  name: 'node',

  async make(directory) {
    const storage = await openDurableStorage({ directory });
    const { logStore, snapshotStore } = storage;
    const { identity } = await logStore.open(OPTIONS);
    await logStore.saveIdentity({ ...identity, clusterId: 'instance-1/golden' });
    await logStore.saveHardState({ term: 3, votedFor: null });
    for (const group of entries()) await logStore.append(group);
    await logStore.truncate(8);
    await logStore.append([blankEntry(logId(4, 8), Number.MAX_SAFE_INTEGER)]);
    await logStore.saveCommitted(logId(3, 7));
    await logStore.saveHardState({ term: Number.MAX_SAFE_INTEGER, votedFor: 2 });
    await snapshotStore.open();
    const writer = await snapshotStore.create(SNAPSHOT, 'golden/1');
    await writer.write(sampleBytes(1000, 1));
    await writer.publish();
    await writer.close({ keep: false });
    await logStore.purge(SNAPSHOT.lastLogId);
    await storage.close();
  },

  async read(directory) {
    const storage = await openDurableStorage({ directory });
    try {
      const { logStore, snapshotStore } = storage;
      const log = await logStore.open({ ...OPTIONS, newInstanceId: 'another' });
      const snapshot = await snapshotStore.open();
      const reader = await snapshotStore.latest();
      if (reader === null) throw new Error('there is no snapshot');
      const bytes = Buffer.concat(await collect(reader.chunks(0)));
      await reader.close();
      return describeValue({ log, entries: await logStore.read(1, ALL, ALL), snapshot, bytes });
    } finally {
      await storage.close();
    }
  },
};
