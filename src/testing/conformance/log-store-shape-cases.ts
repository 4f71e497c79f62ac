/** Log store cases of one form: write this, and the log must look like that, also to the next append and when reopened. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import type { LogId } from '../../core/ids.ts';
import { logId, NO_LOG_ID } from '../../core/ids.ts';
import type { LogStore } from '../../ports/log-store.ts';
import type { Checks } from './conformance-suite.ts';
import { expectEntries } from './expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { readAll } from './log-store-world.ts';
import { entriesOfEveryKind, sampleEntries, sampleEntry, sampleLog } from './sample-entries.ts';

/** A log and how it comes about. */
interface LogShape {
  readonly write: (store: LogStore) => Promise<void>;
  readonly lastPurged: LogId;
  readonly lastLogId: LogId;
  readonly entries: readonly Entry[];
}

const LOG = sampleLog();

/** The sample log without its first `count` entries. */
function logWithout(count: number): readonly Entry[] {
  return LOG.slice(count);
}

/** Starts from the sample log. */
function fromSampleLog(write: (store: LogStore) => Promise<void>, expected: Omit<LogShape, 'write'>): LogShape {
  return {
    write: async (store) => {
      await store.append(LOG);
      await write(store);
    },
    ...expected,
  };
}

const SHAPES: Readonly<Record<string, LogShape>> = {
  'D-01 a new log is empty': {
    write: async () => {},
    lastPurged: NO_LOG_ID,
    lastLogId: NO_LOG_ID,
    entries: [],
  },
  'entries of every kind are read as they were written': {
    write: (store) => store.append(entriesOfEveryKind()),
    lastPurged: NO_LOG_ID,
    lastLogId: logId(1, 6),
    entries: entriesOfEveryKind(),
  },
  'an append of nothing changes nothing': {
    write: async (store) => {
      await store.append([]);
      await store.append([sampleEntry(1, 1)]);
      await store.append([]);
    },
    lastPurged: NO_LOG_ID,
    lastLogId: logId(1, 1),
    entries: [sampleEntry(1, 1)],
  },
  'D-19 the last LogId is that of the last entry': {
    write: async (store) => {
      await store.append([sampleEntry(1, 1)]);
      await store.append(sampleEntries(2, 2, 4));
    },
    lastPurged: NO_LOG_ID,
    lastLogId: logId(2, 3),
    entries: [sampleEntry(1, 1), ...sampleEntries(2, 2, 4)],
  },
  'D-19 the last LogId is the last purged one when all entries are purged': fromSampleLog(
    (store) => store.purge(logId(2, 11)),
    { lastPurged: logId(2, 11), lastLogId: logId(2, 11), entries: [] },
  ),
  'D-21 a purge removes the first entry': fromSampleLog((store) => store.purge(logId(1, 1)), {
    lastPurged: logId(1, 1),
    lastLogId: logId(2, 11),
    entries: logWithout(1),
  }),
  'D-21 a purge removes everything up to and including its LogId': fromSampleLog((store) => store.purge(logId(2, 6)), {
    lastPurged: logId(2, 6),
    lastLogId: logId(2, 11),
    entries: logWithout(6),
  }),
  'D-22 a purge beyond the end leaves an empty log that goes on after it': fromSampleLog(
    (store) => store.purge(logId(2, 21)),
    { lastPurged: logId(2, 21), lastLogId: logId(2, 21), entries: [] },
  ),
  'a purge of an empty log lets it go on after it': {
    write: (store) => store.purge(logId(4, 30)),
    lastPurged: logId(4, 30),
    lastLogId: logId(4, 30),
    entries: [],
  },
  'a purge never goes back': fromSampleLog(
    async (store) => {
      await store.purge(logId(2, 6));
      await store.purge(logId(2, 6));
      await store.purge(NO_LOG_ID);
      await store.purge(logId(2, 3));
    },
    { lastPurged: logId(2, 6), lastLogId: logId(2, 11), entries: logWithout(6) },
  ),
  'a purge beyond the end never goes back': fromSampleLog(
    async (store) => {
      await store.purge(logId(2, 21));
      await store.purge(logId(2, 15));
    },
    { lastPurged: logId(2, 21), lastLogId: logId(2, 21), entries: [] },
  ),
  'D-23 a truncate past the end removes nothing': fromSampleLog((store) => store.truncate(12), {
    lastPurged: NO_LOG_ID,
    lastLogId: logId(2, 11),
    entries: LOG,
  }),
  'D-24 a truncate from the first entry empties the log': fromSampleLog((store) => store.truncate(1), {
    lastPurged: NO_LOG_ID,
    lastLogId: NO_LOG_ID,
    entries: [],
  }),
  'a truncate removes its index and everything after it': fromSampleLog((store) => store.truncate(6), {
    lastPurged: NO_LOG_ID,
    lastLogId: logId(2, 5),
    entries: LOG.slice(0, 5),
  }),
  'a truncate of all entries after a purge leaves the last purged LogId': fromSampleLog(
    async (store) => {
      await store.purge(logId(2, 6));
      await store.truncate(7);
    },
    { lastPurged: logId(2, 6), lastLogId: logId(2, 6), entries: [] },
  ),
  'a truncate past the end of a purged log removes nothing': fromSampleLog(
    async (store) => {
      await store.purge(logId(2, 21));
      await store.truncate(22);
    },
    { lastPurged: logId(2, 21), lastLogId: logId(2, 21), entries: [] },
  ),
  'entries of a later term take the place of truncated ones': fromSampleLog(
    async (store) => {
      await store.truncate(6);
      await store.append(sampleEntries(3, 6, 9));
      await store.truncate(8);
      await store.append(sampleEntries(4, 8, 10));
    },
    {
      lastPurged: NO_LOG_ID,
      lastLogId: logId(4, 9),
      entries: [...LOG.slice(0, 5), ...sampleEntries(3, 6, 8), ...sampleEntries(4, 8, 10)],
    },
  ),
  'D-25 an append follows what a purge left': fromSampleLog(
    async (store) => {
      await store.purge(logId(1, 1));
      await store.append([sampleEntry(3, 12)]);
    },
    { lastPurged: logId(1, 1), lastLogId: logId(3, 12), entries: [...logWithout(1), sampleEntry(3, 12)] },
  ),
  'an append follows a purge beyond the end': fromSampleLog(
    async (store) => {
      await store.purge(logId(5, 20));
      await store.append([sampleEntry(5, 21)]);
    },
    { lastPurged: logId(5, 20), lastLogId: logId(5, 21), entries: [sampleEntry(5, 21)] },
  ),
  'a log that was discarded for a snapshot goes on after the snapshot': fromSampleLog(
    async (store) => {
      await store.truncate(1);
      await store.purge(logId(4, 8));
      await store.append(sampleEntries(4, 9, 11));
    },
    { lastPurged: logId(4, 8), lastLogId: logId(4, 10), entries: sampleEntries(4, 9, 11) },
  ),
};

/** The log as it looks to readers, and to the next append. */
export const shapeChecks: Checks<LogStoreWorld> = mapShapes('', async (world, shape) => {
  await shape.write(world.store);
  await expectLog(world.store, shape);
});

/** The log as it looks when the store is opened again. */
export const reopenedShapeChecks: Checks<LogStoreWorld> = mapShapes(', also when reopened', async (world, shape) => {
  await shape.write(world.store);
  const { lastPurged, lastLogId } = await world.reopen();
  assert.deepEqual({ lastPurged: { ...lastPurged }, lastLogId: { ...lastLogId } }, pointersOf(shape));
  await expectLog(world.store, shape);
});

function mapShapes(
  suffix: string,
  check: (world: LogStoreWorld, shape: LogShape) => Promise<void>,
): Checks<LogStoreWorld> {
  const checks = Object.entries(SHAPES).map(([name, shape]) => [
    `${name}${suffix}`,
    (world: LogStoreWorld) => check(world, shape),
  ]);
  return Object.fromEntries(checks);
}

function pointersOf({ lastPurged, lastLogId }: LogShape): object {
  return { lastPurged: { ...lastPurged }, lastLogId: { ...lastLogId } };
}

async function expectLog(store: LogStore, { lastLogId, entries }: LogShape): Promise<void> {
  expectEntries(await readAll(store), entries);
  const next = sampleEntry(lastLogId.term + 1, lastLogId.index + 1);
  await store.append([next]);
  expectEntries(await readAll(store), [...entries, next]);
}
