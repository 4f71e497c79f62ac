/** Read positions from the leader, one question for all reads that wait on this node (thesis §6.4). */
import type { LogId } from '../core/ids.ts';
import { BusyError, ConsensusError, TimeoutError } from '../errors.ts';
import type { CallOptions as PendingOptions } from '../runtime/pending-calls.ts';
import { PendingCalls } from '../runtime/pending-calls.ts';
import type { Runtime } from '../runtime/runtime.ts';

/**
 * One question is under way at a time. Reads that arrive meanwhile share the next one: an answer is good only for reads
 * that were there before its question was asked.
 */
export class SharedPosition {
  readonly #runtime: Runtime;
  readonly #calls: PendingCalls<LogId>;
  #waiting: number[] = [];
  #isAsking = false;

  constructor(runtime: Runtime) {
    const { clock, timers } = runtime.parts;
    this.#runtime = runtime;
    this.#calls = new PendingCalls(clock, timers, {
      timedOut: (timeoutMs) => new TimeoutError('asking the leader for a read position', timeoutMs),
      aborted: (reason) => reason,
    });
    runtime.events.listen(({ type }) => {
      if (type === 'stopped') this.#calls.stop(() => runtime.stopped);
    });
  }

  ask(options: PendingOptions): Promise<LogId> {
    const { maxPendingReads } = this.#runtime.parts.config;
    if (this.#calls.size >= maxPendingReads) {
      const message = `${this.#calls.size} reads wait for the leader already; retry later`;
      return Promise.reject(new BusyError('maxPendingReads', message));
    }
    return this.#calls.call(options, (id) => {
      this.#waiting.push(id);
      this.#askNext();
    });
  }

  #askNext(): void {
    if (this.#isAsking) return;
    const ids = this.#waiting.filter((id) => this.#calls.has(id));
    this.#waiting = [];
    if (ids.length === 0) return;
    this.#isAsking = true;
    const { forwarder, parts } = this.#runtime;
    // Who leads and does not answer for so long will be replaced.
    forwarder.readPosition({ timeoutMs: parts.config.electionTimeoutMinMs }).then(
      (readLogId) => this.#settle(() => this.#answer(ids, readLogId)),
      (error: unknown) => this.#settle(() => this.#fail(ids, error)),
    );
  }

  #answer(ids: readonly number[], readLogId: LogId): void {
    for (const id of ids) this.#calls.resolve(id, readLogId);
  }

  /** That the question took too long is no news for those who have more time: they are asked for again. */
  #fail(ids: readonly number[], error: unknown): void {
    if (ConsensusError.is(error) && error.code === 'TIMEOUT') {
      this.#waiting = [...ids, ...this.#waiting];
    } else for (const id of ids) this.#calls.reject(id, error);
  }

  #settle(how: () => void): void {
    this.#isAsking = false;
    how();
    this.#askNext();
  }
}
