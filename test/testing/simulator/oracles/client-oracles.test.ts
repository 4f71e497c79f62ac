/** The oracles of clients, memberships and disks notice what they are there for, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../../../src/core/ids.ts';
import { CommittedLog } from '../../../../src/testing/simulator/observation/committed-log.ts';
import { LogImage } from '../../../../src/testing/simulator/observation/log-image.ts';
import { LogJournal } from '../../../../src/testing/simulator/observation/log-journal.ts';
import { ApplyOnce } from '../../../../src/testing/simulator/oracles/apply-once.ts';
import { CallTruth } from '../../../../src/testing/simulator/oracles/call-truth.ts';
import { DurableLog } from '../../../../src/testing/simulator/oracles/durable-log.ts';
import { MembershipSafety } from '../../../../src/testing/simulator/oracles/membership-safety.ts';
import { OracleBoard } from '../../../../src/testing/simulator/oracles/oracle-board.ts';
import { doQuorumsMeet, holdsQuorum } from '../../../../src/testing/simulator/oracles/own-quorum.ts';
import { ReadSafety } from '../../../../src/testing/simulator/oracles/read-safety.ts';
import {
  blank,
  diskOf,
  membershipAt,
  membershipEntryOf,
  readCall,
  settled,
  viewOf,
  writeCall,
  written,
} from './node-views.ts';
import { assertViolates } from './violates.ts';

const answer = { outcome: 'ok', output: { type: 'written', response: null } } as const;

describe('durable log', () => {
  test('a write that was acknowledged, but is not committed', () => {
    const oracle = new DurableLog(new CommittedLog());
    assertViolates('acknowledged writes are durable', () => oracle.returned(settled(writeCall(1), answer)));
  });

  test('a disk that lost what was durable', () => {
    const journal = new LogJournal();
    const write = { type: 'append', entries: [blank(1, 1)] } as const;
    journal.issue(write);
    journal.finish(write);
    const empty = { hardState: { term: 0, votedFor: null }, lastPurged: NO_LOG_ID, lastLogId: NO_LOG_ID };
    const isExplained = journal.reopen({ ...empty, identity: noIdentity, committed: NO_LOG_ID }, new LogImage());
    const oracle = new DurableLog(new CommittedLog());
    assertViolates('durable log', () => oracle.opened(viewOf(), isExplained));
  });

  test('a snapshot that a node made of more than its disk holds', () => {
    const oracle = new DurableLog(new CommittedLog());
    const disk = diskOf({ entries: [blank(1, 1)] });
    oracle.settled(viewOf({ disk }));
    oracle.settled(viewOf({ disk, snapshotIndex: 1 }));
    assertViolates('snapshots follow the log', () => oracle.settled(viewOf({ disk, snapshotIndex: 2 })));
  });

  test('a log that is cut beyond the snapshot', () => {
    const oracle = new DurableLog(new CommittedLog());
    const purge = (index: number): void =>
      oracle.issued(viewOf({ snapshotIndex: 2 }), { type: 'purge', upTo: logId(1, index) });
    oracle.settled(viewOf());
    oracle.settled(viewOf({ disk: diskOf({ entries: [blank(1, 1), blank(1, 2)] }), snapshotIndex: 2 }));
    purge(2);
    assertViolates('snapshots cover what is purged', () => purge(3));
  });

  test('a snapshot that a node found, or was sent, may be ahead of its log', () => {
    const oracle = new DurableLog(new CommittedLog());
    oracle.settled(viewOf({ snapshotIndex: 2 }));
    const meta = { id: 'a', lastLogId: logId(1, 5), lastTimeMs: 0, membership: membershipAt(1, 1, [1]) };
    oracle.restored(viewOf({ snapshotIndex: 2 }), { meta, digest: 0, stateHash: 0 });
    oracle.settled(viewOf({ snapshotIndex: 5 }));
    assertViolates('snapshots follow the log', () => oracle.settled(viewOf({ snapshotIndex: 6 })));
  });

  test('of writes under way a disk may hold the first few, and only those', () => {
    const one = { type: 'append', entries: [blank(1, 1)] } as const;
    const two = { type: 'hard-state', hardState: { term: 2, votedFor: 1 } } as const;
    const reopened = (found: LogImage): boolean => {
      const journal = new LogJournal();
      journal.issue(one);
      journal.issue(two);
      const { hardState, purged: lastPurged, lastLogId } = found;
      return journal.reopen({ identity: noIdentity, committed: NO_LOG_ID, hardState, lastPurged, lastLogId }, found);
    };
    assert.equal(reopened(new LogImage()), true);
    assert.equal(reopened(diskOf({ entries: one.entries })), true);
    assert.equal(reopened(diskOf({ term: 2, votedFor: 1, entries: one.entries })), true);
    assert.equal(reopened(diskOf({ term: 2, votedFor: 1 })), false);
  });

  const noIdentity = { nodeId: 1, instanceId: 'a', clusterId: null, clusterName: 'c' };
});

describe('applied once, in order', () => {
  test('a request that nobody made', () => {
    const oracle = new ApplyOnce();
    assertViolates('applied once, in order', () =>
      oracle.applied(viewOf(), { entry: written(1, 1, 7), response: null }),
    );
  });

  test('a request that is applied at two places', () => {
    const oracle = new ApplyOnce();
    oracle.called(writeCall(7));
    oracle.applied(viewOf(), { entry: written(1, 1, 7), response: null });
    assertViolates('applied once, in order', () =>
      oracle.applied(viewOf(), { entry: written(1, 2, 7), response: null }),
    );
  });

  test('an entry that is left out, and one that is applied twice', () => {
    const oracle = new ApplyOnce();
    oracle.applied(viewOf(), { entry: blank(1, 1), response: undefined });
    assertViolates('applied once, in order', () =>
      oracle.applied(viewOf(), { entry: blank(1, 3), response: undefined }),
    );
    assertViolates('applied once, in order', () =>
      oracle.applied(viewOf(), { entry: blank(1, 1), response: undefined }),
    );
  });

  test('a snapshot older than what was applied', () => {
    const oracle = new ApplyOnce();
    oracle.started(viewOf(), logId(1, 5));
    const meta = { id: 's', lastLogId: logId(1, 4), lastTimeMs: 0, membership: membershipAt(0, 1, [1]) };
    assertViolates('applied once, in order', () => oracle.restored(viewOf(), { meta, digest: 0, stateHash: 0 }));
  });
});

describe('membership safety', () => {
  const leader = { role: 'leader', term: 2, terms: [2, 2, 2, 2], commitIndex: 2 } as const;
  const old = membershipAt(2, 2, [1, 2, 3]);

  function change(commitIndex: number, ...configs: number[][]): () => void {
    const oracle = new MembershipSafety();
    oracle.settled(viewOf({ ...leader, committed: old }));
    const effective = membershipAt(2, 3, ...configs);
    return () => oracle.settled(viewOf({ ...leader, commitIndex, committed: old, effective }));
  }

  test('a change through a joint config is legal', () => {
    assert.doesNotThrow(change(2, [1, 2, 3], [3, 4, 5]));
  });

  test('a change of the voters without a joint config', () => {
    assertViolates('membership safety', change(2, [3, 4, 5]));
    assertViolates('membership safety', change(2, [1, 2, 3, 4]));
    assertViolates('membership safety', change(2, [1, 2], [4, 5]));
  });

  test('a change before the one before it is committed', () => {
    const oracle = new MembershipSafety();
    const joint = membershipAt(2, 3, [1, 2, 3], [1, 2]);
    oracle.settled(viewOf({ ...leader, committed: old, effective: joint }));
    const next = membershipAt(2, 4, [1, 2]);
    const tooEarly = viewOf({ ...leader, commitIndex: 2, committed: old, effective: next });
    assertViolates('membership safety', () => oracle.settled(tooEarly));
  });

  test('a config that is not in the log any more, or not the latest one there', () => {
    const oracle = new MembershipSafety();
    const joint = membershipAt(2, 3, [1, 2, 3], [1, 2]);
    const node = { term: 2, terms: [2, 2, 2], commitIndex: 2, committed: old };
    oracle.issued(viewOf(), { type: 'append', entries: [membershipEntryOf(joint)] });
    assert.doesNotThrow(() => oracle.settled(viewOf({ ...node, effective: joint })));
    assertViolates('membership safety', () => oracle.settled(viewOf(node)));
    assert.doesNotThrow(() => oracle.settled(viewOf({ ...node, terms: [2, 2] })));
    assertViolates('membership safety', () => oracle.settled(viewOf({ ...node, terms: [2, 2], effective: joint })));
  });

  test('a change before an entry of the own term is committed', () => {
    const oracle = new MembershipSafety();
    const early = { ...leader, term: 3, terms: [2, 2, 3, 3], commitIndex: 2 };
    oracle.settled(viewOf({ ...early, committed: old }));
    const effective = membershipAt(3, 4, [1, 2, 3], [1, 2]);
    assertViolates('membership safety', () => oracle.settled(viewOf({ ...early, committed: old, effective })));
  });
});

describe('the quorums of the oracles', () => {
  test('a majority of every set', () => {
    assert.equal(
      holdsQuorum([[1, 2, 3]], (id) => id < 3),
      true,
    );
    assert.equal(
      holdsQuorum([[1, 2, 3, 4]], (id) => id < 3),
      false,
    );
    assert.equal(
      holdsQuorum(
        [
          [1, 2, 3],
          [3, 4, 5],
        ],
        (id) => id < 3,
      ),
      false,
    );
    assert.equal(
      holdsQuorum([], () => true),
      false,
    );
  });

  test('quorums that need not meet', () => {
    assert.equal(doQuorumsMeet([[1, 2, 3]], [[1, 2, 3, 4]]), true);
    assert.equal(doQuorumsMeet([[1, 2, 3]], [[1, 2, 3, 4, 5]]), false);
    assert.equal(
      doQuorumsMeet(
        [[1, 2, 3]],
        [
          [1, 2, 3],
          [3, 4, 5],
        ],
      ),
      true,
    );
  });
});

describe('reads', () => {
  function committedWrites(): CommittedLog {
    const committed = new CommittedLog();
    committed.commit(written(1, 1, 1), 1, 1);
    committed.commit(written(1, 2, 2), 1, 1);
    return committed;
  }

  const readAt = (stateIndex: number, value: number | null) =>
    ({ outcome: 'ok', output: { type: 'read', value, stateIndex } }) as const;

  for (const level of ['linearizable', 'lease'] as const) {
    test(`a ${level} read that misses what was acknowledged before it began`, () => {
      const oracle = new ReadSafety(committedWrites());
      oracle.called(writeCall(2));
      oracle.returned(settled(writeCall(2), answer));
      oracle.called(readCall(3, level));
      assertViolates('reads are linearizable', () => oracle.returned(settled(readCall(3, level), readAt(1, 1))));
    });
  }

  test('a read that began before the write was acknowledged may miss it, and a stale one, too', () => {
    const oracle = new ReadSafety(committedWrites());
    oracle.called(readCall(3));
    oracle.called(writeCall(2));
    oracle.returned(settled(writeCall(2), answer));
    assert.doesNotThrow(() => oracle.returned(settled(readCall(3), readAt(1, 1))));
    oracle.called(readCall(4, 'stale'));
    assert.doesNotThrow(() => oracle.returned(settled(readCall(4, 'stale'), readAt(1, 1))));
  });

  test('a read that goes back behind another one', () => {
    const oracle = new ReadSafety(committedWrites());
    oracle.called(readCall(3));
    oracle.returned(settled(readCall(3), readAt(2, 2)));
    oracle.called(readCall(4));
    assertViolates('reads are linearizable', () => oracle.returned(settled(readCall(4), readAt(1, 1))));
  });

  test('a value that never was', () => {
    const oracle = new ReadSafety(committedWrites());
    oracle.called(readCall(3, 'stale'));
    assertViolates('reads are true', () => oracle.returned(settled(readCall(3, 'stale'), readAt(1, 2))));
  });

  test('a write that is placed before one that was acknowledged before it was made', () => {
    const oracle = new ReadSafety(committedWrites());
    oracle.called(writeCall(2));
    oracle.returned(settled(writeCall(2), answer));
    oracle.called(writeCall(1));
    assertViolates('reads are linearizable', () => oracle.returned(settled(writeCall(1), answer)));
  });
});

describe('answers', () => {
  test('a write that failed, but is committed', () => {
    const committed = new CommittedLog();
    const oracle = new CallTruth(committed);
    oracle.called(writeCall(1));
    oracle.returned(settled(writeCall(1), { outcome: 'failed', error: 'TIMEOUT' }));
    committed.commit(written(1, 1, 1), 1, 1);
    assertViolates('calls are answered truthfully', () => oracle.ended());
  });

  test('an answer that the state machine did not give', () => {
    const committed = new CommittedLog();
    committed.commit(written(1, 1, 1), 1, 1);
    const oracle = new CallTruth(committed);
    oracle.called(writeCall(1));
    const wrong = { outcome: 'ok', output: { type: 'written', response: 5 } } as const;
    assertViolates('calls are answered truthfully', () => oracle.returned(settled(writeCall(1), wrong)));
  });

  test('a call that is answered twice, or never', () => {
    const oracle = new CallTruth(new CommittedLog());
    oracle.called(readCall(1));
    assertViolates('calls are answered once', () => oracle.ended());
    oracle.returned(settled(readCall(1), { outcome: 'failed' }));
    assertViolates('calls are answered once', () => oracle.returned(settled(readCall(1), { outcome: 'failed' })));
  });
});

describe('the board', () => {
  test('keeps what an oracle found from who is watched, and tells once', () => {
    const found: string[] = [];
    const board = new OracleBoard({
      nodeOf: () => undefined,
      disksOf: () => [],
      onViolation: ({ property }) => found.push(property),
    });
    board.settled(viewOf({ id: 1, role: 'leader', term: 3 }));
    board.settled(viewOf({ id: 2, role: 'leader', term: 3 }));
    board.settled(viewOf({ id: 4, role: 'leader', term: 3 }));
    assert.deepEqual(found, ['election safety']);
    assert.equal(board.violation?.property, 'election safety');
  });
});
