/** Applies committed entries in order, in slices that leave the event loop room to breathe. */
import type { Entry } from '../core/entry.ts';
import type { LogId, LogIndex } from '../core/ids.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { LogCache } from './log-cache.ts';

/** Longest uninterrupted work, ms. */
const SLICE_MS = 5;
/** Entries between two looks at the clock. */
const SLICE_ENTRIES = 256;
const READ_BYTES = 1024 * 1024;

export interface ApplierParts {
  readonly stateMachine: StateMachine<unknown, unknown>;
  readonly logStore: LogStore;
  readonly cache: LogCache;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Up to here the own log is on disk: a state that survives a restart by itself must not get ahead of it. */
  readonly durableIndex: () => LogIndex;
  /** The entry was applied; `response` is `undefined` for blank and membership entries. */
  readonly onResult: (logId: LogId, response: unknown) => void;
  /** Everything up to here was applied. */
  readonly onApplied: (logId: LogId) => void;
  /** The state machine or the log failed: nothing may be applied any more. */
  readonly onFailure: (error: unknown) => void;
}

export class Applier {
  readonly #parts: ApplierParts;
  #applied: LogId;
  #target: LogIndex;
  #isRunning = false;
  #isPaused = false;
  #isStopped = false;
  #quiet: (() => void)[] = [];
  /** When the call under way was started, monotonic ms. */
  #startedMs: number | null = null;

  constructor(parts: ApplierParts, applied: LogId) {
    this.#parts = parts;
    this.#applied = applied;
    this.#target = applied.index;
  }

  get applied(): LogId {
    return this.#applied;
  }

  get startedMs(): number | null {
    return this.#startedMs;
  }

  /** Committed entries wait for the own disk, and `advance` for news of it. */
  get isHeldBack(): boolean {
    return this.#parts.stateMachine.isDurable && this.#applied.index < this.#target;
  }

  /** The own disk may have got further. */
  advance(): void {
    if (this.isHeldBack) this.commit(this.#target);
  }

  /** Everything up to `index` is committed. */
  commit(index: LogIndex): void {
    if (index > this.#target) this.#target = index;
    if (this.#isRunning || this.#isPaused || this.#isStopped) return;
    this.#isRunning = true;
    this.#run();
  }

  /** Applies nothing more until `resume`; what is being applied is finished first, see `whenQuiet`. */
  hold(): void {
    this.#isPaused = true;
  }

  /** Resolves when nothing is being applied. */
  async whenQuiet(): Promise<void> {
    if (!this.#isRunning) return;
    await new Promise<void>((resolve) => this.#quiet.push(resolve));
  }

  /** Goes on after the state was replaced by that of `applied`. */
  resume(applied: LogId): void {
    this.#isPaused = false;
    this.#applied = applied;
    this.#parts.onApplied(applied);
    this.commit(applied.index);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.whenQuiet();
  }

  /** Works without a promise as long as entries are cached and the state machine answers at once. */
  #run(): void {
    const { cache, clock, timers } = this.#parts;
    const sliceEndMs = clock.nowMs() + SLICE_MS;
    try {
      while (this.#applied.index < this.#endIndex() && !this.#isPaused && !this.#isStopped) {
        const fromIndex = this.#applied.index + 1;
        const toIndex = Math.min(this.#endIndex() + 1, fromIndex + SLICE_ENTRIES);
        const entries = cache.slice(fromIndex, toIndex);
        if (entries === null) {
          this.#wait(this.#readAndApply(fromIndex, toIndex));
          return;
        }
        const pending = this.#apply(entries);
        if (pending !== null) {
          this.#wait(pending);
          return;
        }
        if (clock.nowMs() >= sliceEndMs) {
          timers.nextTurn(() => this.#run());
          return;
        }
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#rest();
  }

  /** The last entry that may be applied now. */
  #endIndex(): LogIndex {
    const { stateMachine, durableIndex } = this.#parts;
    return stateMachine.isDurable ? Math.min(this.#target, durableIndex()) : this.#target;
  }

  #wait(pending: Promise<void>): void {
    pending.then(
      () => this.#run(),
      (error: unknown) => this.#fail(error),
    );
  }

  async #readAndApply(fromIndex: LogIndex, toIndex: LogIndex): Promise<void> {
    const entries = await this.#parts.logStore.read(fromIndex, toIndex, READ_BYTES);
    if (entries[0]?.logId.index !== fromIndex) {
      throw new Error(`the log has no entry ${fromIndex}, which is committed but not applied`);
    }
    await this.#apply(entries);
  }

  #apply(entries: readonly Entry[]): Promise<void> | null {
    this.#startedMs = this.#parts.clock.nowMs();
    const results = this.#parts.stateMachine.apply(entries);
    if (results instanceof Promise) return results.then((ready) => this.#finish(entries, ready));
    this.#finish(entries, results);
    return null;
  }

  #finish(entries: readonly Entry[], results: readonly unknown[]): void {
    this.#startedMs = null;
    if (results.length !== entries.length) {
      throw new Error(`the state machine answered ${results.length} results for ${entries.length} entries`);
    }
    let offset = 0;
    for (const { logId } of entries) {
      this.#applied = logId;
      this.#parts.onResult(logId, results[offset]);
      offset += 1;
    }
    this.#parts.onApplied(this.#applied);
  }

  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#rest();
    this.#parts.onFailure(error);
  }

  #rest(): void {
    this.#isRunning = false;
    this.#startedMs = null;
    const waiting = this.#quiet;
    this.#quiet = [];
    for (const resolve of waiting) resolve();
  }
}
