/** Nodes as an oracle sees them, made up for tests. */
import type { Entry } from '../../../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../../../src/core/entry.ts';
import type { LogIndex, NodeId, Term } from '../../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../../src/core/ids.ts';
import type { Membership, StoredMembership } from '../../../../src/core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../../../src/core/membership/membership.ts';
import type { RoleName } from '../../../../src/core/role/role.ts';
import { kvCodec } from '../../../../src/testing/simulator/kv/kv-codec.ts';
import type { KvRequest } from '../../../../src/testing/simulator/kv/kv-types.ts';
import type { SettledCall, StartedCall } from '../../../../src/testing/simulator/observation/client-call.ts';
import { LogImage } from '../../../../src/testing/simulator/observation/log-image.ts';
import type { CoreView, NodeView, ProgressView } from '../../../../src/testing/simulator/observation/node-view.ts';

export interface ViewInit {
  readonly id?: NodeId;
  readonly life?: number;
  readonly diskNumber?: number;
  readonly role?: RoleName;
  readonly term?: Term;
  readonly votedFor?: NodeId | null;
  readonly commitIndex?: LogIndex;
  readonly appliedIndex?: LogIndex;
  readonly purgedIndex?: LogIndex;
  readonly snapshotIndex?: LogIndex;
  /** Terms of the entries from index 1 on. */
  readonly terms?: readonly Term[];
  readonly committed?: StoredMembership;
  readonly effective?: StoredMembership;
  readonly disk?: LogImage;
  /** For a leader: what it thinks of its peers. */
  readonly progress?: ReadonlyMap<NodeId, ProgressView>;
  readonly log?: LogImage;
}

export function viewOf(init: ViewInit = {}): NodeView {
  const { id = 1, life = 1, diskNumber = 1, disk = new LogImage(), log = disk } = init;
  return { id, life, diskNumber, core: coreOf(init), disk, log };
}

function coreOf(init: ViewInit): CoreView {
  const { role = 'follower', term = 1, votedFor = null, commitIndex = 0, terms = [], purgedIndex = 0 } = init;
  const termAt = (index: LogIndex): Term | null => (index === 0 ? 0 : (terms[index - 1] ?? null));
  const committed = init.committed ?? NO_MEMBERSHIP;
  return {
    hardState: { term, votedFor },
    role: init.progress === undefined ? { name: role } : { name: role, leader: { progress: init.progress } },
    commitIndex,
    applied: logId(0, init.appliedIndex ?? 0),
    durableIndex: terms.length,
    snapshot: logId(0, init.snapshotIndex ?? 0),
    log: { purged: logId(termAt(purgedIndex) ?? 0, purgedIndex), lastIndex: terms.length, termAt },
    membership: { committed, effective: init.effective ?? committed },
  };
}

/** A disk with this term, vote and log. */
export function diskOf(parts: {
  readonly term?: Term;
  readonly votedFor?: NodeId | null;
  readonly entries?: readonly Entry[];
}): LogImage {
  const hardState = { term: parts.term ?? 0, votedFor: parts.votedFor ?? null };
  return LogImage.of({ hardState, purged: NO_LOG_ID, entries: parts.entries ?? [] });
}

export function blank(term: Term, index: LogIndex): Entry {
  return blankEntry(logId(term, index), 0);
}

function request(callId: number, value: number = callId): KvRequest {
  return { callId, operation: 'set', key: 'r0', value, expected: null, padding: 0 };
}

/** A write of a client in the log. */
export function written(term: Term, index: LogIndex, callId: number = index): Entry {
  return normalEntry(logId(term, index), 0, kvCodec.encodeRequest(request(callId)));
}

/** A membership of these voter sets, as an entry at `index` made it. */
export function membershipAt(term: Term, index: LogIndex, ...configs: readonly NodeId[][]): StoredMembership {
  return { logId: logId(term, index), membership: membershipOf(configs) };
}

export function membershipEntryOf(stored: StoredMembership): Entry {
  return membershipEntry(stored.logId, 0, stored.membership);
}

function membershipOf(configs: readonly NodeId[][]): Membership {
  const ids = [...new Set(configs.flat())];
  const nodes = new Map(ids.map((id) => [id, { addr: `n${id}:1`, instanceId: null, metadata: null }]));
  return { configs, nodes, retainRemoved: false };
}

export function writeCall(id: number): StartedCall {
  const input = { type: 'write', request: request(id) } as const;
  return { id, client: 1, node: 1, input, callMs: 0, callOrder: id };
}

export function readCall(id: number, level: 'linearizable' | 'lease' | 'stale' = 'linearizable'): StartedCall {
  const input = { type: 'read', key: 'r0', level, atLeast: 0 } as const;
  return { id, client: 1, node: 1, input, callMs: 0, callOrder: id };
}

export function settled(call: StartedCall, outcome: Partial<SettledCall>): SettledCall {
  return { ...call, returnMs: 1, returnOrder: 1000, outcome: 'ok', output: null, error: null, ...outcome };
}
