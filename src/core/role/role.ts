/** The roles a node can have, and what each one remembers. */
import type { NodeId } from '../ids.ts';
import type { Leader } from './leader.ts';

/**
 * ```text
 *   learner <--membership--> follower --timeout--> pre-candidate --quorum--> candidate --quorum--> leader
 *                               ^                        |                       |                    |
 *                               +------------------------+-----------------------+--------------------+
 *                                    a higher term, a live leader, a lost quorum
 * ```
 */
export type RoleName = 'learner' | 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Answers so far, the own one included once it is durable. */
export interface Ballot {
  readonly votes: Map<NodeId, boolean>;
}

export type Role =
  | { readonly name: 'learner' }
  | { readonly name: 'follower' }
  | { readonly name: 'pre-candidate'; readonly ballot: Ballot }
  | { readonly name: 'candidate'; readonly ballot: Ballot; readonly transfer: boolean }
  | { readonly name: 'leader'; readonly leader: Leader };
