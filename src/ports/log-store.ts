/** Where the log, the hard state and the identity of a node live. */
import type { Entry } from '../core/entry.ts';
import type { HardState } from '../core/hard-state.ts';
import type { LogId, LogIndex, NodeId } from '../core/ids.ts';

/** Tells stores apart: whose data this is. */
export interface StoreIdentity {
  readonly nodeId: NodeId;
  /** Made when the store was created; a copied or wiped disk is recognised by it. */
  readonly instanceId: string;
  /** Made at bootstrap and adopted by every joiner; `null` until then. */
  readonly clusterId: string | null;
  /** The user's name for the cluster. */
  readonly clusterName: string;
}

export interface LogStoreOpenOptions {
  readonly nodeId: NodeId;
  readonly clusterName: string;
  /** The instance id to record if this store is new. */
  readonly newInstanceId: string;
}

export interface LogStoreState {
  readonly identity: StoreIdentity;
  readonly hardState: HardState;
  /** The last saved committed LogId; `NO_LOG_ID` when none. */
  readonly committed: LogId;
  readonly lastPurged: LogId;
  /** The last entry; equals `lastPurged` when the log is empty. */
  readonly lastLogId: LogId;
}

/**
 * The log: a range of entries without holes, `(lastPurged, lastLogId]`.
 *
 * Writes take effect in the order of the calls, also when the caller does not wait in between; a promise resolves when
 * its write and all before it are durable. After a write failed, every later one fails too. Entries are read as
 * written; after `truncate` or `purge` resolved no reader sees what was removed, and a read never mixes old and new.
 */
export interface LogStore {
  /**
   * Opens (or creates) the store. Called once.
   * @throws IdentityError when it belongs to another node or cluster name
   * @throws CorruptionError when something acknowledged is missing or damaged
   */
  open(options: LogStoreOpenOptions): Promise<LogStoreState>;
  /** Records the cluster id that was made or adopted. */
  saveIdentity(identity: StoreIdentity): Promise<void>;
  saveHardState(hardState: HardState): Promise<void>;
  /** May be lazy: losing it only makes a restart re-learn the commit index. */
  saveCommitted(committed: LogId): Promise<void>;
  /** All or nothing. The first entry must follow the last one. The array and its entries must not change afterwards. */
  append(entries: readonly Entry[]): Promise<void>;
  /** Removes `fromIndex` and everything after it; no-op past the end. */
  truncate(fromIndex: LogIndex): Promise<void>;
  /**
   * Removes everything up to and including `upTo`, which becomes last purged; it may lie beyond the end. Never goes
   * back: an `upTo` at or before last purged changes nothing.
   */
  purge(upTo: LogId): Promise<void>;
  /**
   * Entries from `fromIndex` on, before `toIndex`, up to `maxBytes`: a prefix of the range, at least one entry if the
   * range holds any. Indexes outside the log are left out.
   */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]>;
  /** Waits for writes under way, then releases everything. Safe to call twice. */
  close(): Promise<void>;
}
