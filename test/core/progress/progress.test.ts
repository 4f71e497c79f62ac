import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogIndex } from '../../../src/core/ids.ts';
import { Progress } from '../../../src/core/progress/progress.ts';

function progress(nextIndex: LogIndex = 10): Progress {
  const limits = { maxInflightAppends: 4, maxInflightBytes: 1000 };
  return new Progress({ peer: 2, session: 1, nextIndex, nowMs: 5, limits });
}

function replicating(matchIndex: LogIndex): Progress {
  const peer = progress();
  peer.acknowledge(matchIndex, 1);
  peer.becomeReplicate();
  return peer;
}

describe('Progress', () => {
  test('starts by probing, with nothing known to match', () => {
    const peer = progress();
    assert.deepEqual([peer.state, peer.matchIndex, peer.nextIndex], ['probe', 0, 10]);
    assert.deepEqual([peer.contactMs, peer.ackedRound], [5, 0]);
  });

  test('an acknowledgement moves match and next forward, and says whether it is news', () => {
    const peer = progress(3);
    assert.equal(peer.acknowledge(7, 4), true);
    assert.deepEqual([peer.matchIndex, peer.nextIndex, peer.matchRound], [7, 8, 4]);
    assert.equal(peer.acknowledge(7, 5), false);
    assert.equal(peer.acknowledge(6, 5), false);
    assert.deepEqual([peer.matchIndex, peer.nextIndex, peer.matchRound], [7, 8, 4]);
  });

  test('an acknowledgement leaves what was sent ahead of it alone', () => {
    const peer = replicating(7);
    peer.nextIndex = 20;
    peer.inflights.add(12, 10, 1);
    peer.inflights.add(19, 10, 1);
    peer.acknowledge(12, 2);
    assert.deepEqual([peer.nextIndex, peer.inflights.count], [20, 1]);
  });

  test('after an append of unknown size it goes on where the acknowledgement ends', () => {
    const peer = replicating(7);
    peer.unsizedFrom = 8;
    peer.nextIndex = 20;
    peer.inflights.add(19, 10, 1);
    peer.acknowledge(12, 2);
    assert.deepEqual([peer.nextIndex, peer.inflights.count, peer.unsizedFrom], [13, 0, null]);
  });

  test('an answer to what came before an append of unknown size, or one that came twice, sends nothing again', () => {
    const peer = replicating(7);
    peer.inflights.add(9, 10, 1);
    peer.unsizedFrom = 10;
    peer.nextIndex = 20;
    peer.inflights.add(19, 10, 1);
    for (const index of [7, 9, 9]) peer.acknowledge(index, 2);
    assert.deepEqual([peer.matchIndex, peer.nextIndex, peer.inflights.count, peer.unsizedFrom], [9, 20, 1, 10]);
    peer.acknowledge(12, 2);
    assert.deepEqual([peer.nextIndex, peer.inflights.count, peer.unsizedFrom], [13, 0, null]);
  });

  test('probing never goes back behind what matches', () => {
    const peer = replicating(7);
    peer.inflights.add(9, 10, 1);
    peer.sentCommitIndex = 9;
    peer.becomeProbe(3);
    assert.deepEqual([peer.state, peer.nextIndex, peer.inflights.count], ['probe', 8, 0]);
    assert.equal(peer.sentCommitIndex, 7, 'what was said of later entries may be lost with them');
  });

  test('a snapshot stops everything else, and knows what it covers', () => {
    const peer = replicating(7);
    peer.inflights.add(9, 10, 1);
    peer.becomeSnapshot(30);
    assert.deepEqual([peer.state, peer.snapshotIndex, peer.inflights.count], ['snapshot', 30, 0]);
  });
});
