/** The simplest log store that keeps the contract: each of its steps can be overridden, to break it on purpose. */
import type { Entry } from '../../../src/core/entry.ts';
import type { HardState } from '../../../src/core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../../src/core/hard-state.ts';
import type { LogId, LogIndex } from '../../../src/core/ids.ts';
import { NO_LOG_ID } from '../../../src/core/ids.ts';
import { IdentityError, StorageError } from '../../../src/errors.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../../src/ports/log-store.ts';

/** Keeps its data when it is closed, like a file. */
export class PlainLogStore implements LogStore {
  identity: StoreIdentity | null = null;
  hardState: HardState = INITIAL_HARD_STATE;
  committed: LogId = NO_LOG_ID;
  lastPurged: LogId = NO_LOG_ID;
  entries: Entry[] = [];
  isOpen = false;
  hasFailed = false;

  async open({ nodeId, clusterName, newInstanceId }: LogStoreOpenOptions): Promise<LogStoreState> {
    this.identity ??= { nodeId, instanceId: newInstanceId, clusterId: null, clusterName };
    if (this.identity.nodeId !== nodeId || this.identity.clusterName !== clusterName) {
      throw new IdentityError('the store of another node');
    }
    this.isOpen = true;
    this.hasFailed = false;
    const { identity, hardState, committed, lastPurged } = this;
    return { identity, hardState, committed, lastPurged, lastLogId: this.lastLogId() };
  }

  async saveIdentity(identity: StoreIdentity): Promise<void> {
    this.checkWritable();
    this.identity = identity;
  }

  async saveHardState(hardState: HardState): Promise<void> {
    this.checkWritable();
    this.hardState = hardState;
  }

  async saveCommitted(committed: LogId): Promise<void> {
    this.checkWritable();
    this.committed = committed;
  }

  async append(entries: readonly Entry[]): Promise<void> {
    this.checkWritable();
    this.checkFollows(entries);
    this.entries.push(...entries);
  }

  async truncate(fromIndex: LogIndex): Promise<void> {
    this.checkWritable();
    this.entries = this.entries.filter((entry) => entry.logId.index < fromIndex);
  }

  async purge(upTo: LogId): Promise<void> {
    this.checkWritable();
    if (upTo.index > this.lastPurged.index) {
      this.entries = this.entries.filter((entry) => entry.logId.index > upTo.index);
      this.lastPurged = upTo;
    }
  }

  async read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    if (!this.isOpen) throw new StorageError('closed');
    const page: Entry[] = [];
    let bytes = 0;
    for (const entry of this.entries) {
      const { index } = entry.logId;
      if (index < fromIndex || index >= toIndex) continue;
      bytes += entry.payload.byteLength;
      if (page.length > 0 && bytes > maxBytes) break;
      page.push(entry);
    }
    return page;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  lastLogId(): LogId {
    return this.entries.at(-1)?.logId ?? this.lastPurged;
  }

  checkWritable(): void {
    if (!this.isOpen || this.hasFailed) throw new StorageError('closed or failed');
  }

  checkFollows(entries: readonly Entry[]): void {
    let { index } = this.lastLogId();
    for (const { logId } of entries) {
      index += 1;
      if (logId.index !== index) {
        this.hasFailed = true;
        throw new StorageError('a hole');
      }
    }
  }
}
