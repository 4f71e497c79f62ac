import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RaftCore } from '../../../src/core/raft.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { at, coreOptions, initialState, makeCore, seededRandom } from '../../support/core-kit.ts';

describe('E-01 a node starts passively', () => {
  const cases = [
    {
      name: 'a) a voter without a vote',
      nodeId: 1,
      voters: [1, 2, 3],
      hardState: { term: 0, votedFor: null },
      role: 'follower',
    },
    {
      name: 'b) a voter that voted for itself',
      nodeId: 1,
      voters: [1, 2, 3],
      hardState: { term: 1, votedFor: 1 },
      role: 'follower',
    },
    {
      name: 'c) a node that is no member',
      nodeId: 9,
      voters: [1, 2, 3],
      hardState: { term: 0, votedFor: null },
      role: 'learner',
    },
    {
      name: 'd) a node with nothing stored',
      nodeId: 1,
      voters: [],
      hardState: { term: 0, votedFor: null },
      role: 'learner',
    },
  ] as const;
  for (const { name, nodeId, voters, hardState, role } of cases) {
    test(`E-01 ${name} starts as ${role}`, () => {
      const core = makeCore({ voters, hardState }, { nodeId });
      assert.equal(core.state.role.name, role);
      assert.equal(core.state.leaderId, null);
      assert.deepEqual(core.state.hardState, hardState);
      assert.deepEqual(core.step({ type: 'tick' }, at(0)), []);
    });
  }
});

describe('E-17 who is no voter never campaigns', () => {
  const cases = [
    { name: 'a) a learner', init: { voters: [2, 3], learners: [1], logTerms: [1, 1] } },
    { name: 'b) a node outside of its own membership', init: { voters: [2, 3], logTerms: [1, 1] } },
    { name: 'c) an uninitialised node', init: {} },
  ];
  for (const { name, init } of cases) {
    test(`E-17 ${name} waits for ever, and refuses to be told otherwise`, () => {
      const core = makeCore(init);
      const { hardState } = core.state;
      assert.equal(core.deadlineMs, Number.POSITIVE_INFINITY);
      for (let nowMs = 0; nowMs < 100_000; nowMs += 500) assert.deepEqual(core.step({ type: 'tick' }, at(nowMs)), []);
      assert.deepEqual(core.step({ type: 'elect' }, at(100_000)), []);
      assert.equal(core.state.role.name, 'learner');
      assert.deepEqual(core.state.hardState, hardState);
    });
  }

  test('E-17 d) a learner that was promoted campaigns after a timeout, and can win', () => {
    const cluster = new CoreCluster({ voters: [1, 2], learners: [3] });
    const leader = cluster.elect(1);
    const promoted = cluster.node(3);
    assert.equal(promoted.core.deadlineMs, Number.POSITIVE_INFINITY);
    leader.change(1, { type: 'add-voter-ids', ids: [3] });
    cluster.deliver();
    assert.equal(promoted.role, 'follower');
    // Only node 3 may campaign by itself, so it must be its own timeout that makes it leader.
    cluster.node(2).step({ type: 'switch', tick: true, heartbeat: true, elect: false });
    cluster.crash(1);
    cluster.advance(5000);
    assert.equal(promoted.role, 'leader');
    assert.equal(cluster.node(2).core.state.leaderId, 3);
  });
});

describe('E-18 election timeouts are random', () => {
  const options = { electionTimeoutMinMs: 10, electionTimeoutMaxMs: 20, preVote: false };
  const wholeRange = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

  test('E-18 every value of [min, max) occurs over many starts, and no other', () => {
    const seen = new Set<number>();
    for (let seed = 1; seed <= 200; seed += 1) {
      seen.add(makeCore({ voters: [1, 2, 3] }, { ...options, random: seededRandom(seed) }).deadlineMs);
    }
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      wholeRange,
    );
  });

  test('E-18 the timeout is drawn anew for each campaign (the textbook choice)', () => {
    const core = makeCore({ voters: [1, 2, 3] }, options);
    const seen = new Set<number>();
    let nowMs = 0;
    for (let campaigns = 0; campaigns < 200; campaigns += 1) {
      seen.add(core.deadlineMs - nowMs);
      nowMs = core.deadlineMs;
      core.step({ type: 'tick' }, at(nowMs));
    }
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      wholeRange,
    );
    assert.equal(core.state.hardState.term, 200);
  });

  test('E-18 two nodes with the same configuration do not share their timeouts', () => {
    const timeoutsOf = (seed: number): number[] => {
      const init = initialState({ voters: [1, 2, 3] });
      const core = new RaftCore(coreOptions({ ...options, random: seededRandom(seed) }), init, at(0));
      const timeouts: number[] = [];
      for (let nowMs = 0; timeouts.length < 20; core.step({ type: 'tick' }, at(nowMs))) {
        timeouts.push(core.deadlineMs - nowMs);
        nowMs = core.deadlineMs;
      }
      return timeouts;
    };
    assert.notDeepEqual(timeoutsOf(1), timeoutsOf(2));
  });

  test('E-18 nothing happens before the timeout, and exactly one campaign at it', () => {
    const core = makeCore({ voters: [1, 2, 3] }, options);
    const { deadlineMs } = core;
    assert.deepEqual(core.step({ type: 'tick' }, at(deadlineMs - 1)), []);
    core.step({ type: 'tick' }, at(deadlineMs));
    assert.equal(core.state.hardState.term, 1);
    assert.deepEqual(core.step({ type: 'tick' }, at(deadlineMs)), []);
    assert.equal(core.state.hardState.term, 1);
  });
});
