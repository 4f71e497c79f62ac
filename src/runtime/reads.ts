/** Linearizable reads: a position confirmed by the leader, then a wait until it is applied here. */

import type { Effect } from '../core/effect.ts';
import type { LogId, LogIndex, NodeId } from '../core/ids.ts';
import type { Input, ReadPolicy } from '../core/input.ts';
import { TimeoutError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { CallOptions } from './pending-calls.ts';
import { PendingCalls } from './pending-calls.ts';
import { refusalError } from './refusal-error.ts';

/** A position from which on reading is linearizable. */
export interface ReadPosition {
  readonly readLogId: LogId;
  /** For a lease read: the answer is only good until this monotonic time. `null` for a read index. */
  readonly leaseUntilMs: number | null;
}

export interface ReadsParts {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly post: (input: Input) => void;
  readonly appliedIndex: () => LogIndex;
}

interface Waiter {
  readonly index: LogIndex;
  readonly id: number;
}

const timedOut = (action: string) => ({
  timedOut: (timeoutMs: number): Error => new TimeoutError(action, timeoutMs),
  aborted: (reason: unknown): unknown => reason,
});

export class Reads {
  readonly #parts: ReadsParts;
  readonly #positions: PendingCalls<ReadPosition>;
  readonly #applied: PendingCalls<void>;
  /** Who waits for which index to be applied. */
  #waiting: Waiter[] = [];

  constructor(parts: ReadsParts) {
    this.#parts = parts;
    this.#positions = new PendingCalls(parts.clock, parts.timers, timedOut('confirming the leadership'));
    this.#applied = new PendingCalls(parts.clock, parts.timers, timedOut('applying the log up to the read position'));
  }

  /** Asks this node, as leader, for a read position. */
  position(policy: ReadPolicy, options: CallOptions): Promise<ReadPosition> {
    return this.#positions.call(options, (id) => this.#parts.post({ type: 'read', id, policy }));
  }

  /** Resolves when the state machine holds everything up to `index`. */
  async whenApplied(index: LogIndex, options: CallOptions): Promise<void> {
    if (this.#parts.appliedIndex() >= index) return;
    await this.#applied.call(options, (id) => this.#waiting.push({ index, id }));
  }

  onApplied(appliedIndex: LogIndex): void {
    if (this.#waiting.length === 0) return;
    const still: Waiter[] = [];
    for (const waiter of this.#waiting) {
      if (waiter.index <= appliedIndex) this.#applied.resolve(waiter.id, undefined);
      else if (this.#applied.has(waiter.id)) still.push(waiter);
    }
    this.#waiting = still;
  }

  onGranted({ id, readLogId, leaseUntilMs }: Extract<Effect, { type: 'read-granted' }>): void {
    this.#positions.resolve(id, { readLogId, leaseUntilMs });
  }

  onRefused({ id, refusal }: Extract<Effect, { type: 'read-refused' }>): void {
    this.#positions.reject(id, refusalError(refusal, this.#parts.nodeId));
  }

  rejectAll(makeError: () => Error): void {
    this.#positions.stop(makeError);
    this.#applied.stop(makeError);
    this.#waiting = [];
  }
}
