/** The disk of a test node: what survives a crash, and the writes that wait in front of it. */
import type { InstallSnapshotEffect, PersistEffect } from '../../src/core/effect.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { HardState } from '../../src/core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../src/core/hard-state.ts';
import type { LogId, LogIndex } from '../../src/core/ids.ts';
import { NO_LOG_ID } from '../../src/core/ids.ts';
import type { StoredMembership } from '../../src/core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../src/core/message.ts';
import type { InitialState } from '../../src/core/state.ts';
import { boundariesOf } from './core-kit.ts';

/** A snapshot: its bytes are simply the entries that were applied. */
export interface TestSnapshot {
  readonly meta: SnapshotMeta;
  readonly entries: readonly Entry[];
}

/** A log with random access by index, of which a node has two: one on the disk and one in memory. */
export class TestLog {
  purged: LogId;
  entries: Entry[];

  constructor(purged: LogId = NO_LOG_ID, entries: readonly Entry[] = []) {
    this.purged = purged;
    this.entries = [...entries];
  }

  get lastLogId(): LogId {
    return this.entries.at(-1)?.logId ?? this.purged;
  }

  has({ term, index }: LogId): boolean {
    if (index <= this.purged.index) return true;
    return this.entries[index - this.purged.index - 1]?.logId.term === term;
  }

  /** `[fromIndex, toIndex)`; throws on a hole or on entries that are gone. */
  range(fromIndex: LogIndex, toIndex: LogIndex): Entry[] {
    const found = this.entries.slice(fromIndex - this.purged.index - 1, toIndex - this.purged.index - 1);
    if (fromIndex <= this.purged.index || found.length !== toIndex - fromIndex) {
      throw new Error(`no entries [${fromIndex}, ${toIndex}) in log (${this.purged.index}, ${this.lastLogId.index}]`);
    }
    return found;
  }

  write({ truncateFrom, entries }: Pick<PersistEffect, 'truncateFrom' | 'entries'>): void {
    if (truncateFrom !== null) {
      if (truncateFrom <= this.purged.index) throw new Error(`truncating purged entries from ${truncateFrom}`);
      this.entries = this.entries.slice(0, truncateFrom - this.purged.index - 1);
    }
    for (const entry of entries) {
      const expected = this.lastLogId.index + 1;
      if (entry.logId.index !== expected) throw new Error(`wrote entry ${entry.logId.index}, expected ${expected}`);
      this.entries.push(entry);
    }
  }

  purge(upTo: LogId): void {
    if (upTo.index <= this.purged.index) return;
    this.entries = this.entries.filter((entry) => entry.logId.index > upTo.index);
    this.purged = upTo;
  }

  discard(last: LogId): void {
    this.entries = [];
    this.purged = last;
  }
}

export class TestDisk {
  readonly log: TestLog;
  hardState: HardState = INITIAL_HARD_STATE;
  committed: LogId = NO_LOG_ID;
  snapshot: TestSnapshot | null = null;
  /** What the node knows before it has a snapshot or a membership in its log. */
  membership: StoredMembership = NO_MEMBERSHIP;
  /** How many writes there were, installations included. */
  writes = 0;

  constructor(log: TestLog = new TestLog()) {
    this.log = log;
  }

  persist(effect: PersistEffect): void {
    this.writes += 1;
    if (effect.hardState !== null) this.hardState = effect.hardState;
    this.log.write(effect);
  }

  install(effect: InstallSnapshotEffect, snapshot: TestSnapshot): void {
    this.writes += 1;
    this.snapshot = snapshot;
    if (effect.discardLog) this.log.discard(effect.meta.lastLogId);
    else this.log.purge(effect.meta.lastLogId);
    this.committed = effect.meta.lastLogId;
  }

  /**
   * Others may have held what this disk did not yet when the snapshot was built: then the log ends before the snapshot,
   * or still has what was to be replaced, and starts anew after it.
   */
  recover(): void {
    const applied = this.snapshot?.meta.lastLogId ?? NO_LOG_ID;
    if (!this.log.has(applied)) this.log.discard(applied);
  }

  /** What a restart finds. The state machine is in memory, so it starts from the snapshot. */
  initialState(): InitialState {
    const { log, snapshot } = this;
    const applied = snapshot?.meta.lastLogId ?? NO_LOG_ID;
    const stored = log.entries.flatMap(({ logId, membership }) => (membership === null ? [] : [{ logId, membership }]));
    return {
      hardState: this.hardState,
      boundaries: boundariesOf(
        log.entries.map((entry) => entry.logId.term),
        log.purged,
      ),
      purged: log.purged,
      last: log.lastLogId,
      committed: this.committed,
      applied,
      snapshot: applied,
      membership: snapshot?.meta.membership ?? this.membership,
      logMemberships: stored.filter(({ logId }) => logId.index > applied.index),
      lastTimeMs: log.entries.at(-1)?.timeMs ?? snapshot?.meta.lastTimeMs ?? 0,
    };
  }
}
