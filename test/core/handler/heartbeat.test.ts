/** Heartbeats: they never wait for the disk, and carry the commit index. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import {
  appendRequest,
  effectsOf,
  entriesOf,
  HEARTBEAT_MS,
  heartbeatRequest,
  sentMessages,
} from '../../support/core-kit.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

describe('a follower', () => {
  test('answers while its disk is busy', () => {
    const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: 2 } });
    node.isDiskSlow = true;
    node.receive(2, appendRequest(1, { entries: entriesOf([1, 1]) }));
    const effects = node.receive(2, heartbeatRequest(1, { session: 4, round: 9 }));
    assert.deepEqual(sentMessages(effects), [
      { to: 2, message: { type: 'heartbeat-response', term: 1, session: 4, round: 9, verifiedIndex: 2 } },
    ]);
  });

  test('but not in a term that its disk does not know yet', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.isDiskSlow = true;
    assert.deepEqual(sentMessages(node.receive(2, heartbeatRequest(1))), []);
  });

  test('writes nothing for a heartbeat', () => {
    const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 1, votedFor: 2 } });
    assert.deepEqual(effectsOf(node.receive(2, heartbeatRequest(1)), 'persist'), []);
  });

  test('tells a leader of an earlier term that it is over', () => {
    const node = new SoloCore({ voters: [1, 2, 3], hardState: { term: 5, votedFor: null } });
    const [answer] = sentMessages(node.receive(2, heartbeatRequest(3)));
    assert.equal(answer?.message.type === 'heartbeat-response' && answer.message.term, 5);
    assert.equal(node.core.state.leaderId, null);
  });

  test('knows nothing of its log to match that of a new leader', () => {
    const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 1, 1], committed: 1 });
    node.receive(2, appendRequest(1, { prevLogId: logId(1, 3) }));
    assert.equal(node.core.state.verifiedIndex, 3);
    node.receive(3, heartbeatRequest(2, { commitIndex: 3 }));
    assert.deepEqual([node.core.state.verifiedIndex, node.core.state.commitIndex], [1, 1]);
  });
});

describe('a leader', () => {
  test('tells no peer to commit more than it holds', () => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeSettledLeader();
    node.propose('x');
    node.acknowledge(2);
    const beats = effectsOf(node.tickAt(HEARTBEAT_MS), 'send').map(({ to, message }) => [
      to,
      message.type === 'heartbeat-request' && message.commitIndex,
    ]);
    assert.deepEqual(beats, [
      [2, 2],
      [3, 1],
    ]);
  });

  test('sends them at its interval, and at once when asked to', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    assert.equal(node.core.deadlineMs, HEARTBEAT_MS);
    assert.deepEqual(effectsOf(node.tickAt(HEARTBEAT_MS - 1), 'send'), []);
    assert.equal(effectsOf(node.step({ type: 'heartbeat' }), 'send').length, 1);
    assert.equal(node.core.deadlineMs, 2 * HEARTBEAT_MS - 1, 'the interval starts anew');
  });

  test('verifies a follower anew that restarted, and resends nothing to it', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    assert.deepEqual(appendsTo(node.beat(2, 0), 2), [], 'that beat may be from before');
    node.tickAt(HEARTBEAT_MS);
    assert.deepEqual(appendsTo(node.beat(2, 0), 2), [{ prev: 1, toIndex: 2 }]);
  });

  test('ignores answers of other streams', () => {
    const node = new SoloCore({ voters: [1, 2] });
    node.becomeSettledLeader();
    node.nowMs = 50;
    node.receive(2, { type: 'heartbeat-response', term: 1, session: 77, round: 1, verifiedIndex: 0 });
    node.receive(9, { type: 'heartbeat-response', term: 1, session: 1, round: 1, verifiedIndex: 0 });
    assert.equal(node.progressOf(2).contactMs, 0);
  });
});
