/** Brings a request to the leader, here or elsewhere. */

import type { BusyError } from '../errors.ts';
import { ConsensusError } from '../errors.ts';
import type { CallOptions } from '../raft/call-options.ts';
import { CallBudget, pendingOptions } from '../raft/call-options.ts';
import type { CallOptions as PendingOptions } from '../runtime/pending-calls.ts';
import type { ProposalAnswer } from '../runtime/proposals.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { isCoreLeader } from './leadership.ts';
import { retry } from './retry.ts';

export interface ProposeOptions extends CallOptions {
  /** `false`: fail with `NotLeaderError` on a node that does not lead. Default true. */
  readonly forward?: boolean | undefined;
}

const asResponse: ProposalAnswer<unknown> = (_logId, response) => response;

export class Proposer {
  readonly #runtime: Runtime;
  /** Requests on their way to a leader, and who waits for the last of them. */
  #following = 0;
  #onIdle: (() => void) | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Resolves with the response of the state machine that applied the request. The payload must not change any more. */
  propose(payload: Uint8Array, options: ProposeOptions): Promise<unknown> {
    const pending = pendingOptions(options, this.#runtime.parts.config.proposeTimeoutMs);
    if (options.forward === false) return this.#here(payload, pending);
    if (!isCoreLeader(this.#runtime)) return this.#follow(payload, pending);
    return this.#here(payload, pending).catch((error: unknown) => {
      // Refused within a turn: the deadline is still the one that was given.
      if (!this.#mayRetry(error)) throw error;
      return this.#follow(payload, pending);
    });
  }

  /** Resolves when no request is on its way to another node any more, or the time is over. */
  async drain(budget: CallBudget): Promise<void> {
    if (this.#following === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.parts.timers.setTimer(budget.leftMs, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #here(payload: Uint8Array, pending: PendingOptions): Promise<unknown> {
    const result = this.#runtime.proposals.addFor(payload, pending, asResponse);
    this.#runtime.schedule();
    return result;
  }

  /** Asks whoever leads until one takes it. Only what was certainly not appended is asked again. */
  async #follow(payload: Uint8Array, pending: PendingOptions): Promise<unknown> {
    const runtime = this.#runtime;
    const budget = new CallBudget(runtime.parts.clock, pending, pending.timeoutMs);
    this.#following += 1;
    try {
      return await retry({ runtime, budget, mayRetry: (error) => this.#mayRetry(error) }, async () => {
        if (isCoreLeader(runtime)) return await this.#here(payload, budget.rest);
        return (await runtime.forwarder.propose(payload, budget.rest)).response;
      });
    } finally {
      this.#following -= 1;
      if (this.#following === 0) this.#onIdle?.();
    }
  }

  #mayRetry(error: unknown): boolean {
    // Nobody elects a leader for a node that is no member of anything.
    if (!ConsensusError.is(error) || this.#runtime.core.state.membership.effective.membership.nodes.size === 0) {
      return false;
    }
    if (error.code === 'BUSY') return (error as BusyError).limit === 'transfer';
    return error.code === 'NOT_LEADER' || error.code === 'UNREACHABLE';
  }
}
