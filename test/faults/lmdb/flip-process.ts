/**
 * Opens logs with a flipped bit, one after the other: `node flip-process.ts '<task as JSON>'` prints one line of JSON for
 * each. LMDB trusts its pages: the process may die of one, and its parent goes on with the next.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { HardState } from '../../../src/core/hard-state.ts';
import type { LogId } from '../../../src/core/ids.ts';
import { ConsensusError } from '../../../src/errors.ts';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { isSameEntry, messagesOf } from '../../../src/testing/conformance/expect.ts';
import { sampleEntries } from '../../../src/testing/conformance/sample-entries.ts';

export interface FlipTask {
  /** Holds `data.mdb`, as `writeSampleLog` made it. */
  readonly original: string;
  /** For the damaged copies. */
  readonly scratch: string;
  /** Bits, counted from the start of the file. */
  readonly bits: readonly number[];
}

/**
 * - `detected`: an error of the library says so, when it is opened or read.
 * - `harmless`: everything is there, as it was written, and the log takes more.
 * - `wrong`: something is missing or different, and nothing says so.
 * - `foreign error`: an error that is not one of the library.
 */
export type FlipResult = 'detected' | 'harmless' | 'wrong' | 'foreign error';

export interface FlipReport {
  readonly bit: number;
  readonly result: FlipResult;
  readonly message: string;
}

const OPTIONS = { nodeId: 1, clusterName: 'flips', newInstanceId: 'a' } as const;
const HARD_STATE: HardState = { term: 9, votedFor: 1 };
const PURGED: LogId = { term: 1, index: 60 };
const LAST_INDEX = 260;
const ALL = Number.MAX_SAFE_INTEGER;

/** Groups of every size, some of them purged, so that the file has pages of every kind, free ones too. */
export async function writeSampleLog(directory: string): Promise<void> {
  const store = new LmdbLogStore({ directory });
  await store.open(OPTIONS);
  for (let index = 1; index <= LAST_INDEX; index += 1) {
    await store.append(sampleEntries(1, index, index + 1, payloadBytes(index)));
    if (index % 50 === 0) await store.saveHardState({ term: index / 50, votedFor: null });
  }
  await store.purge(PURGED);
  await store.saveHardState(HARD_STATE);
  await store.close();
}

/** Mostly small, so that there are many leaves and branches. */
function payloadBytes(index: number): number {
  return index % 20 === 0 ? 9000 : 300;
}

async function look(directory: string): Promise<FlipResult> {
  const store = new LmdbLogStore({ directory });
  try {
    const { identity, hardState, lastPurged, lastLogId } = await store.open(OPTIONS);
    const entries = await store.read(1, ALL, ALL);
    const isSame =
      identity.instanceId === OPTIONS.newInstanceId &&
      hardState.term === HARD_STATE.term &&
      hardState.votedFor === HARD_STATE.votedFor &&
      lastPurged.index === PURGED.index &&
      lastLogId.index === LAST_INDEX &&
      entries.length === LAST_INDEX - PURGED.index &&
      entries.every((entry, position) => {
        const index = PURGED.index + 1 + position;
        const [written] = sampleEntries(1, index, index + 1, payloadBytes(index));
        return written !== undefined && isSameEntry(entry, written);
      });
    if (!isSame) return 'wrong';
    const more = sampleEntries(1, LAST_INDEX + 1, LAST_INDEX + 40, 300);
    // A damaged list of free pages would let this overwrite what is in use.
    await store.append(more);
    const all = await store.read(1, ALL, ALL);
    const isWhole = [...entries, ...more].every((entry, position) => {
      const found = all[position];
      return found !== undefined && isSameEntry(found, entry);
    });
    return isWhole && all.length === entries.length + more.length ? 'harmless' : 'wrong';
  } finally {
    await store.close();
  }
}

async function lookAtFlip(original: Buffer, scratch: string, bit: number): Promise<FlipReport> {
  const directory = join(scratch, String(bit));
  mkdirSync(directory);
  const damaged = Buffer.from(original);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  writeFileSync(join(directory, 'data.mdb'), damaged);
  try {
    return { bit, result: await look(directory), message: '' };
  } catch (error) {
    return { bit, result: ConsensusError.is(error) ? 'detected' : 'foreign error', message: messagesOf(error) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const [, program, task] = process.argv;
if (program === import.meta.filename) {
  // A cast: only the tests start this program.
  const { original, scratch, bits } = JSON.parse(task ?? '') as FlipTask;
  const bytes = readFileSync(join(original, 'data.mdb'));
  for (const bit of bits) writeSync(1, `${JSON.stringify(await lookAtFlip(bytes, scratch, bit))}\n`);
}
