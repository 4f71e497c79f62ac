import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { VoteRequest } from '../../../src/core/message.ts';
import type { RaftCore } from '../../../src/core/raft.ts';
import {
  appendRequest,
  at,
  ELECTION_MIN_MS,
  effectsOf,
  heartbeatRequest,
  heldMessages,
  makeCore,
  onlyEffect,
  sentMessages,
  voteRequest,
  voteResponse,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';

/** A stored term counts as contact with a leader at the start; from here on that lease is over. */
const NO_LEASE = at(ELECTION_MIN_MS);

function ask(core: RaftCore, from: number, message: VoteRequest): Effect[] {
  return core.step({ type: 'message', from, message, token: 0 }, NO_LEASE);
}

describe('E-04 one vote a term', () => {
  const cases = [
    { votedFor: null, candidate: 2, granted: true },
    { votedFor: null, candidate: 3, granted: true },
    { votedFor: 2, candidate: 2, granted: true },
    { votedFor: 3, candidate: 3, granted: true },
    { votedFor: 3, candidate: 2, granted: false },
    // The textbook outcome: whoever comes first, not whoever has the higher id.
    { votedFor: 2, candidate: 3, granted: false },
  ];
  for (const { votedFor, candidate, granted } of cases) {
    const verb = granted ? 'grants' : 'denies';
    test(`E-04 a voter that voted for ${votedFor ?? 'nobody'} ${verb} candidate ${candidate}`, () => {
      const core = makeCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor } });
      const effects = ask(core, candidate, voteRequest(1, NO_LOG_ID));
      const answer = { to: candidate, message: voteResponse(1, granted) };
      assert.deepEqual(heldMessages(effects), granted ? [answer] : []);
      assert.deepEqual(sentMessages(effects), granted ? [] : [answer]);
      assert.deepEqual(core.state.hardState, { term: 1, votedFor: granted ? candidate : votedFor });
    });
  }
});

describe('E-05 only a log that is at least as up to date gets the vote', () => {
  const cases = [
    { log: [1], last: logId(1, 1), granted: true },
    { log: [1], last: logId(1, 2), granted: true },
    { log: [1, 1], last: logId(1, 1), granted: false },
    { log: [1], last: logId(2, 1), granted: true },
    { log: [1], last: logId(2, 2), granted: true },
    { log: [1, 1], last: logId(2, 1), granted: true },
    { log: [2], last: logId(1, 1), granted: false },
    { log: [2], last: logId(1, 2), granted: false },
    { log: [2, 2], last: logId(1, 1), granted: false },
  ];
  for (const { log, last, granted } of cases) {
    const verb = granted ? 'grants' : 'denies';
    test(`E-05 a voter with log [${log}] ${verb} a candidate whose last entry is ${last.term}:${last.index}`, () => {
      const core = makeCore({ voters: [1, 2, 3], logTerms: log, hardState: { term: 2, votedFor: null } });
      const effects = ask(core, 2, voteRequest(3, last));
      const own = logId(log.at(-1) ?? 0, log.length);
      const answer = { to: 2, message: voteResponse(3, granted, own) };
      assert.deepEqual([...heldMessages(effects), ...sentMessages(effects)], [answer]);
      assert.deepEqual(core.state.hardState, { term: 3, votedFor: granted ? 2 : null });
    });
  }
});

describe('E-10 a voter that voted for node 1 in term 2, with a log up to 2:3', () => {
  const voter = (): RaftCore =>
    makeCore({ voters: [1, 2, 3], logTerms: [1, 2, 2], hardState: { term: 2, votedFor: 1 } }, { nodeId: 3 });

  test('E-10 a) denies a newer term with an older log, and adopts the term without a vote (textbook)', () => {
    const core = voter();
    const effects = ask(core, 2, voteRequest(3, logId(1, 3)));
    // Held until the new term is durable.
    assert.deepEqual(heldMessages(effects), [{ to: 2, message: voteResponse(3, false, logId(2, 3)) }]);
    assert.deepEqual(sentMessages(effects), []);
    assert.deepEqual(core.state.hardState, { term: 3, votedFor: null });
  });

  test('E-10 b) denies an older term, and nothing changes', () => {
    const core = voter();
    const effects = ask(core, 2, voteRequest(1, NO_LOG_ID));
    const message = voteResponse(2, false, logId(2, 3));
    assert.deepEqual(effects, [{ type: 'send', to: 2, message, token: 0 }]);
    assert.deepEqual(core.state.hardState, { term: 2, votedFor: 1 });
  });

  test('E-10 c) grants a newer term with an equal log; the vote is persisted before the reply leaves', () => {
    const core = voter();
    const effects = ask(core, 1, voteRequest(3, logId(2, 3)));
    const { hardState, afterDurable } = onlyEffect(effects, 'persist');
    assert.deepEqual(hardState, { term: 3, votedFor: 1 });
    assert.deepEqual(afterDurable, [{ to: 1, message: voteResponse(3, true, logId(2, 3)), token: 0 }]);
    assert.deepEqual(sentMessages(effects), []);
    assert.equal(core.state.role.name, 'follower');
  });
});

/** Node 1 of three, with an empty log, in every role; nobody is promised anything any more at `nowMs`. */
function inEveryRole(): { role: string; term: number; core: RaftCore; nowMs: number }[] {
  const options = { preVote: false };
  const follower = makeCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: null } }, options);
  follower.step({ type: 'message', from: 3, message: heartbeatRequest(1), token: 0 }, at(0));

  const candidate = makeCore({ voters: [1, 2, 3] }, options);
  candidate.step({ type: 'elect' }, at(0));
  candidate.step({ type: 'persisted', seq: 1 }, at(0));

  const leader = makeCore({ voters: [1, 2, 3] }, options);
  leader.step({ type: 'elect' }, at(0));
  leader.step({ type: 'persisted', seq: 1 }, at(0));
  leader.step({ type: 'message', from: 2, message: voteResponse(1, true), token: 0 }, at(0));
  return [
    { role: 'follower', term: 1, core: follower, nowMs: ELECTION_MIN_MS },
    { role: 'candidate', term: 1, core: candidate, nowMs: ELECTION_MIN_MS },
    { role: 'leader', term: 1, core: leader, nowMs: ELECTION_MIN_MS },
  ];
}

describe('E-12 a vote is granted from any role', () => {
  for (const { role, term, core, nowMs } of inEveryRole()) {
    test(`E-12 a ${role} without a lease grants its vote to a newer term with a better log`, () => {
      assert.equal(core.state.role.name, role);
      const message = voteRequest(term + 1, logId(term + 1, 42));
      const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(nowMs));
      assert.equal(core.state.role.name, 'follower');
      const { hardState, afterDurable } = onlyEffect(effects, 'persist');
      assert.deepEqual(hardState, { term: term + 1, votedFor: 2 });
      assert.deepEqual(
        afterDurable.map((held) => held.message.type === 'vote-response' && held.message.granted),
        [true],
      );
    });
  }
});

describe('E-24 a newer term makes everybody a follower', () => {
  for (const { role, core, nowMs } of inEveryRole()) {
    test(`E-24 i) a ${role} that is asked for a vote follows, without a leader yet`, () => {
      const length = core.state.log.lastIndex;
      const message = voteRequest(3, logId(3, 0));
      const effects = core.step({ type: 'message', from: 2, message, token: 0 }, at(nowMs));
      assert.equal(core.state.role.name, 'follower');
      assert.equal(core.state.hardState.term, 3);
      assert.equal(core.state.leaderId, null);
      assert.equal(core.state.log.lastIndex, length);
      assert.equal(length, role === 'leader' ? 1 : 0);
      assert.deepEqual(effectsOf(effects, 'persist')[0]?.hardState, { term: 3, votedFor: 2 });
    });
  }
  for (const { role, core, nowMs } of inEveryRole()) {
    test(`E-24 ii) a ${role} that gets an append follows its sender`, () => {
      const length = core.state.log.lastIndex;
      core.step({ type: 'message', from: 2, message: appendRequest(3), token: 0 }, at(nowMs));
      assert.equal(core.state.role.name, 'follower');
      assert.equal(core.state.hardState.term, 3);
      assert.equal(core.state.leaderId, 2);
      assert.equal(core.state.log.lastIndex, length);
    });
  }
});

describe('E-26 a vote is on disk before anybody hears of it', () => {
  const askNode = (node: TestNode): void => {
    node.clock.nowMs = ELECTION_MIN_MS;
    node.holdDisk();
    node.receive(2, voteRequest(3, logId(2, 3)));
  };
  const storedNode = (): TestNode =>
    new TestNode({ id: 1, voters: [1, 2, 3], logTerms: [1, 2, 2], hardState: { term: 2, votedFor: null } });

  test('E-26 the grant leaves only after the write', () => {
    const node = storedNode();
    askNode(node);
    assert.deepEqual(node.outbox, []);
    assert.deepEqual(node.disk.hardState, { term: 2, votedFor: null });
    node.releaseDisk();
    assert.deepEqual(node.disk.hardState, { term: 3, votedFor: 2 });
    const message = voteResponse(3, true, logId(2, 3));
    assert.deepEqual(node.outbox, [{ from: 1, to: 2, cargo: { type: 'message', message } }]);
  });

  test('E-26 a repeated request does not get its grant earlier', () => {
    const node = storedNode();
    askNode(node);
    node.receive(2, voteRequest(3, logId(2, 3)));
    assert.deepEqual(node.outbox, []);
    node.releaseDisk();
    assert.equal(node.outbox.length, 2);
  });

  test('E-26 when the write never succeeds no grant is ever sent, and the vote is still free', () => {
    const node = storedNode();
    askNode(node);
    node.restart();
    assert.deepEqual(node.outbox, []);
    assert.deepEqual(node.disk.hardState, { term: 2, votedFor: null });
    node.clock.nowMs += ELECTION_MIN_MS;
    node.receive(3, voteRequest(3, logId(2, 3)));
    assert.deepEqual(node.disk.hardState, { term: 3, votedFor: 3 });
  });
});
