/** A log store that lives as long as its object: for tests, benchmarks and clusters that may forget. */
import type { Entry } from '../../core/entry.ts';
import type { HardState } from '../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import { StorageError } from '../../errors.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../ports/log-store.ts';
import { checkAdoption, checkOwner } from '../../ports/store-identity.ts';
import { EntryChunks } from './entry-chunks.ts';

/** What every write in memory returns: it is as durable as it will ever be. */
const DONE: Promise<void> = Promise.resolve();

/**
 * Keeps the log in memory. Writes take effect at once and resolve at once.
 *
 * The data stays with the object: after `close`, a second `open` finds it again, so that a test can restart a node from
 * its store. A new object is an empty store. **A node that loses its memory loses its vote**: never start one again
 * under the same id with a new `MemLogStore`; remove it from the cluster and add it anew.
 */
export class MemLogStore implements LogStore {
  readonly #entries = new EntryChunks();
  #identity: StoreIdentity | null = null;
  #hardState: HardState = INITIAL_HARD_STATE;
  #committed: LogId = NO_LOG_ID;
  #lastPurged: LogId = NO_LOG_ID;
  #isOpen = false;
  #failure: unknown = null;

  /**
   * @throws IdentityError when the object was opened for another node or cluster name before
   * @throws StorageError when it is open
   */
  async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    if (this.#isOpen) {
      throw new StorageError('this MemLogStore is open already: each node needs its own');
    }
    const identity = this.#identity ?? {
      nodeId: options.nodeId,
      instanceId: options.newInstanceId,
      clusterId: null,
      clusterName: options.clusterName,
    };
    checkOwner(identity, options, 'this MemLogStore');
    this.#identity = identity;
    this.#isOpen = true;
    this.#failure = null;
    return {
      identity,
      hardState: this.#hardState,
      committed: this.#committed,
      lastPurged: this.#lastPurged,
      lastLogId: this.#lastLogId(),
    };
  }

  /** @throws IdentityError when anything but a missing cluster id would change */
  saveIdentity(identity: StoreIdentity): Promise<void> {
    const current = this.#identity;
    if (!this.#isWritable() || current === null) {
      return this.#refuseWrite('saveIdentity');
    }
    try {
      checkAdoption(current, identity);
    } catch (error) {
      return this.#fail(error);
    }
    this.#identity = identity;
    return DONE;
  }

  saveHardState(hardState: HardState): Promise<void> {
    if (!this.#isWritable()) {
      return this.#refuseWrite('saveHardState');
    }
    this.#hardState = hardState;
    return DONE;
  }

  saveCommitted(committed: LogId): Promise<void> {
    if (!this.#isWritable()) {
      return this.#refuseWrite('saveCommitted');
    }
    this.#committed = committed;
    return DONE;
  }

  /** @throws StorageError when an index is not the next one or a term decreases; nothing is appended then */
  append(entries: readonly Entry[]): Promise<void> {
    if (!this.#isWritable()) {
      return this.#refuseWrite('append');
    }
    let { term, index } = this.#lastLogId();
    for (const { logId: id } of entries) {
      if (id.index !== index + 1 || id.term < term) {
        return this.#fail(
          new StorageError(`can't append ${id.term}:${id.index} to a log that ends with ${term}:${index}`),
        );
      }
      ({ term, index } = id);
    }
    this.#entries.push(entries);
    return DONE;
  }

  truncate(fromIndex: LogIndex): Promise<void> {
    if (!this.#isWritable()) {
      return this.#refuseWrite('truncate');
    }
    this.#entries.removeFrom(fromIndex);
    return DONE;
  }

  /** Takes time in proportion to the entries removed divided by the size of a chunk. */
  purge(upTo: LogId): Promise<void> {
    if (!this.#isWritable()) {
      return this.#refuseWrite('purge');
    }
    if (upTo.index > this.#lastPurged.index) {
      this.#entries.removeBefore(upTo.index + 1);
      this.#lastPurged = upTo;
    }
    return DONE;
  }

  async read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    if (!this.#isOpen) {
      throw new StorageError('read: the log store is closed');
    }
    return this.#entries.read(fromIndex, toIndex, maxBytes);
  }

  close(): Promise<void> {
    this.#isOpen = false;
    return DONE;
  }

  #lastLogId(): LogId {
    return this.#entries.last?.logId ?? this.#lastPurged;
  }

  #isWritable(): boolean {
    return this.#isOpen && this.#failure === null;
  }

  #refuseWrite(action: string): Promise<never> {
    const reason = this.#isOpen ? 'an earlier write failed' : 'the log store is closed';
    return Promise.reject(new StorageError(`${action}: ${reason}`, this.#failure ?? undefined));
  }

  /** A caller that lost track must not write on: the writes after a refused one build on it. */
  #fail(error: unknown): Promise<never> {
    this.#failure = error;
    return Promise.reject(error);
  }
}
