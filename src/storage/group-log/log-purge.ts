/** Removes what was purged, in steps that hold up neither the event loop nor an append. */
import type { LogIndex } from '../../core/ids.ts';
import type { LogDatabaseChange } from '../../ports/log-database.ts';
import type { GroupView } from './group-view.ts';

/** Groups removed with one write: about a millisecond of work. */
const STEP_GROUPS = 256;

export interface LogPurgeParts {
  readonly view: GroupView;
  readonly write: (changes: readonly LogDatabaseChange[]) => Promise<void>;
  /** A step failed, perhaps already at reading what there is: the store must not go on. */
  readonly onFailure: (error: unknown) => void;
}

/** One step at a time, each waiting until the one before is durable. */
export class LogPurge {
  readonly #parts: LogPurgeParts;
  #purgedIndex: LogIndex = 0;
  #isRunning = false;
  #isStopped = false;

  constructor(parts: LogPurgeParts) {
    this.#parts = parts;
  }

  /** Everything up to `purgedIndex` may go. */
  start(purgedIndex: LogIndex): void {
    this.#purgedIndex = Math.max(this.#purgedIndex, purgedIndex);
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    this.#run();
  }

  /** Takes no further step. What is left is removed after the next open. */
  stop(): void {
    this.#isStopped = true;
  }

  #run(): void {
    this.#step().catch((error: unknown) => {
      this.stop();
      this.#parts.onFailure(error);
    });
  }

  async #step(): Promise<void> {
    const changes = this.#isStopped ? [] : this.#nextStep();
    if (changes.length === 0) {
      this.#isRunning = false;
      return;
    }
    await this.#parts.write(changes);
    this.#run();
  }

  #nextStep(): readonly LogDatabaseChange[] {
    return this.#parts.view
      .groupsBefore(this.#purgedIndex + 1, STEP_GROUPS)
      .map((firstIndex) => ({ type: 'remove-group', firstIndex }));
  }
}
