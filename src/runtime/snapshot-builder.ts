/** Builds snapshots of the own state, so that the log can be cut. */
import type { LogId, LogIndex } from '../core/ids.ts';
import type { SnapshotMeta } from '../core/message.ts';
import type { Timers } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { StoredSnapshot } from '../ports/snapshot-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { SnapshotSpace } from './fail-stop-snapshots.ts';

export interface SnapshotBuilderParts {
  readonly stateMachine: StateMachine<unknown, unknown>;
  readonly snapshotStore: SnapshotSpace;
  readonly timers: Timers;
  readonly random: Random;
  /** Build when so many entries were applied since the last one; 0 = only on demand. */
  readonly logsSinceLast: number;
  /** Resolves when the own log holds everything up to `index` on disk. */
  readonly whenDurable: (index: LogIndex) => Promise<void>;
  /** May a snapshot be written now? Not while one of the leader's is about to be installed. */
  readonly mayWrite: () => boolean;
  readonly onBuilt: (snapshot: StoredSnapshot) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Part of the policy's interval to wait after a failure. */
const RETRY_AFTER = 0.1;

export class SnapshotBuilder {
  readonly #parts: SnapshotBuilderParts;
  #lastIndex: LogIndex;
  /** After a failure nothing is built by itself before this many entries are applied. */
  #retryIndex: LogIndex = 0;
  #building: Promise<StoredSnapshot | null> | null = null;
  #isStopped = false;

  constructor(parts: SnapshotBuilderParts, lastSnapshot: LogId) {
    this.#parts = parts;
    this.#lastIndex = lastSnapshot.index;
  }

  onApplied(appliedIndex: LogIndex): void {
    const { logsSinceLast } = this.#parts;
    if (logsSinceLast === 0 || this.#building !== null) return;
    if (appliedIndex < Math.max(this.#lastIndex + logsSinceLast, this.#retryIndex)) return;
    this.build().catch((error: unknown) => {
      // Whatever is wrong, it is not put right by trying with every entry.
      this.#retryIndex = appliedIndex + Math.ceil(logsSinceLast * RETRY_AFTER);
      this.#parts.onFailed(error);
    });
  }

  /** A snapshot came from the leader. */
  onInstalled(index: LogIndex): void {
    this.#lastIndex = Math.max(this.#lastIndex, index);
  }

  /**
   * Builds one now, or joins the one being built. `null` when nothing was applied since the last one.
   * @throws what the state machine throws: the node goes on with the log it has; or what the store does: it stops
   */
  build(): Promise<StoredSnapshot | null> {
    if (this.#building !== null) return this.#building;
    const building = this.#build().finally(() => {
      this.#building = null;
    });
    this.#building = building;
    return building;
  }

  /** Builds one, also when nothing was applied since the last one: that one can't be used. */
  rebuild(): Promise<StoredSnapshot | null> {
    if (this.#building === null) this.#lastIndex = 0;
    return this.build();
  }

  /** Starts no further one; resolves when the one being built has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#building?.catch(() => null);
  }

  async #build(): Promise<StoredSnapshot | null> {
    const { stateMachine, snapshotStore, mayWrite, onBuilt, whenDurable } = this.#parts;
    const view = await stateMachine.snapshot();
    try {
      const { lastApplied } = view.applied;
      if (this.#isStopped || lastApplied.index <= this.#lastIndex || !mayWrite()) return null;
      const writer = await snapshotStore.create(this.#meta(view.applied), view.codecId);
      try {
        for await (const chunk of view.chunks()) {
          await writer.write(chunk);
          await this.#breathe();
          if (this.#isStopped) return null;
        }
        await whenDurable(lastApplied.index);
        if (this.#isStopped) return null;
        const snapshot = await writer.publish();
        this.#lastIndex = Math.max(this.#lastIndex, lastApplied.index);
        onBuilt(snapshot);
        return snapshot;
      } finally {
        await writer.close({ keep: false });
      }
    } finally {
      await view.close();
    }
  }

  #meta({
    lastApplied,
    lastTimeMs,
    membership,
  }: Awaited<ReturnType<StateMachine<unknown, unknown>['snapshot']>>['applied']): SnapshotMeta {
    const id = `${lastApplied.term}-${lastApplied.index}-${this.#parts.random.uniqueId()}`;
    return { id, lastLogId: lastApplied, lastTimeMs, membership };
  }

  /** Heartbeats and requests go between two chunks. */
  #breathe(): Promise<void> {
    return new Promise((resolve) => this.#parts.timers.nextTurn(resolve));
  }
}
