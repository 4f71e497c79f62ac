/** Membership changes, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { NodeId, Term } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import type { StoredMembership } from '../../../src/core/membership/membership.ts';
import { learnerIds, voterIds } from '../../../src/core/membership/membership.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import {
  appendRequest,
  ELECTION_MAX_MS,
  effectsOf,
  entryOf,
  membershipOf,
  nodesOf,
  voteResponse,
} from '../../support/core-kit.ts';
import { TestNode } from '../../support/core-node.ts';
import { SoloCore } from '../../support/solo-core.ts';

/** Node 1 forms a cluster of the voters; the other nodes run, but are no members yet. */
function foundCluster(voters: readonly NodeId[], others: readonly NodeId[] = []): CoreCluster {
  const all = Object.fromEntries([...voters, ...others].map((id) => [id, {}]));
  const cluster = new CoreCluster({ voters: [], nodes: all });
  cluster.node(1).step({ type: 'initialize', id: 0, nodes: nodesOf(voters) });
  cluster.advanceUntil(() => cluster.leader !== null && cluster.leader.appliedIndex > 1);
  return cluster;
}

function leaderOf(cluster: CoreCluster): TestNode {
  const { leader } = cluster;
  assert.ok(leader !== null);
  return leader;
}

function write(cluster: CoreCluster, count: number): void {
  for (let done = 0; done < count; done += 1) leaderOf(cluster).propose(`${done}`);
  cluster.advance(200);
}

type Outcome = Extract<Effect, { type: 'membership-changed' | 'membership-refused' }>;

/** What became of the change; `null` as long as it is under way. */
function outcomeOf(node: TestNode, id: number): Outcome | null {
  const outcomes = [...effectsOf(node.history, 'membership-changed'), ...effectsOf(node.history, 'membership-refused')];
  return outcomes.find((effect) => effect.id === id) ?? null;
}

/** Carries the change out; throws unless it succeeds. */
function change(cluster: CoreCluster, id: number, wanted: MembershipChange, retain = false): StoredMembership {
  const leader = leaderOf(cluster);
  leader.change(id, wanted, retain);
  cluster.advance(500);
  const outcome = outcomeOf(leader, id);
  assert.equal(outcome?.type, 'membership-changed', JSON.stringify(outcome));
  return outcome.result;
}

function addLearners(cluster: CoreCluster, id: number, ids: readonly NodeId[]): void {
  change(cluster, id, { type: 'add-nodes', nodes: nodesOf(ids) });
}

const toVoters = (...ids: NodeId[]): MembershipChange => ({ type: 'replace-all-voters', ids });

function membershipEntriesOf(node: TestNode): number {
  return node.entries.filter(({ kind }) => kind === 'membership').length;
}

describe('a change of the membership', () => {
  test('M-03 M-24 is refused while another one is not committed', () => {
    const cluster = foundCluster([1], [2]);
    const leader = leaderOf(cluster);
    addLearners(cluster, 1, [2]);
    assert.deepEqual(leader.lastLogId, logId(1, 3));
    cluster.isolate(2);
    leader.change(2, toVoters(1, 2));
    leader.change(3, { type: 'add-nodes', nodes: nodesOf([3]) });
    assert.deepEqual(outcomeOf(leader, 3), {
      type: 'membership-refused',
      id: 3,
      refusal: { code: 'change-in-progress', committed: logId(1, 3), pending: logId(1, 4) },
    });
    assert.equal(leader.lastLogId.index, 4);
    assert.equal(outcomeOf(leader, 2), null);
  });

  test('M-24 no variant is accepted by a leader with an uncommitted membership', () => {
    const committed = { logId: logId(2, 3), membership: membershipOf([1, 2, 3]) };
    const pending = { logId: logId(3, 5), membership: membershipOf([1, 2, 3], [4]) };
    const node = new SoloCore({
      logTerms: [0, 1, 2, 2, 3],
      membership: committed,
      logMemberships: [pending],
      committed: 3,
    });
    node.becomeLeader();
    const { lastIndex } = node.core.state.log;
    const variants: MembershipChange[] = [
      { type: 'add-voter-ids', ids: [4] },
      { type: 'add-nodes', nodes: nodesOf([5]) },
      { type: 'remove-voters', ids: [3] },
      { type: 'set-nodes', nodes: nodesOf([2]) },
    ];
    for (const [id, wanted] of variants.entries()) {
      const effects = node.step({ type: 'change-membership', id, change: wanted, retain: false });
      assert.deepEqual(
        effectsOf(effects, 'membership-refused').map(({ refusal }) => refusal),
        [{ code: 'change-in-progress', committed: committed.logId, pending: pending.logId }],
      );
    }
    assert.equal(node.core.state.log.lastIndex, lastIndex);
  });

  test('M-05 goes through a joint config, and is answered when the uniform one is committed', () => {
    const cluster = foundCluster([1], [2]);
    write(cluster, 100);
    addLearners(cluster, 1, [2]);
    const leader = leaderOf(cluster);
    const before = leader.lastLogId.index;
    const result = change(cluster, 2, toVoters(1, 2));
    assert.deepEqual(
      leader.entries.slice(before).map(({ membership }) => membership?.configs),
      [[[1], [1, 2]], [[1, 2]]],
    );
    assert.deepEqual(result.logId, logId(1, before + 2));
    for (const node of [leader, cluster.node(2)]) {
      assert.deepEqual(node.entries, leader.entries);
      const { committed, effective } = node.core.state.membership;
      assert.deepEqual([committed.logId, effective.logId], [result.logId, result.logId]);
    }
  });

  test('M-06 keeps removed voters as learners when asked to', () => {
    const cluster = foundCluster([1, 2, 3]);
    const leader = leaderOf(cluster);
    const removed = cluster.ids.find((id) => id !== leader.id) ?? 0;
    const staying = cluster.ids.filter((id) => id !== removed);
    change(cluster, 1, toVoters(...staying), true);
    write(cluster, 1);
    assert.equal(cluster.node(removed).role, 'learner');
    assert.deepEqual(cluster.node(removed).appliedTexts, ['0']);
    for (const id of cluster.ids) {
      const { membership } = cluster.node(id).core.state.membership.effective;
      assert.deepEqual([voterIds(membership), learnerIds(membership)], [staying, [removed]]);
    }
  });

  const cases: [from: NodeId[], to: NodeId[]][] = [
    [[1], [2, 3]],
    [
      [1, 2],
      [2, 3],
    ],
    [[1, 2], [2]],
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4],
    ],
    [[1], [1, 2]],
  ];
  for (const [from, to] of cases) {
    test(`M-08 from {${from}} to {${to}} loses no write`, () => {
      const added = to.filter((id) => !from.includes(id));
      const cluster = foundCluster(from, added);
      const first = leaderOf(cluster);
      if (first.id !== 1) {
        first.step({ type: 'transfer', id: 9, to: 1 });
        cluster.advance(500);
      }
      write(cluster, 10);
      if (added.length > 0) addLearners(cluster, 1, added);
      const old = leaderOf(cluster);
      assert.equal(old.id, 1);
      const entries = membershipEntriesOf(old);
      change(cluster, 2, toVoters(...to));
      assert.equal(membershipEntriesOf(old) - entries, 2);
      cluster.advanceUntil(() => to.includes(cluster.leader?.id ?? 0), 5000);
      write(cluster, 10);
      if (!to.includes(1)) assert.ok(leaderOf(cluster).term >= 2);
      for (const id of to) {
        assert.ok(to.includes(cluster.node(id).core.state.leaderId ?? 0));
        assert.equal(cluster.node(id).appliedTexts.length, 20);
      }
      for (const id of from.filter((other) => !to.includes(other))) {
        assert.equal(cluster.node(id).appliedTexts.length, 10);
        assert.notEqual(cluster.node(id).role, 'leader');
      }
    });
  }

  test('M-12 needs a majority of the new voters, too', () => {
    const cluster = foundCluster([1], [2, 3]);
    addLearners(cluster, 1, [2, 3]);
    for (const id of [2, 3]) cluster.isolate(id);
    const leader = leaderOf(cluster);
    const { appliedIndex } = leader;
    leader.change(2, toVoters(1, 2, 3));
    cluster.advance(1000);
    assert.equal(leader.appliedIndex, appliedIndex);
    assert.equal(outcomeOf(leader, 2), null);
    assert.deepEqual(leader.core.state.membership.committed.membership.configs, [[1]]);
  });

  test('M-35 needs a majority of the old voters, too', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3, 4] });
    const leader = cluster.elect(1);
    for (const id of [2, 3]) cluster.isolate(id);
    leader.change(1, { type: 'remove-voters', ids: [4] });
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.equal(outcomeOf(leader, 1), null);
    assert.notEqual(leader.role, 'leader', 'it gave up for want of a quorum');
    for (const id of cluster.ids) {
      assert.deepEqual(cluster.node(id).core.state.membership.committed.membership.configs, [[1, 2, 3, 4]]);
    }
  });

  test('M-38 is refused by a node that is not initialised', () => {
    const node = new TestNode();
    node.change(1, toVoters(1));
    node.change(2, { type: 'add-nodes', nodes: nodesOf([2]) });
    for (const id of [1, 2]) {
      const outcome = outcomeOf(node, id);
      assert.deepEqual(outcome?.type === 'membership-refused' && outcome.refusal, {
        code: 'not-leader',
        leaderId: null,
        leaderNode: null,
      });
    }
    assert.equal(node.role, 'learner');
    assert.deepEqual(node.entries, []);
  });
});

describe('removed nodes', () => {
  test('M-17 receive nothing any more, and never lead', () => {
    const cluster = foundCluster([1, 2, 3], [4, 5]);
    addLearners(cluster, 1, [4, 5]);
    if (leaderOf(cluster).id !== 1) cluster.elect(1);
    change(cluster, 2, toVoters(1, 4, 5));
    write(cluster, 10);
    cluster.advance(10 * ELECTION_MAX_MS);
    for (const id of [1, 4, 5]) assert.equal(cluster.node(id).appliedTexts.length, 10);
    for (const id of [2, 3]) {
      assert.equal(cluster.node(id).appliedTexts.length, 0);
      assert.equal(cluster.node(id).role, 'learner');
    }
    assert.equal(cluster.leader?.id, 1, 'nobody disturbed it');
  });

  test('M-17 stay behind while the others go on', () => {
    const cluster = foundCluster([1, 2, 3, 4, 5]);
    const leader = leaderOf(cluster);
    const removed = leader.id === 5 ? 4 : 5;
    change(cluster, 1, { type: 'remove-voters', ids: [removed] });
    write(cluster, 100);
    assert.ok(leader.lastLogId.index - cluster.node(removed).lastLogId.index > 50);
    const { role } = leader.core.state;
    assert.equal(role.name === 'leader' && role.leader.progress.has(removed), false);
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.notEqual(cluster.node(removed).role, 'leader');
    assert.equal(cluster.leader, leader);
  });

  test('M-17 get the log up to the entry that removed them, so that they know', () => {
    const cluster = foundCluster([1, 2, 3]);
    const leader = leaderOf(cluster);
    const removed = cluster.ids.find((id) => id !== leader.id) ?? 0;
    const { logId: removedAt } = change(cluster, 1, { type: 'remove-voters', ids: [removed] });
    assert.deepEqual(cluster.node(removed).lastLogId, removedAt);
    assert.equal(cluster.node(removed).role, 'learner');
  });

  test('M-17 are forgotten after an election timeout if they can not be told', () => {
    const cluster = foundCluster([1, 2, 3]);
    const leader = leaderOf(cluster);
    const removed = cluster.ids.find((id) => id !== leader.id) ?? 0;
    cluster.isolate(removed);
    change(cluster, 1, { type: 'remove-voters', ids: [removed] });
    const { role } = leader.core.state;
    assert.equal(role.name === 'leader' && role.leader.progress.has(removed), true);
    cluster.advance(ELECTION_MAX_MS + 200);
    assert.equal(role.name === 'leader' && role.leader.progress.has(removed), false);
  });
});

describe('a membership in the log', () => {
  test('M-19 is effective when appended, and not any more when truncated', () => {
    const node = new TestNode();
    const term: Term = 1;
    const first = membershipEntry(logId(term, 3), 0, membershipOf([1, 2]));
    const second = membershipEntry(logId(term, 5), 0, membershipOf([1, 2, 3, 4]));
    const entries = [entryOf(0, 1), entryOf(1, 2), first, entryOf(1, 4), second, entryOf(1, 6)];
    node.receive(2, appendRequest(1, { entries, commitIndex: 1 }));
    const effective = (): NodeId[] => voterIds(node.core.state.membership.effective.membership);
    assert.deepEqual(effective(), [1, 2, 3, 4]);
    node.receive(3, appendRequest(2, { prevLogId: logId(1, 3), entries: [entryOf(2, 4)], commitIndex: 1 }));
    assert.deepEqual(effective(), [1, 2]);
    assert.equal(node.role, 'follower');
    node.receive(4, appendRequest(3, { prevLogId: logId(1, 2), entries: [entryOf(3, 3)], commitIndex: 1 }));
    assert.deepEqual(effective(), []);
    assert.equal(node.role, 'learner');
  });

  test('M-26 a learner stays one when it restarts alone', () => {
    const cluster = foundCluster([1], [2]);
    addLearners(cluster, 1, [2]);
    write(cluster, 1);
    const { appliedIndex, term } = cluster.node(2);
    for (const id of cluster.ids) cluster.crash(id);
    cluster.restart(2);
    cluster.advance(10 * ELECTION_MAX_MS);
    assert.equal(cluster.node(2).role, 'learner');
    assert.equal(cluster.node(2).appliedIndex, appliedIndex);
    assert.equal(cluster.node(2).term, term);
  });
});

describe('quorums', () => {
  test('M-25 learners count for nothing, reachable or not', () => {
    const alone = new CoreCluster({ voters: [1], learners: [2] });
    const leader = alone.elect(1);
    alone.isolate(2);
    leader.propose('x');
    assert.deepEqual(leader.appliedTexts, ['x']);

    const cluster = new CoreCluster({ voters: [1, 2, 3], learners: [4] });
    const cutOff = cluster.elect(1);
    for (const id of [2, 3]) cluster.isolate(id);
    cutOff.propose('y');
    cluster.deliver();
    assert.deepEqual(cluster.node(4).lastLogId, cutOff.lastLogId);
    assert.deepEqual(cutOff.appliedTexts, []);
  });

  test('M-36 a joint config elects with a majority of both voter sets', () => {
    const grants: [from: NodeId[], isElected: boolean][] = [
      [[1], false],
      [[1, 2], false],
      [[4, 5], false],
      [[1, 4], true],
      [[1, 2, 4], true],
    ];
    for (const [from, isElected] of grants) {
      const joint = [
        [1, 2, 3],
        [3, 4, 5],
      ];
      const node = new SoloCore({ voters: joint }, { nodeId: 3, preVote: false });
      node.step({ type: 'elect' });
      for (const voter of from) node.receive(voter, voteResponse(1, true));
      assert.equal(node.core.state.role.name, isElected ? 'leader' : 'candidate', `${from}`);
    }
  });
});
