/** A node that is offered a snapshot: when it takes its place, and what of the log survives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../src/core/entry.ts';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { LogId, NodeId } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta, SnapshotOffer } from '../../../src/core/message.ts';
import type { RoleName } from '../../../src/core/role/role.ts';
import {
  at,
  ELECTION_MAX_MS,
  effectsOf,
  entriesOf,
  entryOf,
  membershipOf,
  onlyEffect,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

/** A snapshot up to `lastLogId`; its membership came with the first entry. */
function metaOf(lastLogId: LogId, membership: Membership): SnapshotMeta {
  const id = `snapshot-${lastLogId.term}-${lastLogId.index}`;
  return { id, lastLogId, lastTimeMs: 0, membership: { logId: logId(1, 1), membership } };
}

function offerOf(term: number, meta: SnapshotMeta): SnapshotOffer {
  return { term, session: 1, meta };
}

function install(node: TestNode, from: NodeId, offer: SnapshotOffer): void {
  const { term, index } = offer.meta.lastLogId;
  const entries = entriesOf(new Array<number>(index).fill(term));
  node.receiveSnapshot(from, offer, { meta: offer.meta, entries });
}

function assertAnswered(node: TestNode, to: NodeId, term: number, matchIndex: number): void {
  const message = { type: 'snapshot-response', term, session: 1, matchIndex } as const;
  assert.deepEqual(node.takeOutbox(), [{ from: node.id, to, cargo: { type: 'message', message } }]);
}

const votersOf = (node: TestNode) => node.core.state.membership.effective.membership.configs;

describe('a log that differs from the snapshot', () => {
  /** Entries 1 to 12, of term 1 after the first; memberships {3,4} at 3 and {5,6} at 12; committed up to 3. */
  function conflicting(): TestNode {
    const entries: Entry[] = entriesOf([0, ...new Array<number>(11).fill(1)]);
    entries[2] = membershipEntry(logId(1, 3), 0, membershipOf([3, 4]));
    entries[11] = membershipEntry(logId(1, 12), 0, membershipOf([5, 6]));
    return new TestNode({ id: 2, entries, committed: 3 });
  }

  test('S-18 goes as a whole, with the memberships in it, also where it is longer', () => {
    const node = conflicting();
    assert.deepEqual(votersOf(node), [[5, 6]]);
    const offer = offerOf(5, metaOf(logId(5, 10), membershipOf([1])));
    assert.equal(node.receiveOffer(1, offer), true);
    install(node, 1, offer);
    assertAnswered(node, 1, 5, 10);
    assert.deepEqual(node.entries, []);
    assert.deepEqual([node.disk.log.entries, node.disk.log.purged], [[], logId(5, 10)]);
    const { log, membership, snapshot } = node.core.state;
    assert.deepEqual([log.purged, node.lastLogId, snapshot], [logId(5, 10), logId(5, 10), logId(5, 10)]);
    assert.deepEqual(membership.committed.membership.configs, [[1]]);
    assert.equal(membership.effective, membership.committed);
    assert.equal(onlyEffect(node.history, 'install-snapshot').meta.id, offer.meta.id);
    assert.equal(node.disk.snapshot?.meta.id, offer.meta.id);
  });

  test('S-18 nothing of it comes back after a restart', () => {
    const node = conflicting();
    install(node, 1, offerOf(5, metaOf(logId(5, 10), membershipOf([1]))));
    node.restart();
    assert.deepEqual([node.lastLogId, node.commitIndex, votersOf(node)], [logId(5, 10), 10, [[1]]]);
  });
});

describe('a log that agrees with the snapshot', () => {
  const stored = () =>
    new TestNode({ voters: [1, 2, 3], purged: logId(2, 1), logTerms: [2, 2, 2, 3, 4, 4, 4], committed: 5 });

  test('S-20 keeps the entries after it', () => {
    const node = stored();
    install(node, 2, offerOf(4, metaOf(logId(4, 6), membershipOf([1, 2, 3, 4]))));
    assertAnswered(node, 2, 4, 6);
    assert.deepEqual(
      node.entries.map((entry) => entry.logId),
      [logId(4, 7), logId(4, 8)],
    );
    assert.deepEqual(node.disk.log.entries, node.entries);
    assert.deepEqual(node.core.state.log.purged, logId(4, 6));
    assert.deepEqual([node.commitIndex, node.core.state.applied], [6, logId(4, 6)]);
    assert.deepEqual(votersOf(node), [[1, 2, 3, 4]]);
  });

  test('S-20 and a membership among them stays in use', () => {
    const entries = entriesOf([2, 2, 2, 3, 4, 4, 4], 2);
    entries[6] = membershipEntry(logId(4, 8), 0, membershipOf([1, 2, 3, 4]));
    const node = new TestNode({ voters: [1, 2, 3], purged: logId(2, 1), entries, committed: 5 });
    install(node, 2, offerOf(4, metaOf(logId(4, 6), membershipOf([1, 2, 3]))));
    assert.deepEqual(votersOf(node), [[1, 2, 3, 4]]);
    assert.deepEqual(node.core.state.membership.committed.membership.configs, [[1, 2, 3]]);
  });
});

describe('a snapshot without news', () => {
  for (const last of [logId(2, 2), logId(3, 5)]) {
    test(`S-21 up to ${last.term}:${last.index} is answered at once and changes nothing`, () => {
      const node = new TestNode({
        voters: [1, 2, 3],
        purged: logId(2, 2),
        logTerms: [2, 2, 3, 4, 4],
        committed: 5,
        hardState: { term: 4, votedFor: 2 },
      });
      const { snapshot, log } = node.disk;
      const before = { snapshot, log: [...log.entries], applied: [...node.applied], membership: votersOf(node) };
      const offer = offerOf(4, metaOf(last, membershipOf([7, 8])));
      const { writes } = node.disk;

      assert.equal(node.receiveOffer(2, offer), false);
      assertAnswered(node, 2, 4, 5);
      install(node, 2, offer);
      assertAnswered(node, 2, 4, 5);
      assert.equal(node.disk.writes, writes);
      assert.deepEqual(
        { snapshot: node.disk.snapshot, log: node.disk.log.entries, applied: node.applied, membership: votersOf(node) },
        before,
      );
    });
  }
});

test('S-24 a snapshot of an earlier term is refused with the own term, offered or streamed', () => {
  const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 2, votedFor: 1 } });
  const offer = offerOf(1, metaOf(logId(1, 9), membershipOf([1, 2, 3])));
  assert.equal(node.receiveOffer(3, offer), false);
  assertAnswered(node, 3, 2, 0);
  install(node, 3, offer);
  assertAnswered(node, 3, 2, 0);
  assert.deepEqual(effectsOf(node.history, 'install-snapshot'), []);
  assert.deepEqual([node.disk.snapshot, node.disk.writes, node.core.state.leaderId], [null, 0, null]);
  assert.deepEqual(node.lastLogId, NO_LOG_ID);
});

describe('S-31 a restored membership', () => {
  const joint = [
    [1, 2, 3],
    [2, 3, 4],
  ];
  for (const { name, nodeId, voters, learners, membership, role } of [
    { name: 'with one more voter', nodeId: 1, voters: [1, 2], membership: membershipOf([1, 2, 3]), role: 'follower' },
    {
      name: 'that demotes',
      nodeId: 3,
      voters: [1, 2, 3],
      membership: membershipOf([1, 2], [3]),
      role: 'learner',
    },
    {
      name: 'that promotes',
      nodeId: 3,
      voters: [1, 2],
      learners: [3],
      membership: membershipOf([1, 2, 3]),
      role: 'follower',
    },
    { name: 'that is joint', nodeId: 4, voters: [1, 2, 3], membership: membershipOf(joint), role: 'follower' },
  ] satisfies {
    name: string;
    nodeId: NodeId;
    voters: NodeId[];
    learners?: NodeId[];
    membership: Membership;
    role: RoleName;
  }[]) {
    test(`S-31 ${name} makes node ${nodeId} a ${role}`, () => {
      const node = new TestNode({ id: nodeId, voters, learners: learners ?? [] });
      const offer = offerOf(11, metaOf(logId(11, 11), membership));
      install(node, 2, offer);
      assert.deepEqual(node.lastLogId, logId(11, 11));
      assert.deepEqual(node.core.state.membership.committed.membership, membership);
      assert.equal(node.role, role);

      // The same one again changes nothing.
      const { writes } = node.disk;
      install(node, 2, offer);
      assert.equal(effectsOf(node.history, 'install-snapshot').length, 1);
      assert.equal(node.disk.writes, writes);
    });
  }

  test('S-31 no campaign starts before the state is installed', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.isDiskSlow = true;
    const offer = offerOf(11, metaOf(logId(11, 11), membershipOf([1, 2, 3])));
    node.receiveSnapshot(2, offer);
    assert.equal(node.core.deadlineMs, Number.POSITIVE_INFINITY);
    assert.deepEqual(node.tickAt(10 * ELECTION_MAX_MS), []);
    assert.deepEqual(node.step({ type: 'elect' }), []);
    assert.deepEqual(node.receive(2, { type: 'timeout-now', term: 11 }), []);
    node.flushDisk();
    assert.equal(node.core.state.role.name, 'follower');
    assert.equal(onlyEffect(node.core.step({ type: 'elect' }, at(node.nowMs)), 'role-changed').role, 'pre-candidate');
  });
});

test('S-01 a position that a snapshot covers always matches', () => {
  const node = new TestNode({ id: 2 });
  install(node, 1, offerOf(1, metaOf(logId(1, 50), membershipOf([1], [2]))));
  node.takeOutbox();
  node.receive(1, {
    type: 'append-request',
    term: 1,
    session: 1,
    round: 1,
    prevLogId: logId(1, 3),
    entries: [entryOf(1, 4)],
    commitIndex: 50,
  });
  const [envelope] = node.takeOutbox();
  assert.ok(envelope?.cargo.type === 'message' && envelope.cargo.message.type === 'append-response');
  assert.equal(envelope.cargo.message.success, true);
  assert.deepEqual(node.entries, []);
});
