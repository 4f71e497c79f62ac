/** Builders for tests of the pure core: options, initial states, entries, messages, and finders of effects. */
import type { Effect } from '../../src/core/effect.ts';
import type { Entry } from '../../src/core/entry.ts';
import { normalEntry } from '../../src/core/entry.ts';
import type { HardState } from '../../src/core/hard-state.ts';
import type { LogId, LogIndex, NodeId, Term } from '../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { StepTime } from '../../src/core/input.ts';
import type { BasicNode, Membership, StoredMembership } from '../../src/core/membership/membership.ts';
import type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  Message,
  SnapshotMeta,
  VoteRequest,
  VoteResponse,
} from '../../src/core/message.ts';
import type { CoreOptions } from '../../src/core/options.ts';
import { RaftCore } from '../../src/core/raft.ts';
import type { RoleName } from '../../src/core/role/role.ts';
import type { InitialState } from '../../src/core/state.ts';

export const ELECTION_MIN_MS = 1000;
export const ELECTION_MAX_MS = 2000;
export const HEARTBEAT_MS = 100;

/** Wall clocks are far from monotonic ones, so that mixing them up shows. */
const WALL_OFFSET_MS = 1_000_000;

/** Small, fast and good enough: the same seed gives the same numbers (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Generous limits, pre-vote and check-quorum on; a random election timeout that depends on the node id alone. */
export function coreOptions(overrides: Partial<CoreOptions> = {}): CoreOptions {
  const nodeId = overrides.nodeId ?? 1;
  return {
    nodeId,
    electionTimeoutMinMs: ELECTION_MIN_MS,
    electionTimeoutMaxMs: ELECTION_MAX_MS,
    heartbeatIntervalMs: HEARTBEAT_MS,
    preVote: true,
    checkQuorum: true,
    maxPayloadEntries: 300,
    maxPayloadBytes: 1_000_000,
    maxInflightAppends: 16,
    maxInflightBytes: 16_000_000,
    maxUncommittedBytes: 64_000_000,
    maxInSnapshotLogToKeep: 0,
    maxPendingReads: 1000,
    leaseReads: false,
    instanceId: null,
    clockDriftBound: 0.1,
    random: seededRandom(nodeId),
    ...overrides,
  };
}

export function at(nowMs: number): StepTime {
  return { nowMs, wallMs: WALL_OFFSET_MS + nowMs };
}

export function basicNode(id: NodeId): BasicNode {
  return { addr: `node-${id}:9000`, instanceId: null, metadata: null };
}

export function nodesOf(ids: readonly NodeId[]): Map<NodeId, BasicNode> {
  return new Map(ids.map((id) => [id, basicNode(id)]));
}

/** `voters`: one voter set, or two for a joint config. */
export function membershipOf(
  voters: readonly NodeId[] | readonly (readonly NodeId[])[],
  learners: readonly NodeId[] = [],
): Membership {
  const configs = asConfigs(voters);
  return {
    configs,
    nodes: nodesOf([...new Set([...configs.flat(), ...learners])].sort((a, b) => a - b)),
    retainRemoved: false,
  };
}

function asConfigs(voters: readonly NodeId[] | readonly (readonly NodeId[])[]): (readonly NodeId[])[] {
  const sets: (readonly NodeId[])[] = [];
  const single: NodeId[] = [];
  for (const item of voters) {
    if (typeof item === 'number') single.push(item);
    else sets.push(item);
  }
  return sets.length > 0 || single.length === 0 ? sets : [single];
}

/** An entry whose payload names it: `entryOf(2, 5)` holds "2:5", unless `text` says otherwise. */
export function entryOf(term: Term, index: LogIndex, text = `${term}:${index}`): Entry {
  return normalEntry(logId(term, index), WALL_OFFSET_MS, bytesOf(text));
}

/** Entries with these terms, at `fromIndex` and after it. */
export function entriesOf(terms: readonly Term[], fromIndex: LogIndex = 1): Entry[] {
  return terms.map((term, offset) => entryOf(term, fromIndex + offset));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

/** What a store holds, in the words of the scenarios. Everything is optional: the default is a pristine node. */
export interface InitialStateInit {
  readonly voters?: readonly NodeId[] | readonly (readonly NodeId[])[];
  readonly learners?: readonly NodeId[];
  /** Instead of `voters` and `learners`, when the position of the membership matters. */
  readonly membership?: StoredMembership;
  readonly logMemberships?: readonly StoredMembership[];
  /** Terms of the entries after `purged`, one each. */
  readonly logTerms?: readonly Term[];
  readonly purged?: LogId;
  /** Default: the term of the last entry, no vote. */
  readonly hardState?: HardState;
  readonly committed?: LogIndex;
  /** Default: the committed index. */
  readonly applied?: LogIndex;
  /** Default: the purged index. */
  readonly snapshot?: LogIndex;
  readonly lastTimeMs?: number;
}

export function initialState(init: InitialStateInit = {}): InitialState {
  const purged = init.purged ?? NO_LOG_ID;
  const terms = init.logTerms ?? [];
  const idAt = (index: LogIndex): LogId =>
    index <= purged.index ? purged : logId(terms[index - purged.index - 1] ?? purged.term, index);
  const last = idAt(purged.index + terms.length);
  const committed = idAt(init.committed ?? purged.index);
  return {
    hardState: init.hardState ?? { term: last.term, votedFor: null },
    boundaries: boundariesOf(terms, purged),
    purged,
    last,
    committed,
    applied: init.applied === undefined ? committed : idAt(init.applied),
    snapshot: init.snapshot === undefined ? purged : idAt(init.snapshot),
    membership: init.membership ?? {
      logId: NO_LOG_ID,
      membership: membershipOf(init.voters ?? [], init.learners),
    },
    logMemberships: init.logMemberships ?? [],
    lastTimeMs: init.lastTimeMs ?? 0,
  };
}

/** The first LogId of every run of equal terms. */
export function boundariesOf(terms: readonly Term[], purged: LogId = NO_LOG_ID): LogId[] {
  return terms.flatMap((term, offset) =>
    offset === 0 || terms[offset - 1] !== term ? [logId(term, purged.index + 1 + offset)] : [],
  );
}

/** A core at time 0 with the given store; `options` as for `coreOptions`. */
export function makeCore(init: InitialStateInit = {}, options: Partial<CoreOptions> = {}): RaftCore {
  return new RaftCore(coreOptions(options), initialState(init), at(0));
}

/** The role of a core; as a call, so that the compiler does not take it for constant over several steps. */
export function roleOf(core: RaftCore): RoleName {
  return core.state.role.name;
}

/** All effects of one type, in order. */
export function effectsOf<Type extends Effect['type']>(
  effects: readonly Effect[],
  type: Type,
): Extract<Effect, { type: Type }>[] {
  return effects.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type);
}

/** The only effect of that type; throws when there is none, or more than one. */
export function onlyEffect<Type extends Effect['type']>(
  effects: readonly Effect[],
  type: Type,
): Extract<Effect, { type: Type }> {
  const [found, another] = effectsOf(effects, type);
  if (found === undefined || another !== undefined) {
    throw new Error(`expected one effect ${type} in: ${effects.map((effect) => effect.type).join(', ')}`);
  }
  return found;
}

/** Messages that leave at once; those that wait for the disk are in `heldMessages`. */
export function sentMessages(effects: readonly Effect[]): { to: NodeId; message: Message }[] {
  return effectsOf(effects, 'send').map(({ to, message }) => ({ to, message }));
}

/** Messages that leave when the write is durable. */
export function heldMessages(effects: readonly Effect[]): { to: NodeId; message: Message }[] {
  return effects.flatMap((effect) =>
    effect.type === 'persist' || effect.type === 'install-snapshot'
      ? effect.afterDurable.map(({ to, message }) => ({ to, message }))
      : [],
  );
}

export function voteRequest(term: Term, lastLogId: LogId, transfer = false): VoteRequest {
  return { type: 'vote-request', term, lastLogId, transfer };
}

export function voteResponse(term: Term, granted: boolean, lastLogId: LogId = NO_LOG_ID): VoteResponse {
  return { type: 'vote-response', term, granted, lastLogId };
}

export function appendRequest(term: Term, request: Partial<Omit<AppendRequest, 'type' | 'term'>> = {}): AppendRequest {
  return {
    type: 'append-request',
    term,
    session: 1,
    round: 1,
    prevLogId: NO_LOG_ID,
    entries: [],
    commitIndex: 0,
    ...request,
  };
}

export function appendResponse(
  term: Term,
  response: Partial<Omit<AppendResponse, 'type' | 'term'>> = {},
): AppendResponse {
  return {
    type: 'append-response',
    term,
    session: 1,
    round: 1,
    prevIndex: 0,
    success: true,
    matchIndex: 0,
    conflictHint: null,
    lastIndex: response.matchIndex ?? 0,
    ...response,
  };
}

export function heartbeatRequest(
  term: Term,
  request: Partial<Omit<HeartbeatRequest, 'type' | 'term'>> = {},
): HeartbeatRequest {
  return { type: 'heartbeat-request', term, session: 1, round: 1, commitIndex: 0, ...request };
}

export function snapshotMeta(
  lastLogId: LogId,
  voters: readonly NodeId[],
  learners: readonly NodeId[] = [],
): SnapshotMeta {
  return {
    id: `snapshot-${lastLogId.term}-${lastLogId.index}`,
    lastLogId,
    lastTimeMs: WALL_OFFSET_MS,
    membership: { logId: NO_LOG_ID, membership: membershipOf(voters, learners) },
  };
}
