/** A log store in one file of text: short enough to read, and it keeps the whole contract. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import type {
  Entry,
  HardState,
  LogId,
  LogIndex,
  LogStore,
  LogStoreOpenOptions,
  LogStoreState,
  StoreIdentity,
} from 'zlayer-consensus';
import { ConsensusError, CorruptionError, IdentityError, StorageError } from 'zlayer-consensus';
import type { LogWrite } from './log-lines.ts';
import { decodeLine, encodeLine, linesOf, wasClosed } from './log-lines.ts';

const NOTHING: LogId = { term: 0, index: 0 };

/** A write that waits for the disk. */
interface Waiting {
  readonly write: LogWrite;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class OwnLogStore implements LogStore {
  readonly #directory: string;
  readonly #path: string;
  #file: FileHandle | null = null;
  /** The number of the next line. */
  #nextLine = 0;
  #identity: StoreIdentity | null = null;
  #hardState: HardState = { term: 0, votedFor: null };
  #committed = NOTHING;
  #lastPurged = NOTHING;
  #entries: Entry[] = [];
  #waiting: Waiting[] = [];
  /** Ends when nothing waits any more; `null` when nothing does. */
  #writing: Promise<void> | null = null;
  #failure: StorageError | null = null;
  #closing: Promise<void> | null = null;

  /** `directory` must exist. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, 'log.v1');
  }

  async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    try {
      const file = await open(this.#path, 'a+');
      this.#file = file;
      if (!tryLock(file.fd, { exclusive: true })) throw new StorageError(`${this.#path} is open already`);
      await syncDirectory(this.#directory);
      await this.#load(file);
      return await this.#takeOwner(options);
    } catch (error) {
      await this.#file?.close();
      this.#file = null;
      if (ConsensusError.is(error)) throw error;
      throw new StorageError(`${this.#path} can't be opened: ${String(error)}`, error);
    }
  }

  async #load(file: FileHandle): Promise<void> {
    const bytes = await file.readFile();
    const isComplete = wasClosed(bytes);
    for (const { start, end } of linesOf(bytes)) {
      const line = decodeLine(bytes.subarray(start, end));
      if (line === null && end === bytes.byteLength && !isComplete) {
        await file.truncate(start);
        break;
      }
      if (line?.number !== this.#nextLine) throw this.#damage();
      this.#nextLine += 1;
      for (const write of line.writes) this.#change(write);
    }
    await file.sync();
  }

  #damage(): CorruptionError {
    const lost = `line ${this.#nextLine} is damaged or missing, and entry ${this.#last.index + 1} with it`;
    return new CorruptionError(`${this.#path}: ${lost}; restore the file, or remove this node and add it as new`);
  }

  async #takeOwner({ nodeId, clusterName, newInstanceId }: LogStoreOpenOptions): Promise<LogStoreState> {
    if (this.#identity === null) {
      await this.#write({ identity: { nodeId, instanceId: newInstanceId, clusterId: null, clusterName } });
    }
    const identity = this.#identity;
    if (identity?.nodeId !== nodeId || identity.clusterName !== clusterName) {
      throw new IdentityError(`${this.#path} belongs to node ${identity?.nodeId} of '${identity?.clusterName}'`);
    }
    return {
      identity,
      hardState: this.#hardState,
      committed: this.#committed,
      lastPurged: this.#lastPurged,
      lastLogId: this.#last,
    };
  }

  saveIdentity(identity: StoreIdentity): Promise<void> {
    return this.#write({ identity });
  }

  saveHardState(hardState: HardState): Promise<void> {
    return this.#write({ hardState });
  }

  saveCommitted(committed: LogId): Promise<void> {
    return this.#write({ committed });
  }

  append(entries: readonly Entry[]): Promise<void> {
    return this.#write({ append: entries });
  }

  truncate(fromIndex: LogIndex): Promise<void> {
    return this.#write({ truncateFrom: fromIndex });
  }

  purge(upTo: LogId): Promise<void> {
    return this.#write({ purgeTo: upTo });
  }

  #write(write: LogWrite): Promise<void> {
    if (this.#file === null || this.#closing !== null) {
      return Promise.reject(new StorageError('the log store is closed'));
    }
    if (this.#failure !== null) {
      return Promise.reject(new StorageError('an earlier write failed', this.#failure));
    }
    if (!this.#follows(write.append ?? [])) {
      this.#failure = new StorageError(`an append leaves a hole after ${this.#last.term}:${this.#last.index}`);
      return Promise.reject(this.#failure);
    }
    this.#change(write);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#writing ??= this.#writeAll(this.#file);
    });
  }

  get #last(): LogId {
    return this.#entries.at(-1)?.logId ?? this.#lastPurged;
  }

  #follows(entries: readonly Entry[]): boolean {
    const { index } = this.#last;
    return entries.every(({ logId }, position) => logId.index === index + 1 + position);
  }

  /** What a write changes in memory. */
  #change({ identity, hardState, committed, append, truncateFrom, purgeTo }: LogWrite): void {
    this.#identity = identity ?? this.#identity;
    this.#hardState = hardState ?? this.#hardState;
    this.#committed = committed ?? this.#committed;
    if (append !== undefined) this.#entries.push(...append);
    if (truncateFrom !== undefined) this.#entries = this.#entries.filter(({ logId }) => logId.index < truncateFrom);
    if (purgeTo !== undefined && purgeTo.index > this.#lastPurged.index) {
      this.#entries = this.#entries.filter(({ logId }) => logId.index > purgeTo.index);
      this.#lastPurged = purgeTo;
    }
  }

  /** All that waits goes to the disk as one line, while the next ones gather. */
  async #writeAll(file: FileHandle | null): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#failure !== null) throw this.#failure;
        await file?.appendFile(
          encodeLine(
            this.#nextLine,
            group.map(({ write }) => write),
          ),
        );
        await file?.datasync();
        this.#nextLine += 1;
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#failure ??= new StorageError(`${this.#path} can't be written: ${String(error)}`, error);
        for (const { reject } of group) reject(this.#failure);
      }
    }
    this.#writing = null;
  }

  async read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    if (this.#file === null || this.#closing !== null) throw new StorageError('read: the log store is closed');
    const range = this.#entries.filter(({ logId: { index } }) => index >= fromIndex && index < toIndex);
    let bytes = 0;
    const end = range.findIndex(({ payload }, position) => {
      bytes += payload.byteLength;
      return position > 0 && bytes > maxBytes;
    });
    return end === -1 ? range : range.slice(0, end);
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    await this.#writing;
    const file = this.#file;
    try {
      if (this.#failure === null) await file?.appendFile(encodeLine(this.#nextLine, []));
    } finally {
      await file?.close();
    }
  }
}

/** Makes the name of a new file durable: without it, a power cut may leave the directory without the file. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
