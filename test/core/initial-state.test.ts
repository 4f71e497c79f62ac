import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { RaftCore } from '../../src/core/raft.ts';
import {
  at,
  coreOptions,
  ELECTION_MIN_MS,
  effectsOf,
  heldMessages,
  initialState,
  makeCore,
  membershipOf,
  voteRequest,
} from '../support/core-kit.ts';

describe('the commit index of a node that starts', () => {
  const stored = initialState({ voters: [1, 2, 3], logTerms: [1, 1, 2, 2], committed: 1 });
  const startWith = (committed: { term: number; index: number }): number =>
    new RaftCore(coreOptions(), { ...stored, committed }, at(0)).state.commitIndex;

  test('is the stored one when the log holds that very entry', () => {
    assert.equal(startWith(logId(2, 3)), 3);
  });

  test('is not taken from an entry beyond the end, since others at the end may be about to be replaced', () => {
    assert.equal(startWith(logId(3, 6)), 1);
  });

  test('is not taken from an entry that the log holds with another term', () => {
    assert.equal(startWith(logId(3, 4)), 1);
  });
});

/** Does the node grant its vote to a perfect candidate right after its start? */
function grantsAtOnce(core: RaftCore): boolean {
  const message = voteRequest(100, logId(99, 99));
  const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(ELECTION_MIN_MS - 1));
  return heldMessages(effects).length === 1 && effectsOf(effects, 'send').length === 0;
}

describe('a node that restarts keeps a promise that it may have made to a leader', () => {
  test('it refuses votes for an election timeout', () => {
    assert.equal(grantsAtOnce(makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: 3 } })), false);
    assert.equal(grantsAtOnce(makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } })), false);
  });

  test('also when it had voted for itself: it may have lost that election, and followed the winner', () => {
    assert.equal(grantsAtOnce(makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: 1 } })), false);
  });

  test('a node that took part in nothing made none', () => {
    assert.equal(grantsAtOnce(makeCore({ voters: [1, 2, 3] })), true);
  });

  test('the only voter does not wait for itself', () => {
    const core = makeCore({ voters: [1], logTerms: [1, 4], hardState: { term: 5, votedFor: 1 } });
    assert.equal(core.deadlineMs, 0);
  });

  test('unless it may have become the only voter by the leader that it follows', () => {
    const membership = { logId: logId(5, 2), membership: membershipOf([1]) };
    const core = makeCore({ membership, logTerms: [1, 5], hardState: { term: 5, votedFor: 1 } });
    assert.equal(core.deadlineMs, ELECTION_MIN_MS);
    const uncommitted = makeCore({
      membership: { logId: NO_LOG_ID, membership: membershipOf([1, 2]) },
      logMemberships: [{ logId: logId(5, 2), membership: membershipOf([1]) }],
      logTerms: [1, 5],
      hardState: { term: 5, votedFor: 1 },
    });
    assert.equal(uncommitted.deadlineMs, ELECTION_MIN_MS);
  });
});
