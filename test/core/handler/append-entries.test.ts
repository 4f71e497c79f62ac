/** The append exchange, where the scenarios leave room. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogId, LogIndex, Term } from '../../../src/core/ids.ts';
import { logId, NO_LOG_ID } from '../../../src/core/ids.ts';
import {
  appendRequest,
  appendResponse,
  effectsOf,
  entriesOf,
  entryOf,
  heldMessages,
  onlyEffect,
  sentMessages,
} from '../../support/core-kit.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

/** What a follower with this log answers to an append after `prevLogId`. */
function hintOf(logTerms: readonly Term[], prevLogId: LogId, purged: LogId = NO_LOG_ID): LogId | null {
  const node = new SoloCore({ voters: [1, 2, 3], logTerms, purged, committed: purged.index });
  const effects = node.receive(2, appendRequest(20, { prevLogId }));
  const [answer] = [...sentMessages(effects), ...heldMessages(effects)];
  assert.equal(answer?.message.type, 'append-response');
  return answer.message.conflictHint;
}

describe('a conflict names the last entry that may still match', () => {
  test('the end of a log that is too short', () => {
    assert.deepEqual(hintOf([1, 1, 2], logId(5, 9)), logId(2, 3));
  });

  test('skipping a whole term that the leader can not have there', () => {
    assert.deepEqual(hintOf([1, 1, 4, 4, 4], logId(3, 5)), logId(1, 2));
  });

  test('the entry before, when only the term of that one differs', () => {
    assert.deepEqual(hintOf([1, 1, 2, 2], logId(3, 4)), logId(2, 3));
  });

  test('no entry at all', () => {
    assert.deepEqual(hintOf([], logId(3, 4)), NO_LOG_ID);
    assert.deepEqual(hintOf([7, 7], logId(3, 2)), NO_LOG_ID);
  });

  test('the last purged entry, which is committed', () => {
    assert.deepEqual(hintOf([7, 7], logId(8, 8), logId(5, 6)), logId(7, 7));
    assert.deepEqual(hintOf([7, 7], logId(6, 8), logId(5, 6)), logId(5, 6));
  });
});

describe('a leader finds where a follower agrees', () => {
  test('in as many exchanges as there are differing terms', () => {
    const leaderLog: Term[] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const followerLog: Term[] = [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3];
    const leader = new SoloCore({ voters: [1, 2], logTerms: leaderLog }, { nodeId: 1 });
    const follower = new SoloCore({ voters: [1, 2], logTerms: followerLog }, { nodeId: 2 });
    let [append] = effectsOf(leader.becomeLeader(), 'replicate');
    let exchanges = 0;
    while (append !== undefined && exchanges < 20) {
      exchanges += 1;
      const entries = entriesOf([...leaderLog, 7].slice(append.fromIndex - 1, append.toIndex - 1), append.fromIndex);
      const { term, session, round, prevLogId, commitIndex } = append;
      const request = appendRequest(term, { session, round, prevLogId, entries, commitIndex });
      const effects = follower.receive(1, request);
      const [answer] = [...sentMessages(effects), ...heldMessages(effects)];
      assert.ok(answer);
      [append] = effectsOf(leader.receive(2, answer.message), 'replicate');
    }
    assert.equal(exchanges, 2);
    assert.deepEqual(follower.core.state.log.boundaries(), leader.core.state.log.boundaries());
  });

  test('a refusal of an append that was answered since is stale', () => {
    const node = new SoloCore({ voters: [1, 2], logTerms: [1, 1, 1, 1] });
    node.becomeLeader();
    const refuse = (prevIndex: LogIndex): ReturnType<typeof appendsTo> =>
      appendsTo(
        node.receive(2, appendResponse(2, { success: false, prevIndex, conflictHint: logId(1, prevIndex - 1) })),
        2,
      );
    assert.deepEqual(refuse(4), [{ prev: 3, toIndex: 6 }]);
    assert.deepEqual(refuse(4), []);
    assert.deepEqual(refuse(3), [{ prev: 2, toIndex: 6 }]);
  });

  test('an acknowledgement beyond the own log is no acknowledgement', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeLeader();
    node.receive(2, appendResponse(1, { matchIndex: 50 }));
    assert.deepEqual([node.progressOf(2).matchIndex, node.core.state.commitIndex], [0, 0]);
  });
});

describe('an append that can not be from a correct leader changes nothing', () => {
  const broken: [name: string, request: Parameters<typeof appendRequest>[1]][] = [
    ['a gap after the previous entry', { entries: [entryOf(1, 2)] }],
    ['a gap between entries', { entries: [entryOf(1, 1), entryOf(1, 3)] }],
    ['terms that decrease', { entries: [entryOf(2, 1), entryOf(1, 2)] }],
    ['a term after that of the leader', { entries: [entryOf(9, 1)] }],
  ];
  for (const [name, request] of broken) {
    test(name, () => {
      const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 3, votedFor: null } });
      const effects = node.receive(2, appendRequest(3, request));
      assert.deepEqual(effectsOf(effects, 'persist'), []);
      assert.equal(node.core.state.log.lastIndex, 0);
    });
  }

  test('two leaders in one term halt the node', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.receive(2, appendRequest(1));
    assert.throws(() => node.receive(3, appendRequest(1)), { invariant: 'I1' });
  });

  test('a leader that wants to replace committed entries halts the node', () => {
    const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 1], committed: 2 });
    node.receive(2, appendRequest(2, { prevLogId: NO_LOG_ID, entries: entriesOf([2, 2]) }));
    assert.equal(node.core.state.log.lastIndex, 2, 'what lies before the commit index is not looked at');
    assert.deepEqual(node.core.state.log.lastLogId(), logId(1, 2));
  });
});

describe('the time of entries', () => {
  test('is the wall clock of the leader, and never decreases', () => {
    const node = new SoloCore({ voters: [1], lastTimeMs: 5_000_000 });
    const [blank] = effectsOf(node.becomeLeader(), 'persist').flatMap(({ entries }) => entries);
    assert.equal(blank?.timeMs, 5_000_000, 'held back by the entry before');
    node.nowMs = 10_000_000;
    const [entry] = onlyEffect(node.propose('x'), 'persist').entries;
    assert.equal(entry?.timeMs, 11_000_000);
  });
});
