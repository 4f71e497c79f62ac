/** What goes to a follower, when more than its position decides. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Term } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import { appendResponse, effectsOf, onlyEffect } from '../../support/core-kit.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

describe('appends', () => {
  test('of one batch go as few messages', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    const payloads = [new Uint8Array(1)];
    const effects = node.step(
      { type: 'propose', payloads },
      { type: 'propose', payloads },
      { type: 'propose', payloads },
    );
    assert.deepEqual(appendsTo(effects, 2), [{ prev: 1, toIndex: 5 }]);
  });

  test('are cut to the most bytes allowed, but one entry always travels', () => {
    const node = new SoloCore({ voters: [1, 2] }, { maxPayloadBytes: 110 });
    node.becomeSettledLeader();
    // 50, 50, 348 and 49 bytes.
    assert.deepEqual(appendsTo(node.propose('aa', 'bb', 'x'.repeat(300), 'y'), 2), [
      { prev: 1, toIndex: 4 },
      { prev: 3, toIndex: 5 },
      { prev: 4, toIndex: 6 },
    ]);
  });

  test('of entries from before this leader, whose size is unknown, go one by one', () => {
    const node = new SoloCore({ voters: [1, 2], logTerms: new Array<Term>(10).fill(1) }, { maxPayloadEntries: 4 });
    node.becomeLeader();
    const refusal = appendResponse(2, { success: false, prevIndex: 10, conflictHint: logId(0, 0) });
    assert.deepEqual(appendsTo(node.receive(2, refusal), 2), [{ prev: 0, toIndex: 5 }]);
    assert.deepEqual(appendsTo(node.acknowledge(2, 4), 2), [{ prev: 4, toIndex: 9 }]);
    // The runtime put in fewer than planned.
    assert.deepEqual(appendsTo(node.acknowledge(2, 6), 2), [{ prev: 6, toIndex: 11 }]);
    assert.deepEqual(appendsTo(node.acknowledge(2, 10), 2), [{ prev: 10, toIndex: 12 }]);
  });

  test('carry the commit index, so that no notice is needed', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.propose('x');
    node.acknowledge(2);
    assert.equal(node.core.hasNotice, true);
    const effects = node.propose('y');
    const told = effectsOf(effects, 'replicate').find(({ to }) => to === 2);
    assert.equal(told?.commitIndex, 2);
    assert.deepEqual(
      effectsOf(effects, 'send').filter(({ to }) => to === 2),
      [],
    );
    assert.equal(node.core.hasNotice, false);
  });

  test('when nothing follows, the commit index goes out one batch later', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.propose('x');
    const committed = node.acknowledge(2);
    assert.deepEqual(effectsOf(committed, 'send'), []);
    assert.equal(node.core.hasNotice, true);
    const notices = effectsOf(node.tickAt(1), 'send');
    assert.deepEqual(
      notices.map(({ to, message }) => [to, message.type, message.type === 'heartbeat-request' && message.commitIndex]),
      [[2, 'heartbeat-request', 2]],
      'who does not hold the entry could not use it',
    );
    node.acknowledge(3);
    assert.deepEqual(
      effectsOf(node.tickAt(2), 'send').map(({ to }) => to),
      [3],
    );
    assert.equal(node.core.hasNotice, false);
  });

  test('a follower that is behind the log of the leader is sent a snapshot, then what follows it', () => {
    const node = new SoloCore({ voters: [1, 2], purged: logId(1, 6), snapshot: 6 });
    node.becomeLeader();
    const refusal = appendResponse(2, { success: false, prevIndex: 6, conflictHint: logId(0, 0) });
    const { session, term } = onlyEffect(node.receive(2, refusal), 'send-snapshot');
    assert.deepEqual(appendsTo(node.propose('x'), 2), [], 'nothing until it is over');
    const effects = node.receive(2, { type: 'snapshot-response', term, session, matchIndex: 6 });
    assert.deepEqual(appendsTo(effects, 2), [{ prev: 6, toIndex: 9 }]);
    assert.equal(node.progressOf(2).state, 'replicate');
  });

  test('an append that the peer took in after all ends the snapshot', () => {
    const node = new SoloCore({ voters: [1, 2], purged: logId(1, 6), snapshot: 6 });
    node.becomeLeader();
    const refusal = appendResponse(2, { success: false, prevIndex: 6, conflictHint: logId(0, 0) });
    const { session } = onlyEffect(node.receive(2, refusal), 'send-snapshot');
    node.receive(2, appendResponse(2, { session, matchIndex: 7 }));
    assert.equal(node.progressOf(2).state, 'replicate');
    assert.equal(node.progressOf(2).matchIndex, 7);
  });

  test('nothing goes to a peer that lost what it had acknowledged', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.step({ type: 'heartbeat' });
    const { session } = node.progressOf(2);
    const round = node.leader().rounds.current;
    const lost = appendResponse(1, { session, round, success: false, prevIndex: 1, conflictHint: logId(0, 0) });
    assert.deepEqual(effectsOf(node.receive(2, lost), 'peer-diverged'), [
      { type: 'peer-diverged', peer: 2, matchIndex: 1, lastIndex: 0 },
    ]);
    assert.deepEqual(appendsTo(node.propose('x'), 2), []);
    assert.deepEqual(effectsOf(node.receive(2, lost), 'peer-diverged'), [], 'it is said once');
    assert.equal(appendsTo(node.propose('y'), 3).length, 1);
  });

  test('what a peer lost, or says after that, is no part of a quorum', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.propose('x');
    const { session } = node.progressOf(2);
    const loss = { session, success: false, prevIndex: 1, conflictHint: logId(0, 0) };
    node.step({ type: 'heartbeat' });
    node.receive(2, appendResponse(1, { ...loss, round: node.leader().rounds.current }));
    node.acknowledge(2, 2);
    assert.deepEqual([node.progressOf(2).matchIndex, node.core.state.commitIndex], [0, 1]);
    node.acknowledge(3, 2);
    assert.equal(node.core.state.commitIndex, 2);
  });

  test('a stale refusal of what was acknowledged since is no loss', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    const { session } = node.progressOf(2);
    const stale = appendResponse(1, { session, success: false, prevIndex: 0, conflictHint: logId(0, 0) });
    assert.deepEqual(effectsOf(node.receive(2, stale), 'peer-diverged'), []);
    assert.equal(node.progressOf(2).state, 'replicate');
  });
});
