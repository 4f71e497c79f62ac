/** A schedule of faults: what happens when. Plain data, so that it can be stored, read, edited and made smaller. */
import type { NodeId } from '../../../core/ids.ts';
import type { FailingOperation } from '../disk/disk-conditions.ts';
import type { LinkCondition } from '../network/link.ts';

/**
 * Which node: an id, the one that leads at the time, a voter that does not, or any that runs. `number` draws among
 * several: the same number gives the same choice among the same nodes.
 */
export type Target = NodeId | 'leader' | 'follower' | 'any';

/** Whose links: those of the nodes among themselves, or from some to the others. */
export type LinkSelection =
  | { readonly type: 'all' }
  | { readonly type: 'from' | 'to' | 'both'; readonly targets: readonly Target[] }
  /** Between two nodes only. */
  | { readonly type: 'between'; readonly a: Target; readonly b: Target };

export type FaultAction =
  /** Messages suffer on these links. */
  | { readonly type: 'link'; readonly links: LinkSelection; readonly condition: LinkCondition; readonly forMs: number }
  /** The nodes of one side reach only each other; one-way: the other side hears them still. */
  | {
      readonly type: 'partition';
      readonly side: readonly Target[];
      readonly isOneWay: boolean;
      readonly forMs: number;
    }
  /** The links are cut and mended in turn. */
  | { readonly type: 'flap'; readonly links: LinkSelection; readonly periodMs: number; readonly forMs: number }
  /**
   * The process dies, at once or after so many calls of its disk and network; `null`: it is never started again. What it
   * sends in the last moments before arrives `lateMs` later, when others have long gone on.
   */
  | {
      readonly type: 'crash';
      readonly target: Target;
      readonly afterCalls: number;
      readonly downMs: number | null;
      readonly lateMs?: number;
    }
  /** The process ends in order, and is started again. */
  | { readonly type: 'restart'; readonly target: Target; readonly downMs: number }
  /** The event loop stands still. */
  | { readonly type: 'stall'; readonly target: Target; readonly forMs: number }
  | {
      readonly type: 'slow-apply';
      readonly target: Target;
      readonly msPerEntry: number;
      readonly isBlocking: boolean;
      readonly forMs: number;
    }
  | { readonly type: 'clock-rate'; readonly target: Target; readonly rate: number }
  | { readonly type: 'clock-jump'; readonly target: Target; readonly byMs: number }
  | { readonly type: 'disk-slow'; readonly target: Target; readonly extraMs: number; readonly forMs: number }
  | { readonly type: 'disk-full'; readonly target: Target; readonly forMs: number }
  | {
      readonly type: 'disk-fail';
      readonly target: Target;
      readonly operation: FailingOperation;
      readonly after: number;
    }
  /** A bit of what is stored turns over; the process is restarted, so that it reads it. */
  | { readonly type: 'bit-flip'; readonly target: Target; readonly downMs: number }
  /** The process dies and its disk is replaced by an empty one. It comes back under its old id. */
  | { readonly type: 'disk-loss'; readonly target: Target; readonly downMs: number; readonly lateMs?: number }
  /** What an operator does with the members. */
  | { readonly type: 'add-node'; readonly isVoter: boolean }
  | { readonly type: 'promote' }
  | { readonly type: 'demote'; readonly target: Target }
  | { readonly type: 'remove'; readonly target: Target }
  | { readonly type: 'add-again' }
  | { readonly type: 'replace'; readonly target: Target }
  | { readonly type: 'transfer'; readonly to: Target | null }
  | { readonly type: 'elect'; readonly target: Target }
  | { readonly type: 'snapshot'; readonly target: Target }
  | { readonly type: 'purge'; readonly target: Target }
  /** Clients give up more of their calls. */
  | { readonly type: 'impatience'; readonly rate: number; readonly forMs: number };

export interface FaultItem {
  /** Names the item: its random choices follow from it, whatever else is in the schedule. */
  readonly id: number;
  /** From the start of the fault phase. */
  readonly atMs: number;
  readonly action: FaultAction;
}

/** The names under which faults are chosen: `--faults`. */
export const FAULT_KINDS = [
  'loss',
  'delay',
  'duplicate',
  'reorder',
  'partition',
  'one-way',
  'partial',
  'flap',
  'crash',
  'restart',
  'stall',
  'slow-apply',
  'clock',
  'disk-slow',
  'disk-full',
  'disk-fail',
  'bit-flip',
  'disk-loss',
  'membership',
  'transfer',
  'elect',
  'snapshot',
  'impatience',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Faults that cost a node its data: the cluster needs a quorum without it. */
export const DESTRUCTIVE_KINDS: ReadonlySet<FaultKind> = new Set(['bit-flip', 'disk-loss', 'disk-fail', 'disk-full']);
