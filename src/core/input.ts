/** Everything that can happen to a node, as seen by the core. */
import type { LogId, LogIndex, NodeId } from './ids.ts';
import type { MembershipChange } from './membership/change.ts';
import type { BasicNode } from './membership/membership.ts';
import type { Message, SnapshotMeta, SnapshotOffer } from './message.ts';

/** When a step happens. */
export interface StepTime {
  /** Monotonic ms; what timeouts and leases are measured in. */
  readonly nowMs: number;
  /** Wall clock ms; only stamped on entries, never compared. */
  readonly wallMs: number;
}

export type ReadPolicy = 'read-index' | 'lease';

export type Input =
  /** Time passed: look at the deadlines. */
  | { readonly type: 'tick' }
  /** A message of a peer. `token` (0 = none) comes back with the reply. */
  | { readonly type: 'message'; readonly from: NodeId; readonly message: Message; readonly token: number }
  /** Requests to append, in order. Answered by exactly one `proposed` effect. */
  | { readonly type: 'propose'; readonly payloads: readonly Uint8Array[] }
  /** A read position is wanted; answered by `read-granted` or `read-refused` with this id. */
  | { readonly type: 'read'; readonly id: number; readonly policy: ReadPolicy }
  /** Answered by `membership-changed` or `membership-refused` with this id. */
  | {
      readonly type: 'change-membership';
      readonly id: number;
      readonly change: MembershipChange;
      readonly retain: boolean;
    }
  /** Forms a cluster (openraft's `initialize`). Answered like `change-membership`. */
  | { readonly type: 'initialize'; readonly id: number; readonly nodes: ReadonlyMap<NodeId, BasicNode> }
  /** Hands leadership over; `to: null` lets the leader choose. Answered by `transfer-done` or `transfer-refused`. */
  | { readonly type: 'transfer'; readonly id: number; readonly to: NodeId | null }
  /** All writes up to `seq` are durable. */
  | { readonly type: 'persisted'; readonly seq: number }
  /** The state machine holds everything up to here. */
  | { readonly type: 'applied'; readonly logId: LogId }
  /** A snapshot of the own state machine is stored. */
  | { readonly type: 'snapshot-built'; readonly meta: SnapshotMeta }
  /** A peer wants to stream a snapshot; answered at once by one `snapshot-verdict`. */
  | { readonly type: 'snapshot-offered'; readonly from: NodeId; readonly offer: SnapshotOffer; readonly token: number }
  /** The stream is complete and verified; nothing is installed yet. */
  | { readonly type: 'snapshot-received'; readonly from: NodeId; readonly offer: SnapshotOffer; readonly token: number }
  /** The stream to a peer ended without an answer of the peer. */
  | { readonly type: 'snapshot-send-failed'; readonly to: NodeId; readonly session: number }
  /** Messages to the peer are being lost. */
  | { readonly type: 'peer-unreachable'; readonly peer: NodeId }
  /** The user wants an election now. */
  | { readonly type: 'elect' }
  /** The user wants a heartbeat round now. */
  | { readonly type: 'heartbeat' }
  /** Purge the log up to here, as far as a snapshot allows. */
  | { readonly type: 'purge'; readonly upToIndex: LogIndex }
  /** Give up leadership without a successor (a hanging disk). */
  | { readonly type: 'step-down' }
  /** Runtime switches, as openraft's `RuntimeConfigHandle`. */
  | { readonly type: 'switch'; readonly tick: boolean; readonly heartbeat: boolean; readonly elect: boolean };
