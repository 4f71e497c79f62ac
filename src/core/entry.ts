/** Log entries: what is replicated. */
import type { LogId } from './ids.ts';
import type { Membership } from './membership/membership.ts';

/**
 * - `normal`: a request of the application, as bytes.
 * - `membership`: a cluster configuration, effective as soon as it is appended (§6).
 * - `blank`: what a new leader appends first, so that it can commit (§8).
 */
export type EntryKind = 'normal' | 'membership' | 'blank';

/**
 * One log entry. Immutable, and shared by log cache, store, network and applier: never change `payload` in place.
 */
export interface Entry {
  readonly logId: LogId;
  readonly kind: EntryKind;
  /** The leader's wall clock in ms when it appended the entry; never decreases along the log. */
  readonly timeMs: number;
  /** The application's encoded request for `normal`; empty otherwise. */
  readonly payload: Uint8Array;
  /** Set for `membership`, `null` otherwise. */
  readonly membership: Membership | null;
}

const NO_PAYLOAD = new Uint8Array(0);

/** What an entry costs besides its payload, counted wherever bytes are limited. */
export const ENTRY_OVERHEAD_BYTES = 48;

/** What one node of a membership entry costs, counted wherever bytes are limited. */
const MEMBER_BYTES = 128;

export function normalEntry(id: LogId, timeMs: number, payload: Uint8Array): Entry {
  return { logId: id, kind: 'normal', timeMs, payload, membership: null };
}

export function blankEntry(id: LogId, timeMs: number): Entry {
  return { logId: id, kind: 'blank', timeMs, payload: NO_PAYLOAD, membership: null };
}

export function membershipEntry(id: LogId, timeMs: number, membership: Membership): Entry {
  return { logId: id, kind: 'membership', timeMs, payload: NO_PAYLOAD, membership };
}

/** Bytes an entry counts for in windows and limits. */
export function entryBytes(entry: Entry): number {
  const members = entry.membership === null ? 0 : entry.membership.nodes.size * MEMBER_BYTES;
  return ENTRY_OVERHEAD_BYTES + entry.payload.byteLength + members;
}
