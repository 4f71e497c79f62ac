/** Memory stores whose calls fail or wait when a test says so. */
import type { Entry } from '../../src/core/entry.ts';
import type { HardState } from '../../src/core/hard-state.ts';
import type { LogId, LogIndex } from '../../src/core/ids.ts';
import type { SnapshotMeta } from '../../src/core/message.ts';
import { StorageError } from '../../src/errors.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../src/ports/log-store.ts';
import type { SnapshotReader, SnapshotStore, SnapshotWriter, StoredSnapshot } from '../../src/ports/snapshot-store.ts';
import { MemLogStore, MemSnapshotStore } from '../../src/storage/memory/index.ts';
import { Gate } from './fake-gate.ts';
import { override } from './override.ts';

export type LogStoreWrite = 'append' | 'saveHardState' | 'saveCommitted' | 'truncate' | 'purge' | 'saveIdentity';
export type LogStoreCall = LogStoreWrite | 'open' | 'read' | 'close';

/** Writes take effect at the call, in order, and are durable when they are let go. After a failure none succeeds. */
export class FakeLogStore implements LogStore {
  readonly inner: LogStore;
  readonly gate: Gate<LogStoreCall> = new Gate<LogStoreCall>();
  /** What each write did, e.g. `append 3-5`. */
  readonly writes: string[] = [];
  #failure: unknown = null;

  constructor(inner: LogStore = new MemLogStore()) {
    this.inner = inner;
  }

  /** Writes are started but not finished until `gate.release`. */
  holdWrites(): void {
    this.gate.hold('append', 'saveHardState', 'truncate', 'purge', 'saveIdentity', 'saveCommitted');
  }

  async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    await this.gate.enter('open');
    this.#failure = null;
    return await this.inner.open(options);
  }

  saveIdentity(identity: StoreIdentity): Promise<void> {
    return this.#write('saveIdentity', `identity ${identity.clusterId}`, () => this.inner.saveIdentity(identity));
  }

  saveHardState(hardState: HardState): Promise<void> {
    const what = `hard-state ${hardState.term}/${hardState.votedFor}`;
    return this.#write('saveHardState', what, () => this.inner.saveHardState(hardState));
  }

  saveCommitted(committed: LogId): Promise<void> {
    return this.#write('saveCommitted', `committed ${committed.index}`, () => this.inner.saveCommitted(committed));
  }

  append(entries: readonly Entry[]): Promise<void> {
    const what = `append ${entries[0]?.logId.index}-${entries.at(-1)?.logId.index}`;
    return this.#write('append', what, () => this.inner.append(entries));
  }

  truncate(fromIndex: LogIndex): Promise<void> {
    return this.#write('truncate', `truncate ${fromIndex}`, () => this.inner.truncate(fromIndex));
  }

  purge(upTo: LogId): Promise<void> {
    return this.#write('purge', `purge ${upTo.index}`, () => this.inner.purge(upTo));
  }

  async read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    await this.gate.enter('read');
    return await this.inner.read(fromIndex, toIndex, maxBytes);
  }

  async close(): Promise<void> {
    await this.gate.enter('close');
    await this.inner.close();
  }

  async #write(name: LogStoreWrite, what: string, write: () => Promise<void>): Promise<void> {
    if (this.#failure !== null) throw new StorageError('an earlier write failed', this.#failure);
    try {
      // A write that is to fail leaves nothing behind; one that waits is done, but not known to be durable.
      const held = this.gate.enter(name);
      this.writes.push(what);
      await Promise.all([write(), held]);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

export type SnapshotStoreCall = 'open' | 'create' | 'write' | 'publish' | 'latest' | 'read' | 'close';

export class FakeSnapshotStore implements SnapshotStore {
  readonly inner: SnapshotStore;
  readonly gate: Gate<SnapshotStoreCall> = new Gate<SnapshotStoreCall>();
  openWriters = 0;
  openReaders = 0;

  constructor(inner: SnapshotStore = new MemSnapshotStore()) {
    this.inner = inner;
  }

  async open(): Promise<StoredSnapshot | null> {
    await this.gate.enter('open');
    return await this.inner.open();
  }

  async create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter> {
    await this.gate.enter('create');
    const writer = await this.inner.create(meta, codecId);
    this.openWriters += 1;
    return override(writer, {
      write: async (chunk) => {
        await this.gate.enter('write');
        await writer.write(chunk);
      },
      publish: async () => {
        await this.gate.enter('publish');
        return await writer.publish();
      },
      close: async (options) => {
        this.openWriters -= 1;
        await writer.close(options);
      },
    });
  }

  async latest(): Promise<SnapshotReader | null> {
    await this.gate.enter('latest');
    const reader = await this.inner.latest();
    if (reader === null) return null;
    this.openReaders += 1;
    const gate = this.gate;
    return override(reader, {
      chunks: (fromOffset) => gatedChunks(gate, reader.chunks(fromOffset)),
      close: async () => {
        this.openReaders -= 1;
        await reader.close();
      },
    });
  }

  async close(): Promise<void> {
    await this.gate.enter('close');
    await this.inner.close();
  }
}

async function* gatedChunks(
  gate: Gate<SnapshotStoreCall>,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    await gate.enter('read');
    yield chunk;
  }
}
