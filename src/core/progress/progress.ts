/** What the leader knows about one peer, and what it may send to it. */
import type { LogIndex, NodeId } from '../ids.ts';
import { Inflights } from './inflights.ts';

/**
 * ```text
 *            an append was accepted             the log no longer reaches back
 *   probe ------------------------> replicate        probe ----------------> snapshot
 *     ^ <-- refused, lost, unreachable --'             ^ <-- sent or failed ----'
 * ```
 * - `probe`: the peer's position is being found; one append at a time.
 * - `replicate`: the position is known; appends are pipelined, `nextIndex` runs ahead of the answers.
 * - `snapshot`: nothing is appended until the snapshot is over.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface ProgressLimits {
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
}

export interface ProgressInit {
  readonly peer: NodeId;
  readonly session: number;
  readonly nextIndex: LogIndex;
  readonly nowMs: number;
  readonly limits: ProgressLimits;
}

export class Progress {
  readonly peer: NodeId;
  /** Named in every append; responses of another stream are ignored, e.g. from before a removal. */
  readonly session: number;
  readonly inflights: Inflights;
  state: ProgressState = 'probe';
  /** Everything up to here is durable on the peer. */
  matchIndex: LogIndex = 0;
  /** The round that was current when `matchIndex` last changed: later refusals are not stale. */
  matchRound = 0;
  nextIndex: LogIndex;
  /** In `probe`: an append is under way. */
  isPaused = false;
  /** In `probe`: the leader's heartbeat round when the append was sent; 0 when none was. */
  probeRound = 0;
  /** In `probe`: a pause lasts at least until then, after a snapshot that came to nothing. */
  retryMs: number = Number.NEGATIVE_INFINITY;
  /** Where an append of unknown size began that is under way, and may end earlier than planned. */
  unsizedFrom: LogIndex | null = null;
  /** In `snapshot`: what is being sent. */
  snapshotIndex: LogIndex = 0;
  /** When anything of this term was last received from the peer. */
  contactMs: number;
  ackedRound = 0;
  /** When the newest answered round was sent; where its lease starts. */
  ackedRoundSentMs: number = Number.NEGATIVE_INFINITY;
  /** The highest commit index that the peer was told and could use. */
  sentCommitIndex: LogIndex = 0;
  /** Set for a peer that is no longer a member: it gets the log up to the entry that removed it, then no more. */
  removedAt: { readonly index: LogIndex; readonly deadlineMs: number } | null = null;
  /** The peer lost entries that it had acknowledged. */
  isDiverged = false;

  constructor({ peer, session, nextIndex, nowMs, limits }: ProgressInit) {
    this.peer = peer;
    this.session = session;
    this.nextIndex = nextIndex;
    this.contactMs = nowMs;
    this.inflights = new Inflights(limits.maxInflightAppends, limits.maxInflightBytes);
  }

  becomeProbe(nextIndex: LogIndex): void {
    this.state = 'probe';
    this.sentCommitIndex = Math.min(this.sentCommitIndex, this.matchIndex);
    this.nextIndex = Math.max(nextIndex, this.matchIndex + 1);
    this.isPaused = false;
    this.probeRound = 0;
    this.unsizedFrom = null;
    this.inflights.clear();
  }

  becomeReplicate(): void {
    this.state = 'replicate';
    this.nextIndex = this.matchIndex + 1;
    this.isPaused = false;
    this.unsizedFrom = null;
    this.inflights.clear();
  }

  becomeSnapshot(snapshotIndex: LogIndex): void {
    this.state = 'snapshot';
    this.snapshotIndex = snapshotIndex;
    this.isPaused = false;
    this.unsizedFrom = null;
    this.inflights.clear();
  }

  /** The peer holds everything up to `index`. Returns whether that is news. */
  acknowledge(index: LogIndex, round: number): boolean {
    this.inflights.freeTo(index);
    // An answer to something before it, perhaps one that came twice, tells nothing of where it ended. To send on after that
    // would double what is under way with each such answer.
    if (this.unsizedFrom !== null && index >= this.unsizedFrom) {
      this.unsizedFrom = null;
      this.inflights.clear();
      this.nextIndex = Math.max(this.matchIndex, index) + 1;
    }
    if (index <= this.matchIndex) return false;
    this.matchIndex = index;
    this.matchRound = round;
    if (this.nextIndex <= index) this.nextIndex = index + 1;
    return true;
  }
}
