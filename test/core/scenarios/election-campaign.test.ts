import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blankEntry } from '../../../src/core/entry.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  at,
  ELECTION_MAX_MS,
  effectsOf,
  heldMessages,
  makeCore,
  onlyEffect,
  roleOf,
  sentMessages,
  voteRequest,
  voteResponse,
} from '../../support/core-kit.ts';

const NO_PRE_VOTE = { preVote: false };

test('E-02 a follower campaigns once per timeout, each time in a new term', () => {
  const core = makeCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: null } }, NO_PRE_VOTE);
  const effects = core.step({ type: 'tick' }, at(core.deadlineMs));
  assert.deepEqual(effects, [
    {
      type: 'persist',
      seq: 1,
      hardState: { term: 2, votedFor: 1 },
      truncateFrom: null,
      entries: [],
      afterDurable: [
        { to: 2, message: voteRequest(2, NO_LOG_ID), token: 0 },
        { to: 3, message: voteRequest(2, NO_LOG_ID), token: 0 },
      ],
    },
    { type: 'role-changed', role: 'candidate', term: 2, leaderId: null },
  ]);
  core.step({ type: 'persisted', seq: 1 }, at(core.deadlineMs - 1));

  const secondMs = core.deadlineMs;
  const again = core.step({ type: 'tick' }, at(secondMs));
  assert.equal(roleOf(core), 'candidate');
  assert.deepEqual(core.state.hardState, { term: 3, votedFor: 1 });
  assert.deepEqual(heldMessages(again), [
    { to: 2, message: voteRequest(3, NO_LOG_ID) },
    { to: 3, message: voteRequest(3, NO_LOG_ID) },
  ]);
  core.step({ type: 'persisted', seq: 2 }, at(secondMs));

  core.step({ type: 'message', from: 2, message: voteResponse(2, true), token: 0 }, at(secondMs));
  core.step({ type: 'message', from: 3, message: voteResponse(2, true), token: 0 }, at(secondMs));
  assert.equal(roleOf(core), 'candidate');
});

describe('E-03 a majority decides an election', () => {
  const cases: { size: number; yes: number[]; no: number[]; role: 'leader' | 'candidate' | 'follower' }[] = [
    { size: 1, yes: [], no: [], role: 'leader' },
    { size: 3, yes: [2], no: [], role: 'leader' },
    { size: 3, yes: [2, 3], no: [], role: 'leader' },
    { size: 3, yes: [], no: [2, 3], role: 'follower' },
    { size: 3, yes: [], no: [], role: 'candidate' },
    { size: 5, yes: [2, 3], no: [], role: 'leader' },
    { size: 5, yes: [2, 3, 4], no: [], role: 'leader' },
    { size: 5, yes: [2], no: [3, 4, 5], role: 'follower' },
    { size: 5, yes: [], no: [2, 3, 4, 5], role: 'follower' },
    { size: 5, yes: [2], no: [], role: 'candidate' },
    { size: 5, yes: [], no: [2, 3], role: 'candidate' },
    { size: 5, yes: [], no: [], role: 'candidate' },
  ];
  for (const { size, yes, no, role } of cases) {
    // A lost round ends as follower: the textbook outcome.
    test(`E-03 of ${size} voters [${yes}] grant and [${no}] deny: ${role}`, () => {
      const voters = [1, 2, 3, 4, 5].slice(0, size);
      const core = makeCore({ voters }, NO_PRE_VOTE);
      core.step({ type: 'elect' }, at(0));
      core.step({ type: 'persisted', seq: 1 }, at(0));
      for (const from of yes) core.step({ type: 'message', from, message: voteResponse(1, true), token: 0 }, at(0));
      for (const from of no) core.step({ type: 'message', from, message: voteResponse(1, false), token: 0 }, at(0));
      assert.equal(roleOf(core), role);
      assert.equal(core.state.hardState.term, 1);
    });
  }

  test('E-03 the same voter counts once, and others do not count', () => {
    const core = makeCore({ voters: [1, 2, 3, 4, 5], learners: [6] }, NO_PRE_VOTE);
    core.step({ type: 'elect' }, at(0));
    core.step({ type: 'persisted', seq: 1 }, at(0));
    for (const from of [2, 2, 6, 7]) {
      core.step({ type: 'message', from, message: voteResponse(1, true), token: 0 }, at(0));
    }
    assert.equal(roleOf(core), 'candidate');
  });

  test('E-03 the own vote counts only when it is durable', () => {
    const core = makeCore({ voters: [1, 2, 3] }, NO_PRE_VOTE);
    core.step({ type: 'elect' }, at(0));
    core.step({ type: 'message', from: 2, message: voteResponse(1, true), token: 0 }, at(0));
    assert.equal(roleOf(core), 'candidate');
    core.step({ type: 'persisted', seq: 1 }, at(0));
    assert.equal(roleOf(core), 'leader');
  });
});

test('E-09 the deciding grant makes a leader, with one blank entry on its way at once', () => {
  const core = makeCore({ voters: [1, 2], logTerms: [0], hardState: { term: 1, votedFor: null } }, NO_PRE_VOTE);
  const campaign = core.step({ type: 'elect' }, at(0));
  // Textbook Raft: the vote is what is persisted; that it led to leadership is not.
  assert.deepEqual(onlyEffect(campaign, 'persist').hardState, { term: 2, votedFor: 1 });
  core.step({ type: 'persisted', seq: 1 }, at(0));
  const effects = core.step({ type: 'message', from: 2, message: voteResponse(2, true), token: 0 }, at(0));

  assert.deepEqual(effectsOf(effects, 'role-changed'), [
    { type: 'role-changed', role: 'leader', term: 2, leaderId: 1 },
  ]);
  const { entries, hardState } = onlyEffect(effects, 'persist');
  assert.deepEqual(entries, [blankEntry(logId(2, 2), at(0).wallMs)]);
  assert.equal(hardState, null);
  const { to, prevLogId, fromIndex, toIndex, term } = onlyEffect(effects, 'replicate');
  assert.deepEqual([to, term, prevLogId, fromIndex, toIndex], [2, 2, logId(0, 1), 2, 3]);
  const late = core.step({ type: 'message', from: 2, message: voteResponse(2, true), token: 0 }, at(0));
  assert.deepEqual(late, []);
});

describe('E-21 votes are asked of the voters of both configs', () => {
  const joint = {
    voters: [
      [1, 2, 3],
      [3, 4, 5],
    ],
    learners: [6],
  };

  test('E-21 a candidate asks each of them exactly once, neither learners nor itself', () => {
    const core = makeCore(joint, { ...NO_PRE_VOTE, nodeId: 3 });
    const effects = core.step({ type: 'elect' }, at(0));
    assert.deepEqual(
      heldMessages(effects).map(({ to, message }) => [to, message.type]),
      [1, 2, 4, 5].map((id) => [id, 'vote-request']),
    );
    assert.deepEqual(sentMessages(effects), []);
  });

  test('E-21 so does a pre-candidate', () => {
    const core = makeCore(joint, { nodeId: 3 });
    const effects = core.step({ type: 'elect' }, at(0));
    assert.deepEqual(
      sentMessages(effects).map(({ to, message }) => [to, message.type]),
      [1, 2, 4, 5].map((id) => [id, 'pre-vote-request']),
    );
    assert.deepEqual(heldMessages(effects), []);
  });
});

describe('E-25 a candidate concedes to a leader', () => {
  for (const { name, term } of [
    { name: 'a) of its own term', term: 1 },
    { name: 'b) of a newer term', term: 2 },
  ]) {
    test(`E-25 ${name}`, () => {
      const core = makeCore({ voters: [1, 2, 3] }, NO_PRE_VOTE);
      core.step({ type: 'elect' }, at(0));
      core.step({ type: 'persisted', seq: 1 }, at(0));
      assert.equal(roleOf(core), 'candidate');
      core.step({ type: 'message', from: 2, message: appendRequest(term), token: 0 }, at(0));
      assert.equal(roleOf(core), 'follower');
      assert.equal(core.state.leaderId, 2);
      assert.equal(core.state.hardState.term, term);
      core.step({ type: 'message', from: 3, message: voteResponse(1, true), token: 0 }, at(0));
      assert.equal(roleOf(core), 'follower');
    });
  }
});

describe('E-28 without a quorum there is no leader', () => {
  for (const voters of [
    [1, 2, 3],
    [1, 2, 3, 4],
  ]) {
    for (const preVote of [true, false]) {
      test(`E-28 one reachable voter of ${voters.length} ${preVote ? 'with' : 'without'} pre-vote`, () => {
        const cluster = new CoreCluster({ voters, options: { preVote } });
        cluster.isolate(1);
        for (const id of voters.slice(1)) cluster.crash(id);
        const node = cluster.node(1);
        const terms: number[] = [];
        for (let timeouts = 0; timeouts < 5; timeouts += 1) {
          cluster.advance(ELECTION_MAX_MS);
          for (const peer of voters.slice(1)) node.step({ type: 'peer-unreachable', peer });
          assert.equal(node.role, preVote ? 'pre-candidate' : 'candidate');
          terms.push(node.term);
        }
        const roles = effectsOf(node.history, 'role-changed');
        const campaigns = roles.filter(({ role }) => role === 'candidate').map(({ term }) => term);
        assert.deepEqual(
          campaigns,
          campaigns.map((_, round) => round + 1),
        );
        assert.equal(terms.at(-1), preVote ? 0 : campaigns.length);
        assert.equal(campaigns.length >= 5, !preVote);

        cluster.heal();
        for (const id of voters.slice(1)) cluster.restart(id);
        cluster.advanceUntil(() => cluster.leader !== null);
        cluster.advance(ELECTION_MAX_MS);
        const { leader } = cluster;
        assert.deepEqual(
          cluster.ids.map((id) => cluster.node(id).core.state.leaderId),
          cluster.ids.map(() => leader?.id),
        );
      });
    }
  }
});
