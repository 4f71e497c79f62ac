/** A node that joined anew under the id of an earlier one is not the store that old memberships speak of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { membershipEntry } from '../../../src/core/entry.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import type { RaftCore } from '../../../src/core/raft.ts';
import { appendRequest, at, basicNode, ELECTION_MAX_MS, makeCore } from '../../support/core-kit.ts';

function membershipWith(voters: readonly NodeId[], instanceId: string | null): Membership {
  const nodes = new Map(voters.map((id) => [id, { ...basicNode(id), instanceId: id === 1 ? instanceId : `s${id}` }]));
  return { configs: [voters], nodes, retainRemoved: false };
}

/** An empty node 1 with the store `own`, which gets the first entry of the log from a leader. */
function joining(own: string | null, first: Membership): RaftCore {
  const core = makeCore({}, { instanceId: own });
  const entries = [membershipEntry(logId(1, 1), 0, first)];
  const message = appendRequest(7, { prevLogId: NO_LOG_ID, entries, commitIndex: 1 });
  core.step({ type: 'message', from: 2, message, token: 1 }, at(0));
  for (let seq = 1; seq <= 4; seq += 1) core.step({ type: 'persisted', seq }, at(1));
  return core;
}

describe('a node that meets, while it catches up, the membership of an earlier store under its id', () => {
  for (const voters of [[1], [1, 2, 3]]) {
    test(`of voters ${voters} waits for ever`, () => {
      const core = joining('new', membershipWith(voters, 'old'));
      assert.equal(core.state.role.name, 'learner');
      assert.equal(core.deadlineMs, Number.POSITIVE_INFINITY);
      assert.deepEqual(core.step({ type: 'tick' }, at(100 * ELECTION_MAX_MS)), []);
      assert.deepEqual(core.step({ type: 'elect' }, at(100 * ELECTION_MAX_MS)), []);
      assert.equal(core.state.hardState.term, 7);
    });
  }

  test('is a voter once a membership speaks of its own store', () => {
    const core = joining('new', membershipWith([1], 'old'));
    const own = membershipEntry(logId(7, 2), 0, membershipWith([1, 2], 'new'));
    const message = appendRequest(7, { prevLogId: logId(1, 1), entries: [own], commitIndex: 1 });
    core.step({ type: 'message', from: 2, message, token: 2 }, at(2));
    assert.equal(core.state.role.name, 'follower');
    assert.ok(core.deadlineMs < Number.POSITIVE_INFINITY);
  });

  for (const [name, own, known] of [
    ['does not say which store it means', 'new', null],
    ['is asked by a core that does not know its own store', null, 'old'],
  ] as const) {
    test(`is a voter where that ${name}`, () => {
      assert.equal(joining(own, membershipWith([1, 2, 3], known)).state.role.name, 'follower');
    });
  }

  test('is no voter after a restart either', () => {
    const stored = { logId: logId(1, 1), membership: membershipWith([1], 'old') };
    const init = { hardState: { term: 7, votedFor: null }, logTerms: [1], committed: 1 };
    const core = makeCore({ ...init, logMemberships: [stored] }, { instanceId: 'new' });
    assert.deepEqual([core.state.role.name, core.deadlineMs], ['learner', Number.POSITIVE_INFINITY]);
  });
});
