/** "Leader election". */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendRequest,
  at,
  ELECTION_MAX_MS,
  ELECTION_MIN_MS,
  effectsOf,
  heartbeatRequest,
  heldMessages,
  makeCore,
  roleOf,
  sentMessages,
  voteRequest,
  voteResponse,
} from '../support/core-kit.ts';

/** A candidate of term 1 among five. Pre-votes come before what this section describes: see thesis §9.6. */
function candidateOfFive(): RaftCore {
  const core = makeCore({ voters: [1, 2, 3, 4, 5] }, { preVote: false });
  core.step({ type: 'elect' }, at(0));
  core.step({ type: 'persisted', seq: 1 }, at(0));
  return core;
}

function answer(core: RaftCore, from: number, granted: boolean): ReturnType<RaftCore['step']> {
  return core.step({ type: 'message', from, message: voteResponse(1, granted), token: 0 }, at(0));
}

test('§5.2 servers start as followers', () => {
  assert.equal(roleOf(makeCore({ voters: [1, 2, 3] })), 'follower');
});

test('§5.2 heartbeats of a leader keep a follower from campaigning', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  for (let nowMs = 0; nowMs < 10 * ELECTION_MAX_MS; nowMs += 100) {
    core.step({ type: 'message', from: 2, message: heartbeatRequest(1), token: 0 }, at(nowMs));
    assert.ok(core.deadlineMs >= nowMs + ELECTION_MIN_MS);
    core.step({ type: 'tick' }, at(nowMs));
    assert.equal(roleOf(core), 'follower');
  }
});

test('§5.2 so do append requests', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  core.step({ type: 'message', from: 2, message: appendRequest(1), token: 0 }, at(900));
  assert.ok(core.deadlineMs >= 900 + ELECTION_MIN_MS);
});

test('§5.2 without communication over the election timeout a follower begins an election', () => {
  const core = makeCore({ voters: [1, 2, 3] }, { preVote: false });
  assert.ok(core.deadlineMs >= ELECTION_MIN_MS && core.deadlineMs < ELECTION_MAX_MS);
  const effects = core.step({ type: 'tick' }, at(core.deadlineMs));
  assert.equal(roleOf(core), 'candidate');
  assert.deepEqual(core.state.hardState, { term: 1, votedFor: 1 });
  assert.deepEqual(
    heldMessages(effects).map(({ to }) => to),
    [2, 3],
  );
});

test('§5.2 a candidate wins with the votes of a majority', () => {
  const core = candidateOfFive();
  answer(core, 2, true);
  assert.equal(roleOf(core), 'candidate');
  answer(core, 3, true);
  assert.equal(roleOf(core), 'leader');
});

test('§5.2 each server votes for at most one candidate a term, the first to ask', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  const ask = (from: number): ReturnType<RaftCore['step']> =>
    core.step({ type: 'message', from, message: voteRequest(1, NO_LOG_ID), token: 0 }, at(0));
  assert.deepEqual(heldMessages(ask(2)), [{ to: 2, message: voteResponse(1, true) }]);
  core.step({ type: 'persisted', seq: 1 }, at(0));
  assert.deepEqual(sentMessages(ask(3)), [{ to: 3, message: voteResponse(1, false) }]);
});

test('§5.2 a vote resets the election timer, also one in the current term', () => {
  const core = makeCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: null } });
  core.step({ type: 'message', from: 2, message: voteRequest(1, NO_LOG_ID), token: 0 }, at(ELECTION_MIN_MS));
  assert.ok(core.deadlineMs >= 2 * ELECTION_MIN_MS);
});

test('§5.2 the first answer of a voter counts, whatever it says later', () => {
  const core = candidateOfFive();
  answer(core, 2, true);
  answer(core, 3, false);
  answer(core, 3, true);
  assert.equal(roleOf(core), 'candidate');
  answer(core, 4, true);
  assert.equal(roleOf(core), 'leader');
});

test('§5.2 a new leader sends heartbeats to all at once', () => {
  const core = candidateOfFive();
  answer(core, 2, true);
  const heartbeats = sentMessages(answer(core, 3, true)).filter(({ message }) => message.type === 'heartbeat-request');
  assert.deepEqual(
    heartbeats.map(({ to }) => to),
    [2, 3, 4, 5],
  );
});

test('§5.2 a leader repeats its heartbeats', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.advance(10_000);
  assert.deepEqual([leader.role, leader.term], ['leader', 1]);
  const sent = effectsOf(leader.history, 'send').filter(({ message }) => message.type === 'heartbeat-request');
  assert.ok(sent.length >= 2 * 100);
});

describe('§5.2 a candidate that hears of a leader', () => {
  test('§5.2 follows it when its term is at least as large', () => {
    const core = candidateOfFive();
    core.step({ type: 'message', from: 3, message: appendRequest(1), token: 0 }, at(0));
    assert.equal(roleOf(core), 'follower');
    assert.equal(core.state.leaderId, 3);
  });

  test('§5.2 stays candidate when its term is smaller', () => {
    const core = makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } }, { preVote: false });
    core.step({ type: 'elect' }, at(0));
    core.step({ type: 'message', from: 3, message: appendRequest(5), token: 0 }, at(0));
    assert.equal(roleOf(core), 'candidate');
  });
});

test('§5.2 a split vote ends with a timeout, and a new election in the next term', () => {
  const core = candidateOfFive();
  answer(core, 2, true);
  answer(core, 3, false);
  answer(core, 4, false);
  assert.equal(roleOf(core), 'candidate');
  core.step({ type: 'tick' }, at(core.deadlineMs));
  assert.equal(roleOf(core), 'candidate');
  assert.equal(core.state.hardState.term, 2);
});

describe('§5.2 random timeouts resolve split votes quickly', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    test(`§5.2 five servers that start together agree on a leader (seed ${seed})`, () => {
      const cluster = new CoreCluster({ voters: [1, 2, 3, 4, 5], seed });
      cluster.advance(2 * ELECTION_MAX_MS);
      const leaders = cluster.ids.filter((id) => cluster.node(id).role === 'leader');
      assert.equal(leaders.length, 1);
      for (const id of cluster.ids) assert.equal(cluster.node(id).core.state.leaderId, leaders[0]);
    });
  }
});

test('§5.2 election safety: a vote request for a term that has a leader changes nothing', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.skip(ELECTION_MIN_MS);
  leader.receive(2, voteRequest(1, logId(1, 1)));
  cluster.node(3).receive(2, voteRequest(1, logId(1, 1)));
  assert.deepEqual(cluster.node(3).core.state.hardState, { term: 1, votedFor: 1 });
  assert.equal(leader.role, 'leader');
});
