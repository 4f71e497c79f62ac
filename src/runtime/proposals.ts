/** From `propose` to its answer: a queue for the next turn, then a promise under the LogId. */
import type { Effect } from '../core/effect.ts';
import type { LogId, LogIndex } from '../core/ids.ts';
import { logId } from '../core/ids.ts';
import { BusyError, IndeterminateError, TimeoutError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import { Deadlines } from './deadlines.ts';
import type { CallOptions } from './pending-calls.ts';
import type { LeaderHint } from './refusal-error.ts';
import { refusalError } from './refusal-error.ts';

/** What became of a proposal. */
export interface Proposed {
  readonly logId: LogId;
  readonly response: unknown;
}

/** Makes what the caller gets from what became of its proposal; one step less than a promise on top of a promise. */
export type ProposalAnswer<T> = (logId: LogId, response: unknown) => T;

const asProposed: ProposalAnswer<Proposed> = (logId, response) => ({ logId, response });

interface Proposal {
  readonly payload: Uint8Array;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly answer: ProposalAnswer<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** `null` until it is appended: until then it can be taken back. */
  logId: LogId | null;
  isSettled: boolean;
  stopListening: (() => void) | null;
}

/** What one proposal costs besides its bytes while it is queued. */
const OVERHEAD_BYTES = 128;

export class Proposals {
  readonly #clock: Clock;
  readonly #maxQueuedBytes: number;
  readonly #hint: () => LeaderHint;
  readonly #deadlines: Deadlines;
  #queued: Proposal[] = [];
  #queuedBytes = 0;
  /** Handed to the core, oldest first; each batch gets one `proposed` effect. */
  readonly #submitted: Proposal[][] = [];
  readonly #appended = new Map<LogIndex, Proposal>();
  #pendingCount = 0;

  constructor(
    clock: Clock,
    timers: Timers,
    options: { readonly maxQueuedBytes: number; readonly hint: () => LeaderHint },
  ) {
    this.#clock = clock;
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#hint = options.hint;
    this.#deadlines = new Deadlines(clock, timers, (nowMs) => this.#expire(nowMs));
  }

  /** How many callers wait. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  get hasQueued(): boolean {
    return this.#queued.length > 0;
  }

  /** Queues a request for the next turn. The bytes must not change afterwards. */
  add(payload: Uint8Array, options: CallOptions): Promise<Proposed> {
    return this.addFor(payload, options, asProposed);
  }

  /** As `add`, for callers that want something else than `Proposed`. */
  addFor<T>(payload: Uint8Array, { signal, timeoutMs }: CallOptions, answer: ProposalAnswer<T>): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const bytes = payload.byteLength + OVERHEAD_BYTES;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#maxQueuedBytes) {
      const message = `${this.#queuedBytes} bytes of requests wait already, the limit is ${this.#maxQueuedBytes}; retry later`;
      return Promise.reject(new BusyError('maxUncommittedBytes', message));
    }
    this.#queuedBytes += bytes;
    const deadlineMs = this.#clock.nowMs() + timeoutMs;
    this.#deadlines.note(deadlineMs);
    const promise = new Promise<unknown>((resolve, reject) => {
      const proposal: Proposal = {
        payload,
        deadlineMs,
        timeoutMs,
        answer,
        resolve,
        reject,
        logId: null,
        isSettled: false,
        stopListening: null,
      };
      if (signal !== undefined) this.#listen(proposal, signal);
      this.#queued.push(proposal);
      this.#pendingCount += 1;
    });
    // It resolves with what `answer` makes, and with nothing else.
    return promise as Promise<T>;
  }

  /** What the next `propose` input holds. What was taken back meanwhile is left out. */
  takeBatch(): Uint8Array[] {
    const batch = this.#queued.filter((proposal) => !proposal.isSettled);
    this.#queued = [];
    this.#queuedBytes = 0;
    if (batch.length > 0) this.#submitted.push(batch);
    return batch.map((proposal) => proposal.payload);
  }

  onProposed({ accepted, firstLogId, refusal }: Extract<Effect, { type: 'proposed' }>): void {
    const batch = this.#submitted.shift() ?? [];
    let offset = 0;
    for (const proposal of batch) {
      if (offset < accepted) {
        proposal.logId = logId(firstLogId.term, firstLogId.index + offset);
        this.#appended.set(proposal.logId.index, proposal);
      } else if (refusal !== null) this.#reject(proposal, refusalError(refusal, this.#hint().nodeId));
      offset += 1;
    }
  }

  /** The entry was applied. The caller learns its response if it was its proposal that stands there. */
  settle(applied: LogId, response: unknown): void {
    const proposal = this.#appended.get(applied.index);
    if (proposal === undefined) return;
    this.#appended.delete(applied.index);
    if (proposal.isSettled) return;
    if (proposal.logId?.term !== applied.term) {
      this.#reject(proposal, this.#lost(proposal, 'another leader put its own entry in its place'));
      return;
    }
    this.#settle(proposal);
    proposal.resolve(proposal.answer(proposal.logId, response));
  }

  /** Leadership is gone: what was appended may still be committed by another leader, or never. */
  onLeadershipLost(): void {
    for (const proposal of this.#appended.values()) {
      this.#reject(proposal, this.#lost(proposal, 'the node lost its leadership before the request was committed'));
    }
    this.#appended.clear();
  }

  /** The node stops: what is queued was certainly not applied, what the core has seen may be. */
  rejectAll(makeError: () => Error): void {
    for (const proposal of this.#queued) this.#reject(proposal, makeError());
    for (const proposal of [...this.#submitted.flat(), ...this.#appended.values()]) {
      this.#reject(proposal, this.#lost(proposal, 'the node stopped before the request was committed', makeError()));
    }
    this.#queued = [];
    this.#appended.clear();
    this.#deadlines.stop();
  }

  #lost(proposal: Proposal, reason: string, cause?: unknown): Error {
    const { leaderId, leaderNode } = this.#hint();
    return new IndeterminateError(reason, { logId: proposal.logId, leaderId, leaderNode, cause });
  }

  #reject(proposal: Proposal, error: unknown): void {
    if (proposal.isSettled) return;
    this.#settle(proposal);
    proposal.reject(error);
  }

  #settle(proposal: Proposal): void {
    proposal.isSettled = true;
    this.#pendingCount -= 1;
    proposal.stopListening?.();
  }

  #listen(proposal: Proposal, signal: AbortSignal): void {
    const onAbort = (): void => {
      const reason: unknown = signal.reason;
      this.#reject(proposal, proposal.logId === null ? reason : this.#lost(proposal, 'the caller aborted', reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    proposal.stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  #expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const proposals of [this.#queued, ...this.#submitted, this.#appended.values()]) {
      for (const proposal of proposals) {
        if (proposal.isSettled) continue;
        if (proposal.deadlineMs <= nowMs) this.#reject(proposal, this.#timedOut(proposal));
        else next = Math.min(next, proposal.deadlineMs);
      }
    }
    return next;
  }

  #timedOut(proposal: Proposal): Error {
    if (proposal.logId === null) return new TimeoutError('propose', proposal.timeoutMs);
    return this.#lost(proposal, `it was not committed within ${proposal.timeoutMs} ms`);
  }
}
