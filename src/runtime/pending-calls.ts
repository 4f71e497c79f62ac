/** Calls that wait for an answer: each settles exactly once, by answer, deadline, abort or shutdown. */
import type { Clock, Timers } from '../ports/clock.ts';
import { Deadlines } from './deadlines.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now. */
  readonly timeoutMs: number;
}

interface Call<T> {
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  readonly stopListening: (() => void) | null;
}

/** What a call fails with when nobody waits for its answer any longer. */
export interface CallErrors {
  timedOut(timeoutMs: number): Error;
  aborted(reason: unknown): unknown;
}

export class PendingCalls<T> {
  readonly #clock: Clock;
  readonly #errors: CallErrors;
  readonly #deadlines: Deadlines;
  readonly #calls = new Map<number, Call<T>>();
  #lastId = 0;
  #stopped: (() => unknown) | null = null;

  constructor(clock: Clock, timers: Timers, errors: CallErrors) {
    this.#clock = clock;
    this.#errors = errors;
    this.#deadlines = new Deadlines(clock, timers, (nowMs) => this.#expire(nowMs));
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Registers a call; `start` hands its id to whoever will answer. */
  call({ signal, timeoutMs }: CallOptions, start: (id: number) => void): Promise<T> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.#lastId += 1;
    const id = this.#lastId;
    const deadlineMs = this.#clock.nowMs() + timeoutMs;
    const promise = new Promise<T>((resolve, reject) => {
      const stopListening = signal === undefined ? null : this.#listen(signal, id);
      this.#calls.set(id, { deadlineMs, timeoutMs, resolve, reject, stopListening });
    });
    this.#deadlines.note(deadlineMs);
    start(id);
    return promise;
  }

  has(id: number): boolean {
    return this.#calls.has(id);
  }

  resolve(id: number, value: T): void {
    this.#take(id)?.resolve(value);
  }

  reject(id: number, error: unknown): void {
    this.#take(id)?.reject(error);
  }

  rejectAll(makeError: () => unknown): void {
    for (const id of [...this.#calls.keys()]) this.reject(id, makeError());
  }

  /** Rejects what waits, and from now on every call at once: nobody will answer it any more. */
  stop(makeError: () => unknown): void {
    this.#stopped = makeError;
    this.rejectAll(makeError);
    this.#deadlines.stop();
  }

  #take(id: number): Call<T> | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    call.stopListening?.();
    return call;
  }

  #listen(signal: AbortSignal, id: number): () => void {
    const onAbort = (): void => this.reject(id, this.#errors.aborted(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    return () => signal.removeEventListener('abort', onAbort);
  }

  #expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [id, { deadlineMs, timeoutMs }] of this.#calls) {
      if (deadlineMs <= nowMs) this.reject(id, this.#errors.timedOut(timeoutMs));
      else next = Math.min(next, deadlineMs);
    }
    return next;
  }
}
