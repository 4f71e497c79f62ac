/**
 * A process with a durable log of its own, for what a test should not meet itself: a full disk, missing rights, a file
 * that makes LMDB crash. `node log-process.ts '<task as JSON>'` prints what it saw as one line of JSON.
 */
import { rmSync, writeSync } from 'node:fs';
import type { Entry } from '../../../src/core/entry.ts';
import { NO_LOG_ID } from '../../../src/core/ids.ts';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import { messagesOf } from '../../../src/testing/conformance/expect.ts';
import { sampleEntries } from '../../../src/testing/conformance/sample-entries.ts';

export interface LogTask {
  /**
   * - `hold`: open it and stay.
   * - `read`: open it and read everything.
   * - `fill`: append until that fails; then remove `ballast`, open it again and read everything.
   */
  readonly type: 'hold' | 'read' | 'fill';
  readonly directory: string;
  /** Give up root's rights first, as these ignore those of files. */
  readonly isUnprivileged?: boolean;
  readonly ballast?: string;
}

export interface LogReport {
  /** The code of the error that ended it; `null` when there was none. */
  readonly code: string | null;
  readonly message: string;
  /** Entries whose append was acknowledged. */
  readonly acknowledged: number;
  /** Entries that were read in the end, all of them as they were written. */
  readonly found: number;
  readonly unhandledRejections: number;
}

export const LOG_OPTIONS = { nodeId: 1, clusterName: 'faults', newInstanceId: 'a' } as const;

const BATCH = 20;
const PAYLOAD_BYTES = 2000;
const BATCHES_MAX = 1000;
const NOBODY = 65_534;

/** The entries `[1, count]` of every log here. */
export function faultEntries(fromIndex: number, toIndex: number): Entry[] {
  return sampleEntries(1, fromIndex, toIndex, PAYLOAD_BYTES);
}

/** Everything in an open log, compared with what was written. @throws CorruptionError, StorageError, Error */
export async function readAndCompare(store: LmdbLogStore): Promise<number> {
  const entries: Entry[] = [];
  let read = await store.read(1, Number.MAX_SAFE_INTEGER, 100_000);
  while (read.length > 0) {
    entries.push(...read);
    read = await store.read(entries.length + 1, Number.MAX_SAFE_INTEGER, 100_000);
  }
  const written = faultEntries(1, entries.length + 1);
  const wrong = entries.findIndex(
    ({ payload }, position) => Buffer.compare(payload, written[position]?.payload ?? payload) !== 0,
  );
  if (wrong !== -1) throw new Error(`entry ${wrong + 1} has other bytes`);
  return entries.length;
}

class LogProcess {
  readonly #task: LogTask;
  #acknowledged = 0;
  #unhandledRejections = 0;

  constructor(task: LogTask) {
    this.#task = task;
    process.on('unhandledRejection', () => {
      this.#unhandledRejections += 1;
    });
  }

  async run(): Promise<void> {
    if (this.#task.isUnprivileged === true && process.getuid?.() === 0) {
      process.setgid?.(NOBODY);
      process.setuid?.(NOBODY);
    }
    const failure = await this.#attempt();
    const found = this.#task.type === 'hold' ? 0 : await this.#readAgain();
    // What is not handled is reported in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    this.#report(failure, found);
  }

  async #attempt(): Promise<unknown> {
    const { type, directory } = this.#task;
    const store = new LmdbLogStore({ directory });
    try {
      const { lastLogId } = await store.open(LOG_OPTIONS);
      if (type === 'hold') {
        this.#report(null, 0);
        await new Promise(() => setInterval(() => undefined, 2 ** 30));
      }
      if (type === 'fill') await this.#fill(store, lastLogId.index);
      if (type === 'read') await readAndCompare(store);
      return null;
    } catch (error) {
      return error;
    } finally {
      await store.close();
    }
  }

  /** Several are under way at a time: none of them may be acknowledged after one failed. */
  async #fill(store: LmdbLogStore, last: number): Promise<void> {
    let hasFailed = false;
    const appends: Promise<void>[] = [];
    for (let batch = 0; batch < BATCHES_MAX && !hasFailed; batch += 1) {
      const fromIndex = last + 1 + batch * BATCH;
      const append = store.append(faultEntries(fromIndex, fromIndex + BATCH)).then(
        () => {
          if (hasFailed) throw new Error('acknowledged after a failure');
          this.#acknowledged = fromIndex + BATCH - 1;
        },
        (error: unknown) => {
          hasFailed = true;
          throw error;
        },
      );
      append.catch(() => undefined);
      appends.push(append);
      if (batch % 3 === 2) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(appends);
  }

  async #readAgain(): Promise<number> {
    const { directory, ballast } = this.#task;
    if (ballast !== undefined) rmSync(ballast);
    const store = new LmdbLogStore({ directory });
    try {
      const { lastPurged } = await store.open(LOG_OPTIONS);
      return lastPurged.index === NO_LOG_ID.index ? await readAndCompare(store) : 0;
    } catch {
      return 0;
    } finally {
      await store.close();
    }
  }

  #report(failure: unknown, found: number): void {
    const { code } = (failure ?? {}) as { readonly code?: string };
    const report: LogReport = {
      code: failure === null ? null : (code ?? 'none'),
      message: failure === null ? '' : messagesOf(failure),
      acknowledged: this.#acknowledged,
      found,
      unhandledRejections: this.#unhandledRejections,
    };
    writeSync(1, `${JSON.stringify(report)}\n`);
  }
}

const [, program, task] = process.argv;
// A cast: only the tests start this program.
if (program === import.meta.filename) await new LogProcess(JSON.parse(task ?? '') as LogTask).run();
