/** What an operator makes a node do now: openraft's `Trigger`. */
import type { LogIndex, NodeId } from '../core/ids.ts';
import { ConsensusError, SnapshotError } from '../errors.ts';
import type { StoredSnapshot } from '../ports/snapshot-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CallOptions } from './call-options.ts';
import { NO_OPTIONS, pendingOptions } from './call-options.ts';

/** Every method rejects with `StoppedError` or `FatalError` once the node stopped. */
export class Trigger {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Campaigns in the next turn, without waiting for the outcome. Nothing happens on a leader, a learner or an
   * uninitialised node; with pre-vote the others refuse while they hear a live leader: see `transferLeadership`.
   */
  async elect(): Promise<void> {
    this.#runtime.assertRunning();
    this.#runtime.post({ type: 'elect' });
  }

  /** A leader sends a heartbeat to everybody in the next turn. Nothing happens on other nodes. */
  async heartbeat(): Promise<void> {
    this.#runtime.assertRunning();
    this.#runtime.post({ type: 'heartbeat' });
  }

  /**
   * Builds a snapshot of this node's state, or joins the one being built. Resolves when it is stored; with `null` when
   * nothing was applied since the last one.
   * @throws SnapshotError; the node goes on with the log it has
   */
  async snapshot(): Promise<StoredSnapshot | null> {
    this.#runtime.assertRunning();
    try {
      return await this.#runtime.snapshots.builder.build();
    } catch (error) {
      this.#runtime.assertRunning();
      if (ConsensusError.is(error)) throw error;
      throw new SnapshotError("the snapshot can't be built", error);
    }
  }

  /** Purges this node's log up to `upTo` in the next turn, as far as a snapshot and peers in need of it allow. */
  async purgeLog(upTo: LogIndex): Promise<void> {
    this.#runtime.assertRunning();
    this.#runtime.post({ type: 'purge', upToIndex: upTo });
  }

  /**
   * Hands leadership to `to`, or to the voter that is furthest. Resolves when it leads.
   * @throws NotLeaderError, TransferError, BusyError: this node goes on as before
   * @throws IndeterminateError when the deadline passes before the outcome is known
   */
  async transferLeadership(to: NodeId | null = null, options: CallOptions = NO_OPTIONS): Promise<void> {
    this.#runtime.assertRunning();
    const { changes, parts } = this.#runtime;
    await changes.transfer(to, pendingOptions(options, parts.config.proposeTimeoutMs));
  }
}
