/** The mailbox of a node, and the only caller of the core. */
import type { Effect } from '../core/effect.ts';
import type { Input, StepTime } from '../core/input.ts';
import type { RaftCore } from '../core/raft.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Proposals } from './proposals.ts';

export interface DriverParts {
  readonly core: RaftCore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly proposals: Proposals;
  readonly execute: (effect: Effect) => void;
  /** After all effects of a turn. */
  readonly onTurn: () => void;
  /** Something threw: the node must not go on. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Everything that arrives in one turn of the event loop is stepped as one batch: one write, and one message for each
 * peer. The turn is taken after the I/O of the loop was read, so that a batch is as large as it can be without waiting.
 */
export class Driver {
  readonly #parts: DriverParts;
  #inputs: Input[] = [];
  #isScheduled = false;
  #isStopped = false;
  readonly #turn = (): void => this.#takeTurn();

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  post(input: Input): void {
    this.#inputs.push(input);
    this.schedule();
  }

  /** For news that nobody waits for: it is stepped with whatever comes next. */
  postQuietly(input: Input): void {
    this.#inputs.push(input);
  }

  schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#parts.timers.nextTurn(this.#turn);
  }

  stop(): void {
    this.#isStopped = true;
    this.#inputs = [];
  }

  now(): StepTime {
    const { clock } = this.#parts;
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }

  #takeTurn(): void {
    this.#isScheduled = false;
    if (this.#isStopped) return;
    const { core, proposals, execute, onTurn, onFailure } = this.#parts;
    try {
      const inputs = this.#inputs;
      this.#inputs = [];
      if (proposals.hasQueued) inputs.push({ type: 'propose', payloads: proposals.takeBatch() });
      for (const effect of core.stepAll(inputs, this.now())) {
        // What was executed before may have stopped the node.
        if (this.#isStopped) return;
        execute(effect);
      }
      onTurn();
      if (core.hasNotice) this.schedule();
    } catch (error) {
      onFailure(error);
    }
  }
}
