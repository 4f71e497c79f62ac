/** The application's replicated state. */
import type { Entry } from '../core/entry.ts';
import type { LogId } from '../core/ids.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type { SnapshotMeta } from '../core/message.ts';
import type { Codec } from './codec.ts';

/** How far a state machine is. */
export interface AppliedState {
  readonly lastApplied: LogId;
  /** `timeMs` of the last applied entry. */
  readonly lastTimeMs: number;
  readonly membership: StoredMembership;
}

/** A consistent view of the state: later applies do not change it. */
export interface StateSnapshot {
  readonly applied: AppliedState;
  readonly codecId: string;
  /** The bytes; may be iterated once. Yields to the event loop in between. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Lets go of the view. Must be called, also after a failure. */
  close(): Promise<void>;
}

/**
 * Applies committed entries in order, each exactly once. The last applied LogId and the last membership are part of the
 * state: they change together with it, and a snapshot holds them.
 */
export interface StateMachine<Request, Response> {
  /**
   * Does the state survive a restart by itself? Then nothing is applied before the own log holds it durably, so that
   * the state is never ahead of the log. `false` for a state that is rebuilt from snapshot and log.
   */
  readonly isDurable: boolean;
  /** Called once, before anything else. */
  open(codec: Codec<Request, Response>): Promise<AppliedState>;
  applied(): AppliedState;
  /**
   * Applies the entries, which follow the last applied one. One result per entry; `undefined` for blank and membership
   * entries. Must depend on nothing but state and entries. An exception stops the node.
   */
  apply(entries: readonly Entry[]): readonly (Response | undefined)[] | Promise<readonly (Response | undefined)[]>;
  snapshot(): Promise<StateSnapshot>;
  /** Replaces the state by that of a snapshot, all or nothing. */
  restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  close(): Promise<void>;
}
