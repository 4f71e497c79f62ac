/** Membership changes and leadership transfers that wait for their outcome. */
import type { Effect } from '../core/effect.ts';
import type { NodeId } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import type { MembershipChange } from '../core/membership/change.ts';
import type { BasicNode, StoredMembership } from '../core/membership/membership.ts';
import { IndeterminateError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { CallOptions } from './pending-calls.ts';
import { PendingCalls } from './pending-calls.ts';
import type { LeaderHint } from './refusal-error.ts';
import { refusalError } from './refusal-error.ts';

export interface ChangesParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly post: (input: Input) => void;
  readonly hint: () => LeaderHint;
}

/** Once posted, an unanswered change may be in the log: whoever stops waiting does not know. */
const unknown = (what: string) => ({
  timedOut: (timeoutMs: number): Error => new IndeterminateError(`${what} was not decided within ${timeoutMs} ms`),
  aborted: (cause: unknown): unknown => new IndeterminateError(`the caller stopped waiting for ${what}`, { cause }),
});

export class Changes {
  readonly #parts: ChangesParts;
  readonly #memberships: PendingCalls<StoredMembership>;
  readonly #transfers: PendingCalls<void>;

  constructor(parts: ChangesParts) {
    this.#parts = parts;
    this.#memberships = new PendingCalls(parts.clock, parts.timers, unknown('the membership change'));
    this.#transfers = new PendingCalls(parts.clock, parts.timers, unknown('the leadership transfer'));
  }

  changeMembership(change: MembershipChange, retain: boolean, options: CallOptions): Promise<StoredMembership> {
    return this.#memberships.call(options, (id) => this.#parts.post({ type: 'change-membership', id, change, retain }));
  }

  initialize(nodes: ReadonlyMap<NodeId, BasicNode>, options: CallOptions): Promise<StoredMembership> {
    return this.#memberships.call(options, (id) => this.#parts.post({ type: 'initialize', id, nodes }));
  }

  transfer(to: NodeId | null, options: CallOptions): Promise<void> {
    return this.#transfers.call(options, (id) => this.#parts.post({ type: 'transfer', id, to }));
  }

  onEffect(
    effect: Extract<
      Effect,
      { type: 'membership-changed' | 'membership-refused' | 'transfer-done' | 'transfer-refused' }
    >,
  ): void {
    const { nodeId } = this.#parts.hint();
    if (effect.type === 'membership-changed') this.#memberships.resolve(effect.id, effect.result);
    else if (effect.type === 'transfer-done') this.#transfers.resolve(effect.id, undefined);
    else if (effect.type === 'transfer-refused')
      this.#transfers.reject(effect.id, refusalError(effect.refusal, nodeId));
    else this.#memberships.reject(effect.id, refusalError(effect.refusal, nodeId));
  }

  /** A change that was appended may still be committed by the next leader. */
  onLeadershipLost(): void {
    const { leaderId, leaderNode } = this.#parts.hint();
    const reason = 'the node lost its leadership before the membership change was committed';
    this.#memberships.rejectAll(() => new IndeterminateError(reason, { leaderId, leaderNode }));
  }

  /** The node stops. What was posted may be in the log and still be committed, or the target may take over. */
  rejectAll(makeError: () => Error): void {
    const unknownOutcome = (what: string) => () =>
      new IndeterminateError(`the node stopped before ${what} was decided`, { cause: makeError() });
    this.#memberships.rejectAll(unknownOutcome('the membership change'));
    this.#transfers.rejectAll(unknownOutcome('the leadership transfer'));
    this.#memberships.stop(makeError);
    this.#transfers.stop(makeError);
  }
}
