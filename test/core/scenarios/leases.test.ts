import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import type { RaftCore } from '../../../src/core/raft.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
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
} from '../../support/core-kit.ts';

test('P-01 heartbeats keep up the promise to the leader; without them it ends', () => {
  const options = { heartbeatIntervalMs: 200, electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 1001 };
  const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4], options });
  const leader = cluster.elect(1);
  const voter = cluster.node(2);
  cluster.advance(3000);
  const contactMs = voter.core.state.leaderContactMs;
  cluster.advance(200);
  assert.ok(voter.core.state.leaderContactMs > contactMs, 'heartbeats do not renew the lease');
  assert.deepEqual(leader.logTerms, [1]);
  assert.deepEqual(voter.logTerms, [1]);

  const { hardState } = voter.core.state;
  const denied = voter.receive(3, voteRequest(10, logId(10, 10)));
  assert.deepEqual(sentMessages(denied), [{ to: 3, message: voteResponse(1, false, logId(1, 1)) }]);
  assert.deepEqual(voter.core.state.hardState, hardState);

  leader.step({ type: 'switch', tick: true, heartbeat: false, elect: true });
  cluster.skip(1500);
  const granted = voter.receive(3, voteRequest(10, logId(10, 10)));
  assert.deepEqual(heldMessages(granted), [{ to: 3, message: voteResponse(10, true, logId(1, 1)) }]);
  assert.deepEqual(voter.disk.hardState, { term: 10, votedFor: 3 });
});

/** Node 3 of three: term 2, its log ends with 2:3, and it has just heard of the leader, node 1. */
function followerOfOne(): RaftCore {
  const init = { voters: [1, 2, 3], logTerms: [1, 2, 2], hardState: { term: 2, votedFor: 1 } };
  const core = makeCore(init, { nodeId: 3 });
  core.step({ type: 'message', from: 1, message: heartbeatRequest(2), token: 0 }, at(5000));
  return core;
}

test('P-02 a voter with a live leader denies, and nothing changes', () => {
  const core = followerOfOne();
  const before = { ...core.state };
  const request = voteRequest(3, logId(2, 3));
  const effects = core.step({ type: 'message', from: 2, message: request, token: 7 }, at(5001));
  const message = voteResponse(2, false, logId(2, 3));
  assert.deepEqual(effects, [{ type: 'send', to: 2, message, token: 7 }]);
  assert.deepEqual({ ...core.state }, before);
});

describe('P-15 a voter whose leader is alive', () => {
  test('P-15 a) denies the other follower, however new its term', () => {
    const core = followerOfOne();
    const request = voteRequest(12, logId(2, 3));
    const effects = core.step({ type: 'message', from: 2, message: request, token: 0 }, at(5001));
    assert.deepEqual(sentMessages(effects), [{ to: 2, message: voteResponse(2, false, logId(2, 3)) }]);
    assert.deepEqual(core.state.hardState, { term: 2, votedFor: 1 });
  });

  test('P-15 b) grants it when that leader asked for the election', () => {
    const core = followerOfOne();
    const request = voteRequest(12, logId(2, 3), true);
    const effects = core.step({ type: 'message', from: 2, message: request, token: 0 }, at(5001));
    assert.deepEqual(heldMessages(effects), [{ to: 2, message: voteResponse(12, true, logId(2, 3)) }]);
    assert.deepEqual(core.state.hardState, { term: 12, votedFor: 2 });
  });
});

describe('P-04 a leader needs to hear from a quorum', () => {
  test('P-04 a) it leads on while one of two followers answers', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(3);
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.deepEqual([leader.role, leader.term], ['leader', 1]);
  });

  test('P-04 b) with check-quorum it steps down, in the same term', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    cluster.isolate(1);
    cluster.advance(ELECTION_MAX_MS);
    assert.equal(leader.role, 'leader');
    cluster.advance(ELECTION_MAX_MS);
    const last = effectsOf(leader.history, 'role-changed').find(({ role }) => role === 'follower');
    assert.deepEqual(last, { type: 'role-changed', role: 'follower', term: 1, leaderId: null });
    assert.equal(leader.term, 1);
  });

  test('P-04 b) without check-quorum it leads on, but reads fail and nothing commits', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3], options: { checkQuorum: false } });
    const leader = cluster.elect(1);
    cluster.isolate(1);
    const { nowMs } = cluster.clock;
    const contactMs = leader.core.quorumContactMs(nowMs);
    leader.propose('x');
    leader.step({ type: 'read', id: 1, policy: 'read-index' });
    cluster.advance(2 * ELECTION_MAX_MS);
    assert.equal(leader.role, 'leader');
    assert.equal(leader.commitIndex, 1);
    assert.equal(leader.core.quorumContactMs(cluster.clock.nowMs), contactMs);
    assert.deepEqual(
      effectsOf(leader.history, 'read-refused').map(({ id, refusal }) => [id, refusal.code]),
      [[1, 'quorum-not-enough']],
    );
  });
});

test('P-05 a candidate fails while voters hear of the leader, and wins when they do not', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], options: { preVote: false } });
  cluster.elect(1);
  cluster.advance(1000);
  const candidate = cluster.node(3);
  candidate.campaign();
  cluster.deliverOnce();
  assert.deepEqual(
    [1, 2].map((id) => cluster.underWay('vote-response', id, 3).map(({ granted }) => granted)),
    [[false], [false]],
  );
  // Refusals of an older term do not count: it stays candidate until its next timeout.
  cluster.deliver();
  assert.equal(candidate.role, 'candidate');
  assert.deepEqual([cluster.node(1).role, cluster.node(1).term], ['leader', 1]);
  assert.equal(cluster.node(2).core.state.leaderId, 1);

  cluster.skip(ELECTION_MIN_MS);
  candidate.campaign();
  cluster.deliver();
  assert.equal(candidate.role, 'leader');
  assert.equal(cluster.node(2).core.state.leaderId, 3);
});

test('P-05 a leader that hears from a quorum is a live leader to itself', () => {
  const core = makeCore({ voters: [1, 2, 3] }, { preVote: false });
  core.step({ type: 'elect' }, at(0));
  core.step({ type: 'persisted', seq: 1 }, at(0));
  core.step({ type: 'message', from: 2, message: voteResponse(1, true), token: 0 }, at(0));
  const request = voteRequest(5, logId(4, 9));
  core.step({ type: 'message', from: 3, message: request, token: 0 }, at(ELECTION_MIN_MS - 1));
  assert.equal(roleOf(core), 'leader');
  core.step({ type: 'message', from: 3, message: request, token: 0 }, at(ELECTION_MIN_MS));
  assert.equal(roleOf(core), 'follower');
});
