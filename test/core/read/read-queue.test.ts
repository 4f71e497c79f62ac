import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReadQueue } from '../../../src/core/read/read-queue.ts';

describe('ReadQueue', () => {
  test('reads that arrive while a round is under way wait for the next one', () => {
    const reads = new ReadQueue();
    reads.add(1);
    reads.add(2);
    reads.bind(7, 40, 100);
    reads.add(3);
    assert.deepEqual(reads.open, { ids: [1, 2], round: 7, readIndex: 40, deadlineMs: 100 });
    assert.deepEqual([reads.size, reads.hasWaiting], [3, true]);
    assert.deepEqual(reads.closeRound(), [1, 2]);
    assert.deepEqual([reads.open, reads.size], [null, 1]);
    assert.deepEqual(reads.closeRound(), [], 'a round is closed once');
  });

  test('drains both, the older first', () => {
    const reads = new ReadQueue();
    reads.add(1);
    reads.bind(7, 40, 100);
    reads.add(2);
    assert.deepEqual(reads.drain(), [1, 2]);
    assert.deepEqual([reads.size, reads.hasWaiting], [0, false]);
  });
});
