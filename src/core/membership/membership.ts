/** The shape of a cluster configuration, and the questions one asks of it. */
import type { LogId, NodeId } from '../ids.ts';
import { NO_LOG_ID } from '../ids.ts';

/** A JSON value: what application metadata of a node may be. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Where a member lives and how to recognise it. */
export interface BasicNode {
  /** `host:port` of the node's Raft endpoint. */
  readonly addr: string;
  /** Made when the member's store was created; `null` when it was never learnt. A different one is refused. */
  readonly instanceId: string | null;
  /** The application's own data about the node; `null` when there is none. */
  readonly metadata: JsonValue | null;
}

/**
 * A cluster configuration. One voter set is a uniform config, two are a joint config (§6):
 *
 * ```text
 *   uniform [old] --change--> joint [old, new] --automatic--> uniform [new]
 * ```
 *
 * Ids in `nodes` but in no config are learners.
 */
export interface Membership {
  readonly configs: readonly (readonly NodeId[])[];
  readonly nodes: ReadonlyMap<NodeId, BasicNode>;
  /** In a joint config: do voters that are about to leave stay as learners (openraft's `retain`)? `false` otherwise. */
  readonly retainRemoved: boolean;
}

/** A membership together with the entry that brought it. */
export interface StoredMembership {
  readonly logId: LogId;
  readonly membership: Membership;
}

/** No config, no nodes: what a node knows before it is initialised. */
export const EMPTY_MEMBERSHIP: Membership = Object.freeze({
  configs: Object.freeze([]),
  nodes: new Map<NodeId, BasicNode>(),
  retainRemoved: false,
});

export const NO_MEMBERSHIP: StoredMembership = Object.freeze({ logId: NO_LOG_ID, membership: EMPTY_MEMBERSHIP });

export function isJoint(membership: Membership): boolean {
  return membership.configs.length > 1;
}

export function isVoter(membership: Membership, id: NodeId): boolean {
  return membership.configs.some((config) => config.includes(id));
}

/**
 * Is this store a voter? Another store under its id is not: a node that joined anew under an id of old times meets, while
 * it catches up, memberships that speak of the store it replaces. `null`: any store with this id is meant.
 */
export function isVotingStore(membership: Membership, id: NodeId, instanceId: string | null): boolean {
  const known = membership.nodes.get(id)?.instanceId ?? null;
  return isVoter(membership, id) && (known === null || instanceId === null || known === instanceId);
}

export function isLearner(membership: Membership, id: NodeId): boolean {
  return membership.nodes.has(id) && !isVoter(membership, id);
}

/** All voters of all configs, ascending, each once. */
export function voterIds(membership: Membership): NodeId[] {
  return [...new Set(membership.configs.flat())].sort((a, b) => a - b);
}

/** All learners, ascending. A node is never both voter and learner. */
export function learnerIds(membership: Membership): NodeId[] {
  return [...membership.nodes.keys()].filter((id) => !isVoter(membership, id)).sort((a, b) => a - b);
}
