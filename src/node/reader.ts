/** Reads of the state machine, each as fresh as its caller asks for. */
import type { LogId, LogIndex } from '../core/ids.ts';
import { isCounter } from '../core/ids.ts';
import { ConsensusError } from '../errors.ts';
import type { CallOptions } from '../raft/call-options.ts';
import { CallBudget } from '../raft/call-options.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { isCoreLeader, isLiveLeader, notLeaderError } from './leadership.ts';
import { retry } from './retry.ts';
import { SharedPosition } from './shared-position.ts';

/**
 * | level | sees | costs |
 * |---|---|---|
 * | `'linearizable'` | everything that was acknowledged before the call | a round to a quorum, shared by all waiting reads |
 * | `'lease'` | the same, if clocks drift no more than `clockDriftBound` | nothing on the leader; else as linearizable |
 * | `'leader'` | what the leader applied; an outdated leader may miss the newest writes | nothing; fails on other nodes |
 * | `'stale'` | some earlier state, with `maxAgeMs` at most that old | nothing; with `maxAgeMs` now and then a round |
 * | `{ atLeast }` | this log position and all before it, e.g. an own write | waiting until this node applied it |
 */
export type ReadConsistency = 'linearizable' | 'lease' | 'leader' | 'stale' | { readonly atLeast: LogId | LogIndex };

export interface ReadOptions extends CallOptions {
  /** Default `'linearizable'`. */
  readonly consistency?: ReadConsistency | undefined;
  /** Only with `'stale'`: how much older than the call the state may be, ms. Default: any age. */
  readonly maxAgeMs?: number | undefined;
}

/** A read changes nothing: that an answer was lost is no reason not to ask again. */
const RETRIED: ReadonlySet<string> = new Set(['NOT_LEADER', 'QUORUM_NOT_ENOUGH', 'UNREACHABLE', 'INDETERMINATE']);

export class Reader {
  readonly #runtime: Runtime;
  readonly #position: SharedPosition;
  /** The own state holds everything that was acknowledged before this monotonic time. */
  #freshAsOfMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#position = new SharedPosition(runtime);
  }

  async read<T>(query: () => T, options: ReadOptions): Promise<T> {
    const { clock, config } = this.#runtime.parts;
    const budget = new CallBudget(clock, options, config.proposeTimeoutMs);
    const consistency = checkConsistency(options);
    if (consistency === 'lease') return await this.#readByLease(query, budget);
    if (consistency === 'leader') await this.#waitForOwnTerm(budget);
    else if (consistency === 'linearizable' || this.#isTooOld(options.maxAgeMs)) await this.confirm(budget);
    else if (typeof consistency === 'object') {
      await this.#runtime.reads.whenApplied(indexOf(consistency.atLeast), budget.rest);
    }
    return this.#run(query);
  }

  /** Resolves when everything that was committed at the time of the call is applied on this node. */
  async confirm(budget: CallBudget): Promise<LogId> {
    const runtime = this.#runtime;
    const { reads, parts } = runtime;
    return await retry({ runtime, budget, mayRetry: (error) => this.#mayRetry(error) }, async () => {
      const askedMs = parts.clock.nowMs();
      const readLogId = isCoreLeader(runtime)
        ? (await reads.position('read-index', budget.rest)).readLogId
        : await this.#position.ask(budget.rest);
      await reads.whenApplied(readLogId.index, budget.rest);
      this.#freshAsOfMs = Math.max(this.#freshAsOfMs, askedMs);
      return readLogId;
    });
  }

  async #readByLease<T>(query: () => T, budget: CallBudget): Promise<T> {
    const { reads, parts } = this.#runtime;
    if (parts.config.leaseReads && isCoreLeader(this.#runtime)) {
      try {
        const { readLogId, leaseUntilMs } = await reads.position('lease', budget.rest);
        await reads.whenApplied(readLogId.index, budget.rest);
        // At the moment of use, in the same turn as the query: the node may have slept since the lease was granted.
        if (leaseUntilMs !== null && parts.clock.nowMs() < leaseUntilMs) return this.#run(query);
      } catch (error) {
        if (!ConsensusError.is(error) || (error.code !== 'LEASE_EXPIRED' && error.code !== 'NOT_LEADER')) throw error;
      }
    }
    await this.confirm(budget);
    return this.#run(query);
  }

  /** A new leader may not have applied yet what its predecessor acknowledged: its own first entry comes after that. */
  async #waitForOwnTerm(budget: CallBudget): Promise<void> {
    const runtime = this.#runtime;
    const { role } = runtime.core.state;
    if (role.name !== 'leader' || !isLiveLeader(runtime)) throw notLeaderError(runtime);
    await runtime.reads.whenApplied(role.leader.blankIndex, budget.rest);
    if (!isLiveLeader(runtime)) throw notLeaderError(runtime);
  }

  #isTooOld(maxAgeMs: number | undefined): boolean {
    return maxAgeMs !== undefined && this.#runtime.parts.clock.nowMs() - this.#freshAsOfMs > maxAgeMs;
  }

  #run<T>(query: () => T): T {
    this.#runtime.assertRunning();
    const result = query();
    if (result instanceof Promise) {
      throw new TypeError('the query returned a promise: it must read the state synchronously, or later writes mix in');
    }
    return result;
  }

  #mayRetry(error: unknown): boolean {
    const isMember = this.#runtime.core.state.membership.effective.membership.nodes.size > 0;
    return isMember && ConsensusError.is(error) && RETRIED.has(error.code);
  }
}

function checkConsistency({ consistency = 'linearizable', maxAgeMs }: ReadOptions): ReadConsistency {
  if (maxAgeMs !== undefined) {
    if (consistency !== 'stale') throw new TypeError("maxAgeMs goes with consistency 'stale' only");
    if (!(maxAgeMs >= 0)) throw new RangeError(`maxAgeMs must not be negative, but is ${maxAgeMs}`);
  }
  if (typeof consistency === 'object') {
    const index = indexOf(consistency.atLeast);
    if (!isCounter(index)) throw new RangeError(`atLeast must be a LogId or an index, not ${String(index)}`);
  }
  return consistency;
}

function indexOf(position: LogId | LogIndex): LogIndex {
  return typeof position === 'number' ? position : position.index;
}
