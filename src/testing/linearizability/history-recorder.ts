/** Writes down what clients do, as they do it. */
import type { HistoryEvent } from './history.ts';
import { formatHistory, operationsOf } from './history.ts';
import type { Operation, ProcessId } from './operation.ts';

/** Between events of the same reading of the clock, so that no two have the same time: a microsecond. */
const TICK_MS = 0.001;

export interface HistoryRecorderOptions<Input, Output> {
  /** Milliseconds of a monotonic clock. Without one, events are numbered. */
  readonly now?: () => number;
  /** Called with each event when it is recorded, for example to append it to a file. */
  readonly onEvent?: (event: HistoryEvent<Input, Output>) => void;
}

/** An operation under way. Exactly one of the three says how it ended; a second one throws. */
export interface OpenOperation<Output> {
  /** It was done, and answered `output`. */
  ok(output: Output): void;
  /** It was certainly not done, and never will be. */
  fail(): void;
  /** It may have been done, or may be done later. The same as never ending it. */
  unknown(): void;
}

/**
 * The history of one test, recorded in one place: call `invoke` before the request leaves, and end the operation after
 * its answer has come. It keeps every event in memory.
 *
 * ```ts
 * const operation = recorder.invoke('client 1', { type: 'write', value: 1 });
 * try {
 *   await client.write(1);
 *   operation.ok(null);
 * } catch (error) {
 *   if (wasCertainlyNotDone(error)) operation.fail();
 *   else operation.unknown();
 * }
 * ```
 */
export class HistoryRecorder<Input, Output> {
  readonly #now: () => number;
  readonly #onEvent: (event: HistoryEvent<Input, Output>) => void;
  readonly #events: HistoryEvent<Input, Output>[] = [];
  #calls = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(options: HistoryRecorderOptions<Input, Output> = {}) {
    this.#now = options.now ?? (() => this.#events.length);
    this.#onEvent = options.onEvent ?? (() => {});
  }

  invoke(process: ProcessId, input: Input): OpenOperation<Output> {
    const id = this.#calls;
    this.#calls += 1;
    this.#record({ type: 'invoke', id, at: this.#nextTime(), process, input });
    let isOpen = true;
    const end = (event: HistoryEvent<Input, Output>): void => {
      if (!isOpen) throw new TypeError(`operation ${id} of process ${process} has already ended`);
      isOpen = false;
      this.#record(event);
    };
    return {
      ok: (output) => end({ type: 'ok', id, at: this.#nextTime(), output }),
      fail: () => end({ type: 'failed', id, at: this.#nextTime() }),
      unknown: () => end({ type: 'unknown', id, at: this.#nextTime() }),
    };
  }

  get events(): readonly HistoryEvent<Input, Output>[] {
    return this.#events;
  }

  /** What happened so far. Operations that have not ended have an unknown outcome. */
  operations(): readonly Operation<Input, Output>[] {
    return operationsOf(this.#events);
  }

  /** See `parseHistory`. */
  toJsonLines(): string {
    return formatHistory(this.#events);
  }

  #record(event: HistoryEvent<Input, Output>): void {
    this.#events.push(event);
    this.#onEvent(event);
  }

  #nextTime(): number {
    this.#lastAt = Math.max(this.#now(), this.#lastAt + TICK_MS);
    return this.#lastAt;
  }
}
