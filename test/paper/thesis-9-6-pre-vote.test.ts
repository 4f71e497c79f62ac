/** Thesis, "Preventing disruptions when a server rejoins the cluster". */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { PreVoteRequest } from '../../src/core/message.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import {
  at,
  ELECTION_MIN_MS,
  effectsOf,
  heartbeatRequest,
  heldMessages,
  makeCore,
  roleOf,
  sentMessages,
} from '../support/core-kit.ts';

function preVoteRequest(term: number, lastLogId = NO_LOG_ID): PreVoteRequest {
  return { type: 'pre-vote-request', term, lastLogId };
}

function answer(core: RaftCore, from: number, { granted, term }: { granted: boolean; term: number }): void {
  const message = { type: 'pre-vote-response', term, granted, lastLogId: NO_LOG_ID } as const;
  core.step({ type: 'message', from, message, token: 0 }, at(core.deadlineMs - 1));
}

test('thesis §9.6 a timeout makes a pre-candidate: it asks, and its term stays', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  const effects = core.step({ type: 'tick' }, at(core.deadlineMs));
  assert.equal(roleOf(core), 'pre-candidate');
  assert.equal(core.state.hardState.term, 0);
  assert.deepEqual(effectsOf(effects, 'persist'), []);
  assert.deepEqual(sentMessages(effects), [
    { to: 2, message: preVoteRequest(1) },
    { to: 3, message: preVoteRequest(1) },
  ]);
});

test('thesis §9.6 only with a majority of pre-votes its term grows and it campaigns', () => {
  const core = makeCore({ voters: [1, 2, 3, 4, 5] });
  core.step({ type: 'elect' }, at(0));
  answer(core, 2, { granted: true, term: 1 });
  assert.equal(roleOf(core), 'pre-candidate');
  answer(core, 3, { granted: true, term: 1 });
  assert.equal(roleOf(core), 'candidate');
  assert.deepEqual(core.state.hardState, { term: 1, votedFor: 1 });
});

test('thesis §9.6 a majority of refusals ends it', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  core.step({ type: 'elect' }, at(0));
  answer(core, 2, { granted: false, term: 0 });
  answer(core, 3, { granted: false, term: 0 });
  assert.equal(roleOf(core), 'follower');
  assert.equal(core.state.hardState.term, 0);
});

test('thesis §9.6 a refusal that names a newer term is believed', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  core.step({ type: 'elect' }, at(0));
  answer(core, 2, { granted: false, term: 7 });
  assert.equal(roleOf(core), 'follower');
  assert.equal(core.state.hardState.term, 7);
});

test('thesis §9.6 pre-votes of an earlier round are not counted', () => {
  const core = makeCore({ voters: [1, 2, 3], hardState: { term: 4, votedFor: null } });
  core.step({ type: 'elect' }, at(0));
  answer(core, 2, { granted: true, term: 4 });
  assert.equal(roleOf(core), 'pre-candidate');
});

describe('thesis §9.6 a voter', () => {
  const voter = (): RaftCore =>
    makeCore({ voters: [1, 2, 3], logTerms: [1, 2], hardState: { term: 2, votedFor: null } });
  const ask = (core: RaftCore, request: PreVoteRequest, nowMs = ELECTION_MIN_MS): boolean[] => {
    const { hardState } = core.state;
    const effects = core.step({ type: 'message', from: 2, message: request, token: 0 }, at(nowMs));
    assert.equal(core.state.hardState, hardState);
    assert.deepEqual(heldMessages(effects), []);
    return sentMessages(effects).map(({ message }) => message.type === 'pre-vote-response' && message.granted);
  };

  test('thesis §9.6 grants a pre-vote to a log that is up to date, without promising anything', () => {
    const core = voter();
    assert.deepEqual(ask(core, preVoteRequest(3, logId(2, 2))), [true]);
    assert.deepEqual(ask(core, preVoteRequest(3, logId(2, 2))), [true]);
  });

  test('thesis §9.6 refuses it to an older log', () => {
    assert.deepEqual(ask(voter(), preVoteRequest(3, logId(1, 9))), [false]);
  });

  test('thesis §9.6 refuses it while it hears of a leader', () => {
    const core = voter();
    core.step({ type: 'message', from: 3, message: heartbeatRequest(2), token: 0 }, at(5000));
    assert.deepEqual(ask(core, preVoteRequest(3, logId(2, 2)), 5000 + ELECTION_MIN_MS - 1), [false]);
    assert.deepEqual(ask(core, preVoteRequest(3, logId(2, 2)), 5000 + ELECTION_MIN_MS), [true]);
  });

  test('thesis §9.6 refuses it for a term that is over', () => {
    assert.deepEqual(ask(voter(), preVoteRequest(1, logId(2, 2))), [false]);
  });

  test('thesis §9.6 its own election timer goes on', () => {
    const core = voter();
    const { deadlineMs } = core;
    ask(core, preVoteRequest(3, logId(2, 2)), 0);
    assert.equal(core.deadlineMs, deadlineMs);
  });
});
