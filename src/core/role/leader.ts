/** What only a leader remembers. All of it is lost with the leadership. */
import type { LogIndex, NodeId, Term } from '../ids.ts';
import type { MembershipChange } from '../membership/change.ts';
import type { Progress } from '../progress/progress.ts';
import type { ReadQueue } from '../read/read-queue.ts';
import type { Rounds } from '../read/rounds.ts';

/** A change that waits for this leader's first commit. */
export interface QueuedChange {
  readonly id: number;
  readonly change: MembershipChange;
  readonly retain: boolean;
}

export interface Leader {
  readonly term: Term;
  /** The blank entry that this leader appended first; committing it commits all before it (§8). */
  readonly blankIndex: LogIndex;
  readonly progress: Map<NodeId, Progress>;
  readonly rounds: Rounds;
  readonly reads: ReadQueue;
  nextSession: number;
  nextHeartbeatMs: number;
  /** An answer arrived that may advance the commit index. */
  isCommitDirty: boolean;
  /** The commit index advanced, and a peer may not know. */
  isNoticeDue: boolean;
  /** The change that is being appended or committed; `id` is `null` for an inherited one. */
  change: { readonly id: number | null } | null;
  readonly queuedChanges: QueuedChange[];
  /** A take-over request was sent in this term: no lease is safe any more. */
  isLeaseForfeit: boolean;
}
