/** What becomes true when a write is durable, and what must not before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import {
  appendRequest,
  effectsOf,
  entriesOf,
  entryOf,
  heldMessages,
  onlyEffect,
  sentMessages,
  snapshotMeta,
  voteRequest,
} from '../../support/core-kit.ts';
import { SoloCore } from '../../support/solo-core.ts';

const VOTERS = [1, 2, 3];

describe('the durable index', () => {
  test('does not count entries that a write under way replaces', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1, 1, 1, 1, 1], committed: 1 });
    node.isDiskSlow = true;
    node.receive(3, appendRequest(3, { prevLogId: logId(1, 2), entries: entriesOf([3, 3, 3], 3) }));
    assert.equal(node.core.state.durableIndex, 2);
    node.flushDisk();
    assert.equal(node.core.state.durableIndex, 5);
  });

  test('does not count entries that the batch being stepped replaces, when an older write completes in it', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1, 1, 1, 1, 1], committed: 1 });
    node.isDiskSlow = true;
    const { seq } = onlyEffect(
      node.receive(2, appendRequest(2, { prevLogId: logId(1, 5), entries: [entryOf(2, 6)] })),
      'persist',
    );
    const replacing = appendRequest(3, { prevLogId: logId(1, 2), entries: entriesOf([3], 3) });
    node.step({ type: 'message', from: 3, message: replacing, token: 0 }, { type: 'persisted', seq });
    assert.equal(node.core.state.durableIndex, 2);
    assert.equal(node.core.state.log.lastIndex, 3);
    node.flushDisk();
    assert.equal(node.core.state.durableIndex, 3);
  });

  test('does not count a log that a snapshot under way discards', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1, 1, 1, 1, 1, 1], committed: 2 });
    node.isDiskSlow = true;
    const meta = snapshotMeta(logId(5, 4), VOTERS);
    node.receiveSnapshot(2, { term: 5, session: 1, meta });
    assert.equal(node.core.state.durableIndex, 0);
    assert.equal(node.core.state.log.lastIndex, 4);
    node.flushDisk();
    assert.equal(node.core.state.durableIndex, 4);
  });

  test('reports of older writes after newer ones change nothing', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.receive(2, appendRequest(1, { entries: entriesOf([1, 1]) }));
    const before = node.core.state.durableIndex;
    node.step({ type: 'persisted', seq: 0 });
    assert.equal(node.core.state.durableIndex, before);
    assert.equal(before, 2);
  });
});

describe('promises wait for the disk', () => {
  test('a vote grant never leaves before the vote is written, nor does a repeated one while the write is pending', () => {
    const node = new SoloCore({ voters: VOTERS, hardState: { term: 0, votedFor: null } });
    node.isDiskSlow = true;
    const first = node.receive(2, voteRequest(1, logId(0, 0)));
    const again = node.receive(2, voteRequest(1, logId(0, 0)));
    assert.deepEqual(sentMessages([...first, ...again]), []);
    assert.deepEqual(
      [first, again].map((effects) => heldMessages(effects).map(({ to, message }) => [to, message.type])),
      [[[2, 'vote-response']], [[2, 'vote-response']]],
    );
    const [written, barrier] = [onlyEffect(first, 'persist'), onlyEffect(again, 'persist')];
    assert.deepEqual(written.hardState, { term: 1, votedFor: 2 });
    assert.equal(barrier.seq, written.seq + 1, 'ordered after the write of the vote');
  });

  test('an append is not acknowledged before its entries are written, nor is the same append again', () => {
    const node = new SoloCore({ voters: VOTERS });
    node.isDiskSlow = true;
    const request = appendRequest(1, { entries: entriesOf([1, 1]) });
    const first = node.receive(2, request);
    const again = node.receive(2, request);
    assert.deepEqual(sentMessages([...first, ...again]), []);
    assert.equal(onlyEffect(first, 'persist').entries.length, 2);
    assert.equal(onlyEffect(again, 'persist').entries.length, 0);
    assert.equal(heldMessages(again).length, 1);
  });

  test('a refusal promises nothing and leaves at once', () => {
    const node = new SoloCore({ voters: VOTERS, logTerms: [1], hardState: { term: 3, votedFor: null } });
    node.isDiskSlow = true;
    const effects = node.receive(2, appendRequest(3, { prevLogId: logId(3, 9) }));
    assert.equal(sentMessages(effects).length, 1);
    assert.deepEqual(effectsOf(effects, 'persist'), []);
  });

  test('a candidate asks nobody before its own vote is written, and does not count it either', () => {
    const node = new SoloCore({ voters: [1], hardState: { term: 0, votedFor: null } });
    node.isDiskSlow = true;
    node.step({ type: 'elect' });
    assert.equal(node.core.state.role.name, 'candidate');
    node.flushDisk();
    assert.equal(node.core.state.role.name, 'leader');

    const other = new SoloCore({ voters: VOTERS }, { preVote: false });
    other.isDiskSlow = true;
    const effects = other.step({ type: 'elect' });
    assert.deepEqual(sentMessages(effects), []);
    assert.deepEqual(
      heldMessages(effects).map(({ to, message }) => [to, message.type]),
      [
        [2, 'vote-request'],
        [3, 'vote-request'],
      ],
    );
  });
});
