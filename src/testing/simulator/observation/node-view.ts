/** What the oracles see of a node. Looking changes nothing. */
import type { Entry } from '../../../core/entry.ts';
import type { LogId, LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { StoredMembership } from '../../../core/membership/membership.ts';
import type { RoleName } from '../../../core/role/role.ts';
import type { LogImage } from './log-image.ts';

/** What a leader thinks of a peer. */
export interface ProgressView {
  readonly session: number;
  readonly matchIndex: LogIndex;
}

export interface RoleView {
  readonly name: RoleName;
  readonly leader?: { readonly progress: ReadonlyMap<NodeId, ProgressView> };
}

/** The state of the core, as far as an oracle needs it. */
export interface CoreView {
  readonly hardState: { readonly term: Term; readonly votedFor: NodeId | null };
  readonly role: RoleView;
  readonly commitIndex: LogIndex;
  readonly applied: LogId;
  readonly durableIndex: LogIndex;
  readonly snapshot: LogId;
  readonly log: { readonly purged: LogId; readonly lastIndex: LogIndex; termAt(index: LogIndex): Term | null };
  readonly membership: { readonly committed: StoredMembership; readonly effective: StoredMembership };
}

export interface NodeView {
  readonly id: NodeId;
  /** Counts the starts: a new process remembers only what is on its disk. */
  readonly life: number;
  /** Counts the disks: a node with an empty disk is another node under an old name. */
  readonly diskNumber: number;
  /** `null` while no process runs, or it is still opening its stores. */
  readonly core: CoreView | null;
  /** What the process has handed to its store. */
  readonly log: LogImage;
  /** What is certainly on the disk. */
  readonly disk: LogImage;
}

/** An entry and what the state machine made of it. */
export interface AppliedEntry {
  readonly entry: Entry;
  readonly response: unknown;
}
