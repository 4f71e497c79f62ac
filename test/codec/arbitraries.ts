/** Arbitrary values of everything that has a format, all fields and all sizes of integers included. */
import fc from 'fast-check';
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../src/core/entry.ts';
import type { LogId, NodeId } from '../../src/core/ids.ts';
import type { BasicNode, JsonValue, Membership, StoredMembership } from '../../src/core/membership/membership.ts';
import type { AppendRequest, Message, SnapshotMeta } from '../../src/core/message.ts';
import type {
  Envelope,
  LocalIdentity,
  PeerRequest,
  PeerResponse,
  RemoteFailure,
  SnapshotHeader,
} from '../../src/ports/network.ts';
import type { StoredSnapshot } from '../../src/ports/snapshot-store.ts';

/** Objects as programs make them. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** 0 to 2^53 - 1, with the ends and the places where the halves of a u64 meet more often than by chance. */
const counters: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1000),
  fc.constantFrom(
    0,
    1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    Number.MAX_SAFE_INTEGER - 1,
    Number.MAX_SAFE_INTEGER,
  ),
);
const nodeIds: fc.Arbitrary<NodeId> = counters.map((n) => Math.max(n, 1));
const logIds: fc.Arbitrary<LogId> = record({ term: counters, index: counters });
const texts: fc.Arbitrary<string> = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed());
const payloads: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 });
const optionalTexts = fc.option(texts);

/** Without -0, which JSON does not know. */
const jsonValues: fc.Arbitrary<JsonValue> = fc.jsonValue().map((value): JsonValue => JSON.parse(JSON.stringify(value)));

const nodes: fc.Arbitrary<BasicNode> = record({
  addr: texts,
  instanceId: optionalTexts,
  metadata: fc.option(jsonValues),
});

const ascendingIds = fc.uniqueArray(nodeIds, { maxLength: 9 }).map((ids) => ids.sort((a, b) => a - b));

/** In canonical order, as `decodeMembership` makes them. */
export const memberships: fc.Arbitrary<Membership> = fc
  .record({
    configs: fc.array(ascendingIds, { maxLength: 2 }),
    members: fc.uniqueArray(fc.tuple(nodeIds, nodes), { maxLength: 9, selector: ([id]) => id }),
    retainRemoved: fc.boolean(),
  })
  .map(({ configs, members, retainRemoved }) => ({
    configs,
    nodes: new Map(members.sort(([a], [b]) => a - b)),
    retainRemoved,
  }));

const storedMemberships: fc.Arbitrary<StoredMembership> = record({ logId: logIds, membership: memberships });

export const entries: fc.Arbitrary<Entry> = fc
  .record({ logId: record({ term: counters, index: nodeIds }), timeMs: counters })
  .chain(({ logId, timeMs }) =>
    fc.oneof(
      payloads.map((payload) => normalEntry(logId, timeMs, payload)),
      fc.constant(blankEntry(logId, timeMs)),
      memberships.map((membership) => membershipEntry(logId, timeMs, membership)),
    ),
  );

/** Entries that follow each other, in terms that never go back. */
function succession(prevLogId: LogId, made: readonly { entry: Entry; newTerm: boolean }[]): Entry[] {
  let { term, index } = prevLogId;
  return made.map(({ entry, newTerm }) => {
    term += newTerm ? 1 : 0;
    index += 1;
    return { ...entry, logId: { term, index } };
  });
}

/** Leaves room for entries and terms to follow. */
const beforeTheEnd = counters.map((n) => Math.min(n, Number.MAX_SAFE_INTEGER - 20));

const appendRequests: fc.Arbitrary<AppendRequest> = fc
  .record({
    session: counters,
    round: counters,
    commitIndex: counters,
    prevLogId: record({ term: beforeTheEnd, index: beforeTheEnd }),
    made: fc.array(record({ entry: entries, newTerm: fc.boolean() }), { maxLength: 10 }),
    ahead: fc.nat(10),
  })
  .map(({ prevLogId, made, ahead, ...fields }) => {
    const followers = succession(prevLogId, made);
    const term = (followers.at(-1)?.logId.term ?? prevLogId.term) + ahead;
    return { type: 'append-request', term, prevLogId, entries: followers, ...fields };
  });

const vote = { term: counters, lastLogId: logIds };
const stream = { term: counters, session: counters, round: counters };
const type = <const T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);

export const messages: fc.Arbitrary<Message> = fc.oneof(
  record({ type: type('pre-vote-request'), ...vote }),
  record({ type: type('pre-vote-response'), ...vote, granted: fc.boolean() }),
  record({ type: type('vote-request'), ...vote, transfer: fc.boolean() }),
  record({ type: type('vote-response'), ...vote, granted: fc.boolean() }),
  appendRequests,
  record({
    type: type('append-response'),
    ...stream,
    prevIndex: counters,
    success: fc.boolean(),
    matchIndex: counters,
    conflictHint: fc.option(logIds),
    lastIndex: counters,
  }),
  record({ type: type('heartbeat-request'), ...stream, commitIndex: counters }),
  record({ type: type('heartbeat-response'), ...stream, verifiedIndex: counters }),
  record({ type: type('timeout-now'), term: counters }),
  record({ type: type('snapshot-response'), term: counters, session: counters, matchIndex: counters }),
);

const snapshotMetas: fc.Arbitrary<SnapshotMeta> = record({
  id: texts,
  lastLogId: logIds,
  lastTimeMs: counters,
  membership: storedMemberships,
});

export const storedSnapshots: fc.Arbitrary<StoredSnapshot> = record({
  meta: snapshotMetas,
  sizeBytes: counters,
  checksum: fc.nat(0xffff_ffff),
  codecId: texts,
});

export const snapshotHeaders: fc.Arbitrary<SnapshotHeader> = record({
  offer: record({ term: counters, session: counters, meta: snapshotMetas }),
  snapshot: storedSnapshots,
});

export const envelopes: fc.Arbitrary<Envelope> = record({
  protocolMin: fc.nat(0xffff),
  protocolMax: fc.nat(0xffff),
  clusterId: optionalTexts,
  from: nodeIds,
  fromInstanceId: texts,
  to: nodeIds,
  toInstanceId: optionalTexts,
});

export const localIdentities: fc.Arbitrary<LocalIdentity> = record({
  nodeId: nodeIds,
  instanceId: texts,
  clusterId: optionalTexts,
  clusterName: texts,
});

const durations = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((ms) => ms + 0);

export const peerRequests: fc.Arbitrary<PeerRequest> = fc.oneof(
  record({ type: type('propose'), payload: payloads, timeoutMs: durations }),
  record({ type: type('read-index'), timeoutMs: durations }),
);

export const remoteFailures: fc.Arbitrary<RemoteFailure> = fc.record(
  {
    code: texts,
    message: texts,
    leaderId: fc.option(nodeIds),
    leaderAddr: optionalTexts,
    details: jsonValues,
  },
  { requiredKeys: ['code', 'message', 'leaderId', 'leaderAddr'], noNullPrototype: true },
);

export const peerResponses: fc.Arbitrary<PeerResponse> = fc.oneof(
  record({ type: type('proposed'), logId: logIds, response: payloads }),
  record({ type: type('read-index'), readLogId: logIds }),
  record({ type: type('failed'), error: remoteFailures }),
);
