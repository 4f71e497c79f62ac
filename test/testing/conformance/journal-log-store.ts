/** A log store that keeps a journal on a plain disk: each of its steps can be overridden, to break it on purpose. */
import type { Entry } from '../../../src/core/entry.ts';
import type { HardState } from '../../../src/core/hard-state.ts';
import type { LogId, LogIndex } from '../../../src/core/ids.ts';
import { CorruptionError, StorageError } from '../../../src/errors.ts';
import type { LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../../src/ports/log-store.ts';
import type { LogStoreDamage, LogStorePlace } from '../../../src/testing/conformance/log-store-place.ts';
import type { PlainDisk, PlainProcess } from './plain-disk.ts';
import { plainPlace } from './plain-disk.ts';
import { decodeLine, encodeLine } from './plain-lines.ts';
import { PlainLogStore } from './plain-log-store.ts';

export type JournalRecord =
  | { readonly type: 'identity'; readonly identity: StoreIdentity }
  | { readonly type: 'hard-state'; readonly hardState: HardState }
  | { readonly type: 'append'; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly fromIndex: LogIndex }
  | { readonly type: 'purge'; readonly upTo: LogId }
  /** The last one of a store that was closed: nothing was under way. */
  | { readonly type: 'close' };

export interface JournalLine {
  readonly seq: number;
  readonly record: JournalRecord;
}

/** One line for each write, numbered, each with a checksum, each synced before the next one. */
export class JournalLogStore extends PlainLogStore {
  readonly process: PlainProcess;
  /** Of the next line. */
  seq = 0;
  tail: Promise<unknown> = Promise.resolve();
  isClosing = false;

  constructor(process: PlainProcess) {
    super();
    this.process = process;
  }

  get disk(): PlainDisk {
    return this.process.disk;
  }

  override async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    this.lock();
    try {
      await this.replay();
      await this.settle();
      if (this.identity === null) {
        const { nodeId, clusterName, newInstanceId } = options;
        const identity = { nodeId, instanceId: newInstanceId, clusterId: null, clusterName };
        await this.persist({ type: 'identity', identity });
        this.identity = identity;
      }
      return await super.open(options);
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  override saveIdentity(identity: StoreIdentity): Promise<void> {
    return this.commit({ type: 'identity', identity });
  }

  override saveHardState(hardState: HardState): Promise<void> {
    return this.commit({ type: 'hard-state', hardState });
  }

  override append(entries: readonly Entry[]): Promise<void> {
    return this.commit({ type: 'append', entries });
  }

  override truncate(fromIndex: LogIndex): Promise<void> {
    return this.commit({ type: 'truncate', fromIndex });
  }

  override purge(upTo: LogId): Promise<void> {
    return this.commit({ type: 'purge', upTo });
  }

  override async close(): Promise<void> {
    if (!this.isClosing) {
      this.isClosing = true;
      this.tail = this.tail.then(() => this.finish());
    }
    await this.tail;
  }

  async finish(): Promise<void> {
    if (this.isOpen && !this.hasFailed) {
      await this.persist({ type: 'close' }).catch(() => {});
    }
    this.isOpen = false;
    this.unlock();
  }

  /** One write after the other, each seen by readers when it is durable. */
  commit(record: JournalRecord): Promise<void> {
    if (this.isClosing) return Promise.reject(new StorageError('closed'));
    const done = this.tail.then(() => this.run(record));
    this.tail = done.catch(() => {});
    return done;
  }

  async run(record: JournalRecord): Promise<void> {
    this.checkWritable();
    if (record.type === 'append') this.checkFollows(record.entries);
    await this.persist(record);
    await this.take(record);
  }

  async persist(record: JournalRecord): Promise<void> {
    try {
      await this.write(record);
      await this.process.sync();
    } catch (error) {
      this.hasFailed = true;
      throw new StorageError('the journal could not be written', error);
    }
  }

  async write(record: JournalRecord): Promise<void> {
    const seq = this.seq;
    this.seq += 1;
    await this.process.write(encodeLine({ seq, record }));
  }

  /** What a record changes in memory. */
  async take(record: JournalRecord): Promise<void> {
    switch (record.type) {
      case 'identity':
        this.identity = record.identity;
        return;
      case 'hard-state':
        this.hardState = record.hardState;
        return;
      case 'append':
        this.entries.push(...record.entries);
        return;
      case 'truncate':
        this.entries = this.entries.filter((entry) => entry.logId.index < record.fromIndex);
        return;
      case 'purge':
        if (record.upTo.index > this.lastPurged.index) {
          this.entries = this.entries.filter((entry) => entry.logId.index > record.upTo.index);
          this.lastPurged = record.upTo;
        }
        return;
      case 'close':
        return;
    }
  }

  /** The last line may be one that was being written when the process before ended. */
  async replay(): Promise<void> {
    const { lines } = this.disk;
    for (const [position, line] of lines.entries()) {
      const found = this.decode(line);
      if (found === null && position === lines.length - 1) {
        await this.cutTail(position);
      } else if (found === null) {
        this.damaged(position, 'is damaged');
      } else if (found.seq !== this.seq) {
        this.damaged(position, `has number ${found.seq} instead of ${this.seq}`);
      } else {
        this.seq += 1;
        await this.take(found.record);
      }
    }
  }

  /** What is told must be on the disk: the process before may have been killed before it synced. */
  async settle(): Promise<void> {
    try {
      await this.process.sync();
    } catch (error) {
      throw new StorageError('the journal can not be synced', error);
    }
  }

  async cutTail(position: number): Promise<void> {
    await this.process.cut(position);
  }

  damaged(position: number, problem: string): void {
    const next = this.lastLogId().index + 1;
    throw new CorruptionError(`journal: line ${position} ${problem}; entry ${next} and what follows are not certain`);
  }

  decode(line: string): JournalLine | null {
    return decodeLine(line);
  }

  lock(): void {
    if (this.disk.owner !== null) throw new StorageError('the journal is open already');
    this.disk.owner = this.process;
  }

  unlock(): void {
    if (this.disk.owner === this.process) this.disk.owner = null;
  }
}

/** A place for such stores that can do everything. */
export function journalPlace(Store: new (process: PlainProcess) => JournalLogStore): LogStorePlace {
  const place = plainPlace((process) => new Store(process));
  return {
    ...place,
    damage: (damage) => {
      const position = place.disk.lines.findLastIndex((line) => isPart(decodeLine<JournalLine>(line)?.record, damage));
      if (damage.type === 'flip') place.disk.flip(position, damage.seed);
      else place.disk.remove(position);
    },
  };
}

function isPart(record: JournalRecord | undefined, { part, index }: LogStoreDamage): boolean {
  if (record?.type === 'append') {
    return part === 'entry' && record.entries.some(({ logId }) => logId.index === index);
  }
  return record?.type === (part === 'last-purged' ? 'purge' : part);
}
