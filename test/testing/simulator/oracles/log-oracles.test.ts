/** Each oracle of figure 3 notices what it is there for, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HardState } from '../../../../src/core/hard-state.ts';
import { logId, NO_LOG_ID } from '../../../../src/core/ids.ts';
import type { AppendRequest } from '../../../../src/core/message.ts';
import { CommittedLog } from '../../../../src/testing/simulator/observation/committed-log.ts';
import { KnownEntries } from '../../../../src/testing/simulator/observation/known-entries.ts';
import type { LogImage } from '../../../../src/testing/simulator/observation/log-image.ts';
import { DurablePromises } from '../../../../src/testing/simulator/oracles/durable-promises.ts';
import { ElectionSafety } from '../../../../src/testing/simulator/oracles/election-safety.ts';
import { LeaderAppendOnly } from '../../../../src/testing/simulator/oracles/leader-append-only.ts';
import { LeaderCompleteness } from '../../../../src/testing/simulator/oracles/leader-completeness.ts';
import { LogMatching } from '../../../../src/testing/simulator/oracles/log-matching.ts';
import { Monotonic } from '../../../../src/testing/simulator/oracles/monotonic.ts';
import { StateMachineSafety } from '../../../../src/testing/simulator/oracles/state-machine-safety.ts';
import { TrueMatch } from '../../../../src/testing/simulator/oracles/true-match.ts';
import { blank, diskOf, membershipAt, viewOf, written } from './node-views.ts';
import { assertViolates } from './violates.ts';

function appendRequest(term: number, entries: AppendRequest['entries'] = []): AppendRequest {
  return { type: 'append-request', term, session: 1, round: 1, prevLogId: NO_LOG_ID, entries, commitIndex: 0 };
}

describe('election safety', () => {
  test('two leaders in one term', () => {
    const oracle = new ElectionSafety();
    oracle.settled(viewOf({ id: 1, role: 'leader', term: 3 }));
    oracle.settled(viewOf({ id: 2, role: 'leader', term: 4 }));
    assertViolates('election safety', () => oracle.settled(viewOf({ id: 2, role: 'leader', term: 3 })));
  });

  test('a leader that shows only in what it sends', () => {
    const oracle = new ElectionSafety();
    oracle.settled(viewOf({ id: 1, role: 'leader', term: 3 }));
    assertViolates('election safety', () => oracle.sent(viewOf({ id: 2, term: 3 }), 1, appendRequest(3)));
  });

  test('a leader that leads on in its term after a restart', () => {
    const oracle = new ElectionSafety();
    oracle.settled(viewOf({ id: 1, life: 1, role: 'leader', term: 3 }));
    assertViolates('election safety', () => oracle.settled(viewOf({ id: 1, life: 2, role: 'leader', term: 3 })));
  });

  test('a leader that less than a quorum voted for in its term', () => {
    const oracle = new ElectionSafety();
    const votes = (id: number, term: number, votedFor: number): void => {
      const hardState = { term, votedFor };
      oracle.durable(viewOf({ id, disk: diskOf(hardState) }), { type: 'hard-state', hardState });
    };
    const leads = (term: number): void =>
      oracle.settled(viewOf({ id: 1, role: 'leader', term, effective: membershipAt(0, 1, [1, 2, 3]) }));
    votes(1, 3, 1);
    votes(2, 3, 1);
    leads(3);
    votes(1, 4, 1);
    votes(3, 4, 3);
    assertViolates('leaders are elected', () => leads(4));
    // Given in a batch that ended in a later term: that one is on the disk.
    votes(1, 5, 1);
    const granted = { type: 'vote-response', term: 5, granted: true, lastLogId: logId(1, 1) } as const;
    oracle.sent(viewOf({ id: 3, term: 6 }), 1, granted);
    leads(5);
  });

  test('a second vote in a term, written by a later life', () => {
    const oracle = new ElectionSafety();
    const first = { term: 3, votedFor: 2 };
    oracle.durable(viewOf({ disk: diskOf(first) }), { type: 'hard-state', hardState: first });
    oracle.opened(viewOf({ life: 2, disk: diskOf(first) }));
    const second = { term: 3, votedFor: 1 };
    assertViolates('one vote a term', () =>
      oracle.durable(viewOf({ life: 2, disk: diskOf(second) }), { type: 'hard-state', hardState: second }),
    );
  });

  test('a disk on which the vote is missing', () => {
    const oracle = new ElectionSafety();
    const first = { term: 3, votedFor: 2 };
    oracle.durable(viewOf({ disk: diskOf(first) }), { type: 'hard-state', hardState: first });
    assertViolates('one vote a term', () => oracle.opened(viewOf({ life: 2, disk: diskOf({ term: 3 }) })));
  });
});

describe('terms', () => {
  const enters = (oracle: ElectionSafety, id: number, hardState: HardState): void =>
    oracle.issued(viewOf({ id }), { type: 'hard-state', hardState });

  test('a term that nobody campaigned for', () => {
    const oracle = new ElectionSafety();
    enters(oracle, 1, { term: 3, votedFor: 1 });
    enters(oracle, 2, { term: 3, votedFor: null });
    assertViolates('terms begin with a candidate', () => enters(oracle, 2, { term: 4, votedFor: null }));
  });

  test('a candidate of an earlier term may be heard late', () => {
    const oracle = new ElectionSafety();
    enters(oracle, 1, { term: 5, votedFor: 1 });
    enters(oracle, 2, { term: 4, votedFor: 3 });
    assertViolates('terms begin with a candidate', () => enters(oracle, 2, { term: 6, votedFor: 3 }));
  });
});

describe('durable promises', () => {
  const vote = { type: 'vote-response', term: 3, granted: true, lastLogId: NO_LOG_ID } as const;
  const ack = {
    type: 'append-response',
    term: 3,
    session: 1,
    round: 1,
    prevIndex: 0,
    success: true,
    matchIndex: 2,
    conflictHint: null,
    lastIndex: 2,
  } as const;

  test('a vote that is not on the disk', () => {
    const oracle = new DurablePromises();
    oracle.sent(viewOf({ disk: diskOf({ term: 3, votedFor: 2 }) }), 2, vote);
    assertViolates('durable promises', () => oracle.sent(viewOf({ disk: diskOf({ term: 3 }) }), 2, vote));
    assertViolates('durable promises', () => oracle.sent(viewOf({ disk: diskOf({ term: 3, votedFor: 5 }) }), 2, vote));
  });

  test('an acknowledgement of what is not on the disk', () => {
    const oracle = new DurablePromises();
    const one = diskOf({ term: 3, entries: [blank(3, 1)] });
    const two = diskOf({ term: 3, entries: [blank(3, 1), blank(3, 2)] });
    oracle.sent(viewOf({ disk: two }), 2, ack);
    assertViolates('durable promises', () => oracle.sent(viewOf({ disk: one }), 2, ack));
  });

  test('a candidate that does not remember its own vote', () => {
    const oracle = new DurablePromises();
    const request = { type: 'vote-request', term: 3, lastLogId: NO_LOG_ID, transfer: false } as const;
    assertViolates('durable promises', () => oracle.sent(viewOf({ disk: diskOf({ term: 2 }) }), 2, request));
  });
});

describe('leader append-only', () => {
  test('a leader that loses an entry', () => {
    const oracle = new LeaderAppendOnly();
    oracle.settled(viewOf({ role: 'leader', term: 2, terms: [1, 2] }));
    oracle.settled(viewOf({ role: 'leader', term: 2, terms: [1, 2, 2] }));
    assertViolates('leader append-only', () => oracle.settled(viewOf({ role: 'leader', term: 2, terms: [1, 2] })));
  });

  test('a follower may lose entries', () => {
    const oracle = new LeaderAppendOnly();
    oracle.settled(viewOf({ role: 'leader', term: 2, terms: [1, 2, 2] }));
    assert.doesNotThrow(() => oracle.settled(viewOf({ role: 'follower', term: 3, terms: [1] })));
    assert.doesNotThrow(() => oracle.settled(viewOf({ role: 'leader', term: 4, terms: [1, 4] })));
  });
});

describe('log matching', () => {
  test('two entries with one LogId', () => {
    const oracle = new LogMatching(new KnownEntries());
    oracle.issued(viewOf({ log: diskOf({ entries: [written(1, 1, 7)] }) }), {
      type: 'append',
      entries: [written(1, 1, 7)],
    });
    const other = written(1, 1, 8);
    assertViolates('log matching', () => oracle.sent(viewOf({ id: 2 }), 1, appendRequest(1, [other])));
  });

  test('different entries before the same one', () => {
    const oracle = new LogMatching(new KnownEntries());
    const first = [blank(1, 1), blank(3, 2)];
    const second = [blank(2, 1), blank(3, 2)];
    oracle.issued(viewOf({ log: diskOf({ entries: first }) }), { type: 'append', entries: first });
    assertViolates('log matching', () =>
      oracle.issued(viewOf({ id: 2, log: diskOf({ entries: second }) }), { type: 'append', entries: second }),
    );
  });

  test('a hole, and a term that goes back', () => {
    const oracle = new LogMatching(new KnownEntries());
    assertViolates('log matching', () => oracle.opened(viewOf({ log: diskOf({ entries: [blank(1, 2)] }) })));
    assertViolates('log matching', () =>
      oracle.opened(viewOf({ log: diskOf({ entries: [blank(2, 1), blank(1, 2)] }) })),
    );
  });
});

describe('leader completeness', () => {
  test('a leader without an entry that was committed before its term', () => {
    const committed = new CommittedLog();
    committed.commit(blank(1, 1), 1, 1);
    const oracle = new LeaderCompleteness(committed);
    oracle.settled(viewOf({ id: 2, role: 'leader', term: 2, terms: [1, 2] }));
    assertViolates('leader completeness', () => oracle.settled(viewOf({ id: 3, role: 'leader', term: 3, terms: [3] })));
  });

  test('an outdated leader need not have what a later one committed', () => {
    const committed = new CommittedLog();
    committed.commit(blank(5, 1), 5, 1);
    const oracle = new LeaderCompleteness(committed);
    assert.doesNotThrow(() => oracle.settled(viewOf({ id: 2, role: 'leader', term: 3, terms: [3] })));
  });
});

describe('commit rule', () => {
  test('a leader that commits an entry of an earlier term by counting', () => {
    const oracle = new LeaderCompleteness(new CommittedLog());
    const leader = { role: 'leader', term: 4, terms: [1, 2, 4] } as const;
    oracle.settled(viewOf({ ...leader, commitIndex: 1 }));
    assertViolates('commit rule', () => oracle.settled(viewOf({ ...leader, commitIndex: 2 })));
    assert.doesNotThrow(() => oracle.settled(viewOf({ ...leader, commitIndex: 3 })));
  });
});

describe('match indexes', () => {
  const entries = [blank(1, 1), blank(1, 2)];
  const peers = new Map([[2, viewOf({ id: 2, disk: diskOf({ term: 1, entries }) })]]);
  const leader = (matchIndex: number, session: number = 1) =>
    viewOf({ role: 'leader', terms: [1, 1, 1], progress: new Map([[2, { session, matchIndex }]]) });

  test('a leader that counts what a peer does not have', () => {
    const oracle = new TrueMatch((id) => peers.get(id));
    oracle.settled(leader(2));
    assertViolates('match indexes are true', () => oracle.settled(leader(3)));
  });

  test('a peer that lost its disk meanwhile, or follows a later leader, is no proof', () => {
    const lost = new Map([[2, viewOf({ id: 2, diskNumber: 2, disk: diskOf({}) })]]);
    let current = peers;
    const oracle = new TrueMatch((id) => current.get(id));
    oracle.settled(leader(1));
    current = lost;
    assert.doesNotThrow(() => oracle.settled(leader(3)));
    // A new stream to the new disk must be true again.
    assertViolates('match indexes are true', () => oracle.settled(leader(3, 2)));
    current = new Map([[2, viewOf({ id: 2, disk: diskOf({ term: 5, entries: [] }) })]]);
    assert.doesNotThrow(() => oracle.settled(leader(2, 3)));
  });
});

describe('state machine safety', () => {
  const entries = [blank(1, 1), written(1, 2)];
  const config = membershipAt(0, 0, [1, 2, 3]);

  function oracleOver(disks: ReadonlyMap<number, LogImage>): { oracle: StateMachineSafety; committed: CommittedLog } {
    const committed = new CommittedLog();
    const known = new KnownEntries();
    for (const entry of [...entries, written(2, 2, 9)]) known.see(entry);
    const disksOf = (id: number): readonly LogImage[] => [disks.get(id) ?? diskOf({})];
    return { oracle: new StateMachineSafety({ committed, known, disksOf }), committed };
  }

  const quorum = new Map([
    [1, diskOf({ entries })],
    [2, diskOf({ entries })],
  ]);

  test('a commit that no quorum has on disk', () => {
    const { oracle } = oracleOver(new Map([[1, diskOf({ entries })]]));
    const view = viewOf({ role: 'leader', terms: [1, 1], commitIndex: 2, committed: config });
    assertViolates('commits are durable', () => oracle.settled(view));
  });

  test('a commit that a leader only tells of, before it dies', () => {
    const told = { ...appendRequest(1), commitIndex: 2 };
    const newer = membershipAt(1, 2, [1, 2]);
    const leader = viewOf({ role: 'leader', terms: [1, 1], commitIndex: 2, committed: config, effective: newer });
    const lonely = oracleOver(new Map([[1, diskOf({ entries })]])).oracle;
    assertViolates('commits are durable', () => lonely.sent(leader, 3, told));
    // The leader counts by its own config. Whoever hears of it may still have an older one.
    const older = membershipAt(0, 0, [1, 2, 3, 4, 5]);
    const { oracle, committed } = oracleOver(quorum);
    oracle.sent(leader, 3, told);
    oracle.settled(viewOf({ id: 3, terms: [1, 1], commitIndex: 2, committed: older }));
    assert.equal(committed.lastIndex, 2);
  });

  test('two nodes that commit different entries', () => {
    const { oracle } = oracleOver(quorum);
    oracle.settled(viewOf({ terms: [1, 1], commitIndex: 2, committed: config }));
    assertViolates('state machine safety', () =>
      oracle.settled(viewOf({ id: 2, term: 2, terms: [1, 2], commitIndex: 2, committed: config })),
    );
  });

  test('an entry that is applied but not committed', () => {
    const { oracle } = oracleOver(quorum);
    const view = viewOf({ terms: [1, 1], commitIndex: 1, committed: config });
    oracle.settled(view);
    assertViolates('state machine safety', () => oracle.applied(view, { entry: written(1, 2), response: null }));
  });

  test('a state machine that answers otherwise than it should', () => {
    const { oracle } = oracleOver(quorum);
    const view = viewOf({ terms: [1, 1], commitIndex: 2, committed: config });
    assertViolates('equal states', () => oracle.applied(view, { entry: written(1, 2), response: 99 }));
  });

  test('a snapshot of other entries than the committed ones', () => {
    const { oracle, committed } = oracleOver(quorum);
    oracle.settled(viewOf({ terms: [1, 1], commitIndex: 2, committed: config }));
    const digest = committed.at(2)?.digest ?? 0;
    oracle.viewed(viewOf(), { applied: logId(1, 2), digest, stateHash: 5 });
    assertViolates('equal states', () =>
      oracle.viewed(viewOf(), { applied: logId(1, 2), digest: digest + 1, stateHash: 5 }),
    );
    assertViolates('equal states', () => oracle.viewed(viewOf(), { applied: logId(1, 2), digest, stateHash: 6 }));
    assertViolates('state machine safety', () =>
      oracle.viewed(viewOf(), { applied: logId(4, 2), digest, stateHash: 5 }),
    );
  });
});

describe('monotonic', () => {
  test('a commit index that goes back', () => {
    const oracle = new Monotonic();
    oracle.settled(viewOf({ commitIndex: 5 }));
    assertViolates('monotonic', () => oracle.settled(viewOf({ commitIndex: 4 })));
  });

  test('a term on the disk that goes back, across a restart', () => {
    const oracle = new Monotonic();
    oracle.durable(viewOf({ disk: diskOf({ term: 5 }) }));
    assertViolates('monotonic', () => oracle.opened(viewOf({ life: 2, disk: diskOf({ term: 4 }) })));
  });

  test('a new process starts anew, and so does a new disk', () => {
    const oracle = new Monotonic();
    oracle.settled(viewOf({ commitIndex: 5 }));
    oracle.durable(viewOf({ disk: diskOf({ term: 5 }) }));
    assert.doesNotThrow(() => oracle.settled(viewOf({ life: 2, commitIndex: 0 })));
    assert.doesNotThrow(() => oracle.opened(viewOf({ life: 3, diskNumber: 2, disk: diskOf({ term: 0 }) })));
  });
});
