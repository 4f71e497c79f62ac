/** "Raft basics": terms act as a logical clock. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import {
  appendRequest,
  appendResponse,
  at,
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

/** A leader of term 3. */
function leaderOfTerm3(): RaftCore {
  const init = { voters: [1, 2, 3], logTerms: [1, 2], hardState: { term: 2, votedFor: null } };
  const core = makeCore(init, { preVote: false });
  core.step({ type: 'elect' }, at(0));
  core.step({ type: 'persisted', seq: 1 }, at(0));
  core.step({ type: 'message', from: 2, message: voteResponse(3, true), token: 0 }, at(0));
  assert.equal(roleOf(core), 'leader');
  return core;
}

const newer: Message[] = [
  voteRequest(4, NO_LOG_ID),
  voteResponse(4, false),
  appendRequest(4),
  appendResponse(4, { success: false }),
  heartbeatRequest(4),
  { type: 'heartbeat-response', term: 4, session: 1, round: 1, verifiedIndex: 0 },
  { type: 'snapshot-response', term: 4, session: 1, matchIndex: 0 },
  { type: 'pre-vote-response', term: 4, granted: false, lastLogId: NO_LOG_ID },
];
describe('§5.1 a server that sees a newer term adopts it, and reverts to follower', () => {
  for (const message of newer) {
    test(`§5.1 in ${message.type}`, () => {
      const core = leaderOfTerm3();
      const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(ELECTION_MIN_MS));
      assert.equal(core.state.hardState.term, 4);
      assert.equal(roleOf(core), 'follower');
      assert.equal(effectsOf(effects, 'persist')[0]?.hardState?.term, 4);
    });
  }
});

describe('§5.1 a server refuses requests of an older term, and names its own', () => {
  test('§5.1 a vote request', () => {
    const core = makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } });
    const message = voteRequest(4, logId(4, 9));
    const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(ELECTION_MIN_MS));
    assert.deepEqual(sentMessages(effects), [{ to: 2, message: voteResponse(5, false) }]);
  });

  test('§5.1 an append request; its sender is not followed', () => {
    const core = makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } });
    const effects = core.step({ type: 'message', from: 2, message: appendRequest(4), token: 0 }, at(0));
    assert.deepEqual(sentMessages(effects), [{ to: 2, message: appendResponse(5, { success: false, lastIndex: 0 }) }]);
    assert.equal(core.state.leaderId, null);
    assert.deepEqual(effectsOf(effects, 'persist'), []);
  });

  test('§5.1 a heartbeat', () => {
    const core = makeCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } });
    const effects = core.step({ type: 'message', from: 2, message: heartbeatRequest(4), token: 0 }, at(0));
    assert.deepEqual(
      sentMessages(effects).map(({ message }) => [message.type, message.term]),
      [['heartbeat-response', 5]],
    );
    assert.equal(core.state.leaderId, null);
  });
});

test('§5.1 answers of an older term are ignored', () => {
  const core = leaderOfTerm3();
  const message = appendResponse(2, { session: 1, matchIndex: 3 });
  assert.deepEqual(core.step({ type: 'message', from: 2, message, token: 0 }, at(0)), []);
  assert.equal(core.state.commitIndex, 0);
});

test('§5.1 terms never decrease, also across restarts', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.elect(2);
  const terms = cluster.ids.map((id) => cluster.node(id).term);
  for (const id of cluster.ids) cluster.restart(id);
  assert.deepEqual(
    cluster.ids.map((id) => cluster.node(id).term),
    terms,
  );
  cluster.elect(3);
  for (const id of cluster.ids) assert.ok(cluster.node(id).term > Math.max(...terms));
});

test('§5 figure 2: a new term is on disk before anything is said in it', () => {
  const core = makeCore({ voters: [1, 2, 3], logTerms: [2] }, { nodeId: 3 });
  const requests: Message[] = [
    heartbeatRequest(3),
    appendRequest(4, { prevLogId: logId(3, 7) }),
    voteRequest(5, NO_LOG_ID),
  ];
  for (const message of requests) {
    const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(ELECTION_MIN_MS * message.term));
    assert.deepEqual(sentMessages(effects), []);
    assert.equal(heldMessages(effects).length, 1);
  }
});

test('§5 figure 2: term, vote and log are on disk before a request is answered', () => {
  const core = makeCore({ voters: [1, 2, 3] });
  const effects = core.step({ type: 'message', from: 2, message: voteRequest(1, NO_LOG_ID), token: 0 }, at(0));
  assert.deepEqual(sentMessages(effects), []);
  assert.equal(heldMessages(effects).length, 1);
  const append = core.step({ type: 'message', from: 2, message: appendRequest(1), token: 0 }, at(0));
  assert.deepEqual(sentMessages(append), []);
  assert.equal(heldMessages(append).length, 1);
});
