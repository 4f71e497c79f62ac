/** Waits until a node is in a wanted condition: openraft's `Wait`. Conditions are looked at after every change. */
import type { LogId, LogIndex, NodeId } from '../core/ids.ts';
import { isSameLogId } from '../core/ids.ts';
import { voterIds } from '../core/membership/membership.ts';
import { TimeoutError } from '../errors.ts';
import type { RaftMetrics } from '../runtime/metrics.ts';
import type { CallOptions as PendingOptions } from '../runtime/pending-calls.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Metric, Vote } from './metric.ts';
import { compareMetric, describeMetric } from './metric.ts';

/**
 * Each method resolves with the first metrics that fulfil its condition, perhaps at once.
 * It rejects with `TimeoutError` naming the condition and what was seen last, with `StoppedError` or `FatalError` when
 * the node stops first, or with the reason of the signal.
 */
export class Wait {
  readonly #runtime: Runtime;
  readonly #options: PendingOptions;

  constructor(runtime: Runtime, options: PendingOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Until the predicate holds. `what` names it in the error. The predicate is called often: it must be quick. */
  metrics(predicate: (metrics: RaftMetrics) => boolean, what: string = 'a condition'): Promise<RaftMetrics> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = this.#options;
      const runtime = this.#runtime;
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const settle = (how: () => void): void => {
        stopLooking();
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        how();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const look = (): void => {
        try {
          const metrics = runtime.metrics();
          if (predicate(metrics)) settle(() => resolve(metrics));
          else if (metrics.stopped !== null) settle(() => reject(metrics.stopped));
        } catch (error) {
          // The user's predicate must not stop the node in whose turn it runs.
          settle(() => reject(error));
        }
      };
      const onTimeout = (): void =>
        settle(() => reject(new TimeoutError(`waiting for ${what} (${lastSeen(runtime.metrics())})`, timeoutMs)));
      const stopLooking = runtime.onTurn(look);
      const timer = runtime.parts.timers.setTimer(timeoutMs, onTimeout);
      signal?.addEventListener('abort', onAbort, { once: true });
      look();
    });
  }

  /** Until term and vote are exactly these. */
  vote(want: Vote): Promise<RaftMetrics> {
    return this.eq({ type: 'vote', value: want });
  }

  /** Until this node knows `leaderId` as leader; `null`: until it knows none. */
  currentLeader(leaderId: NodeId | null): Promise<RaftMetrics> {
    return this.metrics((m) => m.currentLeader === leaderId, `leader ${String(leaderId)}`);
  }

  /** Until the log ends at `index` and all of it is applied. */
  log(index: LogIndex): Promise<RaftMetrics> {
    return this.metrics((m) => m.lastLogIndex === index && m.lastApplied.index === index, `log ${index}, applied`);
  }

  /** Until the log reaches `index` and is applied up to there. */
  logAtLeast(index: LogIndex): Promise<RaftMetrics> {
    return this.appliedIndexAtLeast(index);
  }

  /** Until the log ends at `index`. */
  logIndex(index: LogIndex): Promise<RaftMetrics> {
    return this.eq({ type: 'last-log-index', value: index });
  }

  logIndexAtLeast(index: LogIndex): Promise<RaftMetrics> {
    return this.ge({ type: 'last-log-index', value: index });
  }

  appliedIndex(index: LogIndex): Promise<RaftMetrics> {
    return this.eq({ type: 'applied-index', value: index });
  }

  appliedIndexAtLeast(index: LogIndex): Promise<RaftMetrics> {
    return this.ge({ type: 'applied-index', value: index });
  }

  /** Until the node has this role; `'shutdown'` also resolves for a node that stopped for good. */
  state(state: RaftMetrics['state']): Promise<RaftMetrics> {
    return this.metrics((m) => m.state === state, `state ${state}`);
  }

  /** Until exactly these nodes are members, voters or learners. */
  members(ids: readonly NodeId[]): Promise<RaftMetrics> {
    return this.metrics((m) => isSameSet([...m.membership.membership.nodes.keys()], ids), `members ${ids.join(', ')}`);
  }

  /** Until exactly these nodes are voters; during a joint config the voters of both sets count. */
  voterIds(ids: readonly NodeId[]): Promise<RaftMetrics> {
    return this.metrics((m) => isSameSet(voterIds(m.membership.membership), ids), `voters ${ids.join(', ')}`);
  }

  /** Until the newest snapshot ends exactly here. */
  snapshot(lastLogId: LogId): Promise<RaftMetrics> {
    return this.metrics(
      (m) => isSameLogId(m.snapshot, lastLogId),
      describeMetric({ type: 'snapshot', value: lastLogId }),
    );
  }

  /** Until the log is purged exactly up to here. */
  purged(upTo: LogId): Promise<RaftMetrics> {
    return this.metrics((m) => isSameLogId(m.purged, upTo), describeMetric({ type: 'purged', value: upTo }));
  }

  /** Until the quantity has at least this value. */
  ge(metric: Metric): Promise<RaftMetrics> {
    return this.metrics((m) => compareMetric(m, metric) >= 0, `${describeMetric(metric)} or more`);
  }

  /** Until the quantity has exactly this value. */
  eq(metric: Metric): Promise<RaftMetrics> {
    return this.metrics((m) => compareMetric(m, metric) === 0, describeMetric(metric));
  }
}

function isSameSet(have: readonly NodeId[], want: readonly NodeId[]): boolean {
  const wanted = new Set(want);
  return have.length === wanted.size && have.every((id) => wanted.has(id));
}

function lastSeen({ id, state, currentTerm, currentLeader, lastLogIndex, lastApplied, ...m }: RaftMetrics): string {
  const { configs, nodes } = m.membership.membership;
  const voters = configs.map((config) => `{${config.join(',')}}`).join('+');
  return (
    `last seen on node ${id}: ${state}, term ${currentTerm}, leader ${String(currentLeader)}, last log ${lastLogIndex}, ` +
    `committed ${m.committed.index}, applied ${lastApplied.index}, snapshot ${m.snapshot.index}, purged ${m.purged.index}, ` +
    `voters ${voters}, members {${[...nodes.keys()].join(',')}}`
  );
}
